"""JaxARC's tasks: from a folder that one has, chosen by name, refused in a sentence.

Mutants, and the test that fails for each:

    the file system's order                       sorted_by_name
    a group's name is a prefix                    by_name
    too large grids are kept                      leaves_out
    a width is not looked at                      leaves_out
    a grid as large as asked is left out          leaves_out
    a flat folder is not looked at                a_folder_of_ones_own
    split is dropped                              the_splits
    evaluation by default                         the_splits
    AGI2 has no splits                            the_splits
    only demonstrations, or inputs, are measured  holds_no_task
    outputs are not checked                       holds_no_task
    truth is a colour                             holds_no_task
    a task without tests is good                  holds_no_task
    one test without its output is no matter      holds_no_task
    a size of 0                                   cannot_work
    negative, repeated or no operations           cannot_work
    boxes are counted as points                   cannot_work
    the most actions are too many                 a_hundred_thousand
"""

import json

import numpy as np
import pytest

import envs
from tests.envs.suites import arc_tasks

pytest.importorskip("jaxarc", reason="needs the extra jaxarc")

pytestmark = [pytest.mark.suites, pytest.mark.lenient]

TASKS = arc_tasks.tasks()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return arc_tasks.write(tmp_path_factory.mktemp("concept"), "corpus")


def made(path, name="Concept", **chosen):
    """What the first demonstration's input is, of every task."""
    _, params = envs.make(f"jaxarc/{name}", data_path=path, **chosen)
    grids = np.asarray(params.tasks.input_grids_examples[:, 0])
    return [cropped(grid) for grid in grids]


def cropped(grid):
    inside = grid >= 0
    return grid[: inside.any(1).sum(), : inside.any(0).sum()].tolist()


def first(*names):
    return [TASKS[name]["train"][0]["input"] for name in names]


def test_they_are_sorted_by_name_and_all_are_there(path):
    assert made(path) == first(*sorted(TASKS))


def test_they_are_chosen_by_name_or_by_group(path):
    assert made(path, tasks=["Other"]) == first("Other/task2", "Other/task3")
    both = made(path, tasks=["Other/task3", "Mirror/task0"])
    assert both == first("Mirror/task0", "Other/task3")
    with pytest.raises(ValueError, match="no task 'Othe'"):
        made(path, tasks=["Othe"])


def test_a_size_leaves_out_what_is_larger(path):
    assert made(path, grid_size=4) == first("Mirror/task0", "Mirror/task1")
    assert made(path, grid_size=5) == first(*sorted(TASKS))
    with pytest.raises(ValueError, match=r"no task in .* at most 1 by 1 cells"):
        made(path, grid_size=1)


def test_a_folder_of_ones_own_needs_no_layout(tmp_path):
    arc_tasks.write(tmp_path, "")
    assert made(tmp_path, "AGI1") == first(*sorted(TASKS))


def test_the_splits_of_arc_agi_are_its_folders(tmp_path):
    named = list(TASKS.items())
    arc_tasks.write(tmp_path, "data/training", dict(named[:1]))
    arc_tasks.write(tmp_path, "data/evaluation", dict(named[1:]))
    assert made(tmp_path, "AGI2") == first(named[0][0])
    assert made(tmp_path, "AGI2", split="evaluation") == first(*dict(named[1:]))


def test_without_a_folder_it_says_where_the_tasks_are():
    with pytest.raises(ValueError) as raised:
        envs.make("jaxarc/Mini")
    said = str(raised.value)
    assert "clone https://github.com/KSB21ST/MINI-ARC and give the clone as" in said
    assert "data_path=FOLDER" in said and "\n" not in said


def test_a_folder_without_tasks_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"must be a clone of .*ARC-AGI, or a folder of"
    ):
        made(tmp_path, "AGI1")
    with pytest.raises(ValueError, match="there is none in"):
        made(tmp_path / "nowhere", "AGI1")


GOOD = {"input": [[1, 2]], "output": [[2, 1]]}


@pytest.mark.parametrize(
    ("task", "chosen", "said"),
    [
        ({"train": [GOOD]}, {}, "bad.json must be a task .*KeyError"),
        ([1], {}, "bad.json must be a task .*TypeError"),
        ({"train": [], "test": [GOOD]}, {}, "pairs in train and in test"),
        ({"train": [GOOD], "test": []}, {}, "pairs in train and in test"),
        ({"train": [{"input": [[1], [2, 3]], "output": [[1]]}], "test": [GOOD]}, {},
         "rows are equally long"),
        ({"train": [{"input": [[10]], "output": [[1]]}], "test": [GOOD]}, {}, "0 to 9"),
        ({"train": [{"input": [[1]], "output": [[10]]}], "test": [GOOD]}, {}, "0 to 9"),
        ({"train": [GOOD], "test": [{"input": [[1]], "output": [[-1]]}]}, {}, "0 to 9"),
        ({"train": [GOOD], "test": [{"input": [[True]]}]}, {}, "0 to 9"),
        ({"train": [{"input": [[1] * 6], "output": [[1]]}], "test": [GOOD]}, {},
         "grids of up to 1 by 6 cells; here they have at most 5 by 5"),
        ({"train": [{"input": [[1]], "output": [[1]] * 6}], "test": [GOOD]}, {},
         "grids of up to 6 by 2"),
        ({"train": [GOOD], "test": [{"input": [[1] * 6]}]}, {}, "up to 1 by 6"),
        ({"train": [GOOD], "test": [GOOD, {"input": [[1]]}]}, {"pairs": "tests"},
         "a test without its output"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_task_is_refused(task, chosen, said, tmp_path):
    (tmp_path / "bad.json").write_text(json.dumps(task))
    with pytest.raises(ValueError, match=said):
        made(tmp_path, "Mini", **chosen)


def test_a_test_without_its_output_is_no_matter_to_demonstrations(tmp_path):
    task = {"train": [GOOD], "test": [{"input": [[1]]}]}
    (tmp_path / "good.json").write_text(json.dumps(task))
    assert made(tmp_path, "Mini") == [[[1, 2]]]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (dict(pairs="test"), "did you mean 'tests'"),
        (dict(selection="bbox"), "unknown selection 'bbox'"),
        (dict(selection="box"), "more than 100000 actions; take selection=point"),
        (dict(grid_size=31), "grid_size must be an integer from 1 to 30; got 31"),
        (dict(grid_size=0), "grid_size must be an integer from 1 to 30; got 0"),
        (dict(operations=[35]), "different integers from 0 to 34; got .35"),
        (dict(operations=[-1]), "different integers from 0 to 34; got .-1"),
        (dict(operations=[3, 3]), "different integers from 0 to 34"),
        (dict(operations=[]), "different integers from 0 to 34"),
        (dict(show_demonstrations=-1), "cannot be negative; got -1"),
        (dict(split="training"), "has no parameter 'split'"),
        (dict(show_input=1), "show_input must be bool; got 1"),
        (dict(max_steps_in_episode=0), "must be a positive integer; got 0"),
    ],
)
def test_what_cannot_work_is_refused(chosen, said, path):
    with pytest.raises(ValueError, match=said):
        envs.make("jaxarc/Concept", data_path=path, **chosen)


def test_a_hundred_thousand_actions_are_not_too_many(path):
    chosen = dict(selection="box", grid_size=10, operations=list(range(10)))
    env, params = envs.make("jaxarc/Concept", data_path=path, **chosen)
    assert env.action_space(params).n == 100_000

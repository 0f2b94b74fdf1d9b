"""Reading a transfer evaluation: every return in its place, or a sentence.

| mutant | fails |
|---|---|
| seed and task are swapped | test_every_return_is_in_its_place |
| trials are taken in the order of the file | test_every_return_is_in_its_place |
| the last quarter counts trials beyond training | test_adapted_* |
| the last quarter starts one trial late | test_adapted_* |
| the oldest evaluation is read | test_the_newest_finished_one_is_read |
| one without result.json is read | test_the_newest_finished_one_is_read |
| the newest of any setting is read | test_the_newest_of_a_setting_is_read |
| duplicates are taken | test_refuses[twice] |
| trials need not count from 1 | test_refuses[from zero] |
| equal levels are divided by | test_levels |
"""

import csv
import gzip
import json
import random

import numpy as np
import pytest

from experiment.errors import InputError
from experiment.evaluate import trials
from experiment.run.run_folder import RunFolder


def write(folder, lines, **result):
    folder.mkdir(parents=True, exist_ok=True)
    header = "split,control,seed,task,trial,return,length"
    text = "\n".join([header, *lines]) + "\n"
    (folder / trials.FILE).write_bytes(gzip.compress(text.encode()))
    known = {"num_trials_trained": 4, "num_trials": 5, "levels": {}}
    (folder / "result.json").write_text(json.dumps(known | result))
    return folder


def test_what_is_written_is_read(tmp_path):
    """In the places that the file has for it, and the lengths beside the returns."""
    rng = np.random.default_rng(0)
    played = {"train": {"none": rng.integers(0, 99, (2, 2, 3, 5)).astype(float)}}
    path = write(tmp_path, [])
    trials.write(path, played)
    found = trials.read(path).returns["train", "none"]
    np.testing.assert_array_equal(found, played["train"]["none"][0])
    with gzip.open(path / trials.FILE, "rt") as file:
        rows = list(csv.DictReader(file))
    lengths = [int(row["length"]) for row in rows]
    np.testing.assert_array_equal(lengths, played["train"]["none"][1].ravel())


def value(seed, task, trial):
    return 100 * seed + 10 * task + trial


def lines_of(split="train", control="none", seeds=2, tasks=3, count=5):
    return [
        f"{split},{control},{seed},{task},{trial},{value(seed, task, trial)},9"
        for seed in range(seeds)
        for task in range(tasks)
        for trial in range(1, count + 1)
    ]


def test_every_return_is_in_its_place(tmp_path):
    """In whatever order the rows come, and whatever tasks are called."""
    lines = lines_of() + lines_of("held_out", "cleared", seeds=1, tasks=2)
    random.Random(0).shuffle(lines)
    found = trials.read(write(tmp_path, lines))
    block = found.returns["train", "none"]
    expected = [
        [[value(s, n, k + 1) for k in range(5)] for n in range(3)] for s in (0, 1)
    ]
    np.testing.assert_array_equal(block, expected)
    assert found.returns["held_out", "cleared"].shape == (1, 2, 5)
    assert found.splits == ["train"]  # of those played plainly
    assert found.zero_shot("train").tolist() == [[1, 11, 21], [101, 111, 121]]


@pytest.mark.parametrize(
    ("trained", "played", "late"),
    [(8, 12, [7, 8]), (10, 10, [8, 9, 10]), (4, 5, [4]), (1, 5, [1]), (8, 4, [4])],
)
def test_adapted_is_the_last_quarter_of_the_trials_trained_on(
    tmp_path, trained, played, late
):
    lines = lines_of(count=played)
    sizes = {"num_trials_trained": trained, "num_trials": played}
    found = trials.read(write(tmp_path, lines, **sizes)).adapted("train")
    assert found[1, 2] == np.mean([value(1, 2, k) for k in late])


def test_splits_come_in_the_usual_order(tmp_path):
    names = ("zoo", "bodies", "train", "shifted", "held_out")
    lines = [line for name in names for line in lines_of(name)]
    found = trials.read(write(tmp_path, lines))
    assert found.splits == ["train", "held_out", "shifted", "bodies", "zoo"]


def test_levels(tmp_path):
    known = {"random": 1.0, "expert": 5.0, "expert_name": "LQR"}
    levels = {"train": known, "bodies": {"random": 1.0, "expert": None}}
    found = trials.read(write(tmp_path, lines_of(), levels=levels)).levels
    np.testing.assert_array_equal(
        found["train"].normalise(np.array([1.0, 5.0, 3.0])), [0.0, 1.0, 0.5]
    )
    assert found["train"].expert_name == "LQR"
    assert found["bodies"].normalise(np.ones(2)) is None
    assert trials.Levels(2.0, 2.0).normalise(np.ones(2)) is None


def test_the_newest_finished_one_is_read(tmp_path):
    folder = RunFolder(tmp_path)
    assert trials.newest(folder) is None
    for name in ("transfer-20260102-1", "transfer-20260101-9", "memory_chain-20270101"):
        write(folder.evaluations / name, lines_of())
    unfinished = write(folder.evaluations / "transfer-20260103-1", [])
    (unfinished / "result.json").unlink()
    found = trials.newest(folder)
    assert found is not None and found.path.name == "transfer-20260102-1"


def test_the_newest_of_a_setting_is_read(tmp_path):
    """And none of another setting, though it is newer."""
    folder = RunFolder(tmp_path)
    for day, number in enumerate((2, 0, 2, 1), 1):
        told = {"setting": {"number": number, "agent.learning_rate": 1e-3}}
        write(folder.evaluations / f"transfer-2026010{day}-1", lines_of(), **told)
    for number, day in {0: 2, 1: 4, 2: 3}.items():
        found = trials.newest(folder, number)
        assert found is not None and found.setting == number
        assert found.path.name == f"transfer-2026010{day}-1"
    assert trials.newest(folder, 3) is None and trials.newest(folder) is None


DAMAGED = {
    "missing row": (lines_of()[:-1], {}, "29 rows for 2 learners and 3 tasks"),
    "twice": ([*lines_of(), lines_of()[0]], {}, "31 rows"),
    "too many": (lines_of(), {"num_trials": 4}, "trials 1 to 4"),
    "from zero": (
        [f"train,none,0,0,{trial},1.0,9" for trial in range(5)],
        {},
        "trials 1 to 5",
    ),
    "empty return": (["train,none,0,0,1,,9"], {}, "could not convert"),
    "nan return": (["train,none,0,0,1,nan,9"], {"num_trials": 1}, "finite return"),
    "short row": (["train,none,0"], {}, "columns split, control"),
    "no plain play": (lines_of(control="cleared"), {}, "control none"),
    "no trials": (lines_of(), {"num_trials_trained": 0}, "at least 1"),
    "no number": (lines_of(), {"num_trials": "many"}, "result.json cannot be read"),
    "setting without a number": (
        lines_of(),
        {"setting": {}},
        "result.json cannot be read",
    ),
    "levels as a list": (lines_of(), {"levels": []}, "result.json cannot be read"),
}


@pytest.mark.parametrize(("lines", "result", "said"), DAMAGED.values(), ids=DAMAGED)
def test_refuses(tmp_path, lines, result, said):
    with pytest.raises(InputError) as error:
        trials.read(write(tmp_path, lines, **result))
    assert said in str(error.value) and str(tmp_path) in str(error.value)


def test_refuses_what_is_no_table(tmp_path):
    (write(tmp_path, []) / trials.FILE).write_bytes(gzip.compress(b"a,b\n"))
    with pytest.raises(InputError, match="columns split, control"):
        trials.read(tmp_path)
    whole = gzip.compress("\n".join(lines_of()).encode())
    for damaged in (whole[:-12], whole[:20] + b"\0" * 20, b"no archive"):
        (tmp_path / trials.FILE).write_bytes(damaged)
        with pytest.raises(InputError, match="columns split, control"):
            trials.read(tmp_path)
    (tmp_path / "result.json").write_text("{")
    with pytest.raises(InputError, match=r"result\.json cannot be read"):
        trials.read(tmp_path)

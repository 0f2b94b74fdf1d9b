"""A transfer evaluation says what was played, and says it in words.

| mutant | fails |
|---|---|
| a control compared over other trials than named | figures |
| differences not taken task by task | figures |
| judged over tasks where there are several learners | learner_by_learner |
| a loss below 0 counts as none | helps |
| what is not shown is denied | not_denied |
| the gain judged over another sample than the losses | names_what |
| the expert read over all trials | a_run |
| bodies played on training tasks | a_run |
| a body's figures of all tasks, or with the split's levels | bodies_apart |
| the split's expert not weighted by tasks | several_bodies |
| a finding is green where clearing is not shown to hurt | colour_of_its_words |
| gains have in brackets what is drawn | brackets |
| keys are printed for words | said_in_words |
| Student's interval is drawn around three learners | drawn_and_told |
"""

import csv
import gzip
import io
import json
import shlex
from contextlib import redirect_stdout
from html import escape

import numpy as np
import pytest

from experiment.errors import InputError
from experiment.evaluate import (
    experts,
    transfer_figures,
    transfer_report,
    transfer_tables,
    transfer_words,
    trials,
    words,
)
from experiment.evaluate.transfer import evaluate
from experiment.evaluate.transfer_figures import Body
from experiment.evaluate.trials import CONTROLS
from experiment.report import numbers
from experiment.report.statistics import mean_interval
from experiment.run import manifest
from experiment.run.run_folder import RunFolder
from experiment.run.training import train
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent
from experiment.setup.request import TransferRequest
from tests.experiment import untrained

pytestmark = pytest.mark.usefixtures("quick_compilation")
SMALL = (
    *("env=meta_bandit", "env.num_arms=3", "env.num_trials=4"),
    *("agent.rollout_length=4", "total_steps=32", "checkpoint_every=1"),
)


def made_up(seeds=3, tasks=40, seed=0):
    """Returns 0 at first and 1 later; controls take away what they are known to."""
    rng = np.random.default_rng(seed)
    luck = rng.normal(0, 0.5, (1, tasks, 1))
    steps = np.arange(8)

    def returns(curve):
        noise = rng.normal(0, 0.01, (seeds, tasks, 8))
        return np.stack([luck + curve + noise, np.ones((seeds, tasks, 8))])

    own = np.minimum(steps / 3, 1.0)
    return {
        "none": returns(own),
        "cleared": returns(np.zeros(8)),
        "swapped": returns(own - 0.4 * (steps == 2)),
        "never_reset": returns(own),
    }


def summary(controls, bodies=None, levels=None):
    levels = {"random": 0.0, "expert": 2.0, "expert_name": "oracle", **(levels or {})}
    figures = transfer_figures.split(
        {control: returns for control, (returns, _) in controls.items()},
        *(levels, bodies or {}),
        trained=4,
        swap_at=2,
    )
    return {"levels": {"train": levels}, "splits": {"train": figures}}


@pytest.mark.parametrize(("seeds", "tasks"), [(1, 40), (1, 4), (3, 40), (8, 40)])
def test_brackets_are_what_the_table_says_of_them(seeds, tasks):
    """Of returns by the number of values, of gains always the 95% interval."""
    controls = made_up(seeds, tasks)
    result = summary(controls)
    table = transfer_tables.table(result)
    assert "with 5 or fewer, the least and the greatest. Of gains" in table.caption
    own = controls["none"][0]
    adapted, first = own[:, :, 3], own[:, :, 0]
    cells = dict(zip(table.columns, table.rows[0], strict=True))
    for name, values in (("zero-shot", first), ("adapted", adapted)):
        values = values.mean(1) if seeds > 1 else values[0]
        mean, *around = mean_interval(values)
        ends = values.min(), values.max()
        around = np.clip(around, *ends) if len(values) > 5 else ends
        assert cells[name] == numbers.interval(mean, *around)
    gain = (adapted - first).mean(1) if seeds > 1 else (adapted - first)[0]
    assert cells["gain"] == numbers.interval(*mean_interval(gain))


def test_figures_are_those_of_the_trials_they_name():
    controls = made_up()
    figures = summary(controls)["splits"]["train"]
    own = controls["none"][0]
    luck = own[:, :, 0].mean()
    assert figures["zero_shot"][0] == pytest.approx(luck)
    assert figures["adapted"][0] == pytest.approx(own[:, :, 3].mean())
    assert figures["gain"][0] == pytest.approx(1.0, abs=0.01)
    assert figures["beyond_training"][0] == pytest.approx(own[:, :, 6:].mean())
    assert figures["normalised_adapted"] == pytest.approx(own[:, :, 3].mean() / 2)
    worst = np.sort(own[:, :, 3].mean(0))[:4].mean()
    assert figures["worst_decile"] == pytest.approx(worst)
    losses = {name: found["loss"] for name, found in figures["controls"].items()}
    # Over tasks luck differs by 0.5; compared task by task nothing of it is left.
    for name, loss in (("cleared", 1.0), ("swapped", 0.4), ("never_reset", 0.0)):
        mean, low, high = losses[name]
        assert low < mean < high and high - low < 0.02
        assert mean == pytest.approx(loss, abs=0.02)
    curve = np.array(figures["curves"]["none"])[:, 0]
    np.testing.assert_allclose(curve, own.mean((0, 1)))


def test_bodies_are_told_apart_each_by_its_own_levels():
    controls = made_up()
    first = np.arange(40) < 10
    controls["none"][0][:, first] += 5
    bodies = {"a": Body(first, 8.0), "b": Body(~first, None)}
    levels = {"a": {"random": 4.0, "expert": 8.0}, "b": {"random": 0, "expert": None}}
    result = summary(controls, bodies, {"bodies": levels})
    figures = result["splits"]["train"]["bodies"]
    late = controls["none"][0][:, :, 3]
    assert figures["a"]["adapted"][0] == pytest.approx(late[:, first].mean())
    assert figures["b"]["adapted"][0] == pytest.approx(late[:, ~first].mean())
    expected = (late[:, first].mean() - 4) / 4
    assert figures["a"]["normalised_adapted"] == pytest.approx(expected)
    assert figures["b"]["normalised_adapted"] is None
    assert figures["a"]["normalised_in_task"] is None
    rows = transfer_tables.body_table(result, "train").rows
    assert [(row[0], row[-3], row[-2]) for row in rows] == [("a", 4, 8), ("b", 0, None)]
    said = transfer_report.text(result).splitlines()
    assert said[1].startswith("  a: zero-shot") and said[1].endswith("expert 8.00")
    assert said[2].startswith("  b: zero-shot") and said[2].endswith("expert unknown")


def test_an_expert_in_the_task_is_a_level_beside_the_bare_one():
    controls = made_up()
    every = np.ones(40, bool)
    at = {"random": 1.0, "expert": 8.0, "in_task": 5.0}
    bodies = {"a": Body(every, 8.0, np.full(40, 5.0))}
    result = summary(controls, bodies, {**at, "bodies": {"a": at}})
    figures, late = result["splits"]["train"], controls["none"][0][:, :, 3].mean()
    assert figures["normalised_adapted"] == pytest.approx((late - 1) / 7)
    assert figures["normalised_in_task"] == pytest.approx((late - 1) / 4)
    (row,) = transfer_tables.body_table(result, "train").rows
    assert row[-2:] == (5.0, figures["bodies"]["a"]["normalised_in_task"])
    table = transfer_tables.table(result)
    place = table.columns.index("expert in the task")
    assert table.rows[0][place] == 5.0 and "task's own lens" in table.caption
    assert "expert 8.00 (5.00 in the task)" in transfer_report.text(result)


def test_one_learners_interval_is_over_tasks_several_ones_over_learners():
    one = summary(made_up(seeds=1))["splits"]["train"]["adapted"]
    many = summary(made_up(seeds=3))["splits"]["train"]["adapted"]
    assert one[2] - one[1] > 0.2  # luck of tasks
    assert many[2] - many[1] < 0.1  # all learners meet the same tasks


def said_of(controls):
    return transfer_words.verdicts(summary(controls), "train")


def test_words_follow_the_intervals():
    cleared, swapped, never_reset, in_context = said_of(made_up())
    assert cleared.startswith("Clearing memory at every trial hurts: the return ")
    assert swapped.startswith("Memory of another task at one trial hurts")
    assert "is not shown to hurt or to help" in never_reset
    assert in_context.startswith("The agent learns in context here: ")
    flat = made_up()
    flat["none"][0] = flat["never_reset"][0] = flat["none"][0][:, :, :1] + 0.5
    flat["cleared"][0] = flat["none"][0] - 0.3
    assert said_of(flat)[3] == (
        "That the agent learns in context is not shown here: an improvement from the "
        "first trial to the last ones trained on is not shown (a gain of 0 in each of "
        "3 learners), and clearing memory hurts."
    )


def test_a_loss_below_zero_says_that_clearing_helps():
    controls = made_up()
    noise = np.random.default_rng(1).normal(0, 0.01, controls["none"][0].shape)
    controls["cleared"][0] = controls["none"][0] + 0.3 + noise
    cleared, *_, in_context = said_of(controls)
    assert cleared.startswith("Clearing memory at every trial helps: ")
    assert "a loss of -0.3" in cleared
    assert "is not shown here: it improves" in in_context
    assert in_context.endswith("and clearing memory helps.")


def test_what_is_not_shown_is_not_denied():
    """Better by chance alone, in half of the tasks: nothing is shown, nor refuted."""
    controls = made_up(seeds=1)
    wild = np.random.default_rng(1).normal(0.05, 2.0, controls["none"].shape[1:])
    controls["cleared"] = controls["none"] - np.stack([wild, 0 * wild])
    cleared, *_, in_context = said_of(controls)
    assert "is not shown to hurt or to help" in cleared
    assert in_context.startswith("That the agent learns in context is not shown here")
    assert in_context.endswith("and that clearing memory hurts is not shown.")
    assert "does not" not in " ".join(said_of(controls))


def test_it_gets_worse_in_words():
    controls = made_up()
    for control in controls.values():
        control[0] *= -1
    assert "it gets worse from the first trial" in said_of(controls)[3]


@pytest.mark.parametrize(
    "seeds, over", [(1, "40 tasks of 1 learner"), (3, "3 learners")]
)
def test_every_sentence_names_what_its_interval_is_over(seeds, over):
    """And all of one split are over the same."""
    said = said_of(made_up(seeds=seeds))
    assert len(said) == 4
    for sentence in said:
        assert sentence.count("95% over") == 1 and f"95% over {over}" in sentence


def test_a_control_is_judged_learner_by_learner_where_there_are_several():
    """One learner loses much on every task, the others nothing: no loss is shown."""
    controls = made_up(tasks=200)
    controls["cleared"][0] = controls["none"][0]
    controls["cleared"][0][0] -= 0.6
    assert "is not shown to hurt" in said_of(controls)[0]
    found = summary(controls)["splits"]["train"]["controls"]["cleared"]
    assert found["loss"][0] == pytest.approx(0.2) and found["loss"][1] < 0
    assert found["loss_over_tasks"] == pytest.approx([0.2, 0.2, 0.2])
    result = summary(controls) | {"swap_at": 2}
    table = transfer_tables.control_table(result, "train")
    over_tasks = "loss, over 200 tasks, learners averaged"
    assert table.columns[3:] == ("loss, over 3 learners", over_tasks, "so it")
    assert [row[0] for row in table.rows] == [
        words.control(name) for name in CONTROLS[1:]
    ]
    assert [row[-1] for row in table.rows] == ["not shown", "hurts", "not shown"]
    one = summary(made_up(seeds=1)) | {"swap_at": 2}
    table = transfer_tables.control_table(one, "train")
    assert table.columns[3:] == ("loss, over 40 tasks of 1 learner", "so it")


def test_a_finding_has_the_colour_of_its_words():
    """Green: in context. Red: it gets worse, or clearing helps. Neither: neither."""
    controls = made_up()
    found = transfer_words.finding(summary(controls), "train")
    assert found.sign == 1 and found.text.startswith("Training tasks. The agent learns")
    noise = np.random.default_rng(1).normal(0, 0.01, controls["none"][0].shape)
    controls["cleared"][0] = controls["none"][0] + 0.3 + noise
    assert transfer_words.finding(summary(controls), "train").sign == -1
    controls["cleared"][0] = controls["none"][0]
    assert transfer_words.finding(summary(controls), "train").sign == 0


def test_what_is_drawn_and_told_of_few_learners_is_what_they_did():
    controls = made_up(seeds=3)
    figures = summary(controls)["splits"]["train"]
    by_learner = controls["none"][0].mean(1)  # [S, K]
    for k, around in enumerate(figures["spreads"]["none"]):
        assert around == pytest.approx([by_learner[:, k].min(), by_learner[:, k].max()])
    assert figures["per_learner"]["adapted"] == pytest.approx(by_learner[:, 3])
    assert figures["spread"]["adapted"] == pytest.approx(
        [by_learner[:, 3].min(), by_learner[:, 3].max()]
    )
    # What is concluded from is the interval, as before.
    assert figures["adapted"] == pytest.approx(mean_interval(by_learner[:, 3]))
    table = transfer_tables.learner_table(summary(controls))
    assert [row[2] for row in table.rows] == pytest.approx(by_learner[:, 3])
    many = transfer_tables.learner_table(summary(made_up(seeds=40, tasks=10)))
    assert len(many.rows) == 32 and "The first 32 of 40." in many.caption


@pytest.fixture(scope="module")
def run(tiny, tmp_path_factory, quick_compilation):
    folder = RunFolder(tmp_path_factory.mktemp("meta") / "run")
    cli.register()
    rest = [option for option in tiny if not option.startswith("env.")]
    config = run_config.load(cli.composed("train", [*rest, *SMALL]))
    untrained.left(folder.path, config, moved=0.1)  # what was learned is no matter
    request = TransferRequest(tasks=6, swap_at=1, figures="svg")
    with redirect_stdout(io.StringIO()) as printed:
        result = evaluate(folder, config, config.env, request)
    (folder.path / "printed.txt").write_text(printed.getvalue())
    return folder, config, result


def test_a_run_is_played_on_every_split_and_written_down(run):
    folder, _, result = run
    (path,) = folder.evaluations.glob("transfer-*")
    found = trials.read(path)  # refuses what is missing, doubled or not finite
    assert found.splits == ["train", "held_out", "shifted"]
    assert result["num_trials"] == 8 and result["num_trials_trained"] == 4
    with gzip.open(path / trials.FILE, "rt") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * len(CONTROLS) * 2 * 6 * 8
    for split in found.splits:
        own = [
            float(row["return"]) for row in rows
            if row["split"] == split and row["control"] == "none"
            and int(row["trial"]) == 4
        ]  # fmt: skip
        figures = result["splits"][split]
        assert figures["adapted"][0] == pytest.approx(np.mean(own), abs=1e-5)
        assert figures["num_learners"] == 2 and figures["num_tasks"] == 6
        levels = result["levels"][split]
        assert levels["expert_name"] == "Thompson sampling"
        assert levels["expert"] == pytest.approx(levels["expert_per_trial"][3])
        assert 0 < levels["random"] < levels["best"] < 1
    assert result["levels"]["shifted"]["best"] < 0.5
    assert json.loads((path / "result.json").read_text())["splits"] == result["splits"]
    with (path / "adaptation.csv").open() as file:
        curves = list(csv.DictReader(file))
    assert len(curves) == 3 * (len(CONTROLS) + 1) * 8  # Thompson sampling's among them
    for row in curves:
        place = int(row["trial"]) - 1
        if row["control"] == "expert":
            level = result["levels"][row["split"]]["expert_per_trial"][place]
        else:
            curve = result["splits"][row["split"]]["curves"][row["control"]]
            level = curve[place][0]
        assert float(row["return"]) == pytest.approx(level)
    report = (path / "report.html").read_text()
    assert report.count("data:image/png") == 3 == len([*path.glob("*.svg")])
    for split in found.splits:
        found = transfer_words.finding(result, split)
        assert f">{escape(found.text)}</p>" in report
        assert f"{words.split(split)}: adapted</th>" in report
    assert "held_out" not in report and "never_reset" not in report
    (start,) = manifest.read(folder.manifest) or [{}]
    assert escape(shlex.join(start["command"])) in report  # that made it


def test_what_is_played_is_said_in_words(run):
    printed = (run[0].path / "printed.txt").read_text()
    assert (
        "played held-out tasks: memory as it is, cleared at every trial, another "
        "task's at one trial, another task's from the start\n"
    ) in printed
    assert "held_out" not in printed and "never_reset" not in printed


def test_every_interval_of_the_curves_can_be_computed_anew(run):
    """From learners.csv, of a real run: adaptation.csv."""
    (path,) = run[0].evaluations.glob("transfer-*")
    with (path / "learners.csv").open() as file:
        learners: dict[tuple[str, ...], list[float]] = {}
        for row in csv.DictReader(file):
            place = row["split"], row["control"], row["trial"]
            learners.setdefault(place, []).append(float(row["return"]))
    with (path / "adaptation.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["control"] != "expert"]
    assert len(learners) == len(rows) == 3 * len(CONTROLS) * 8
    for row in rows:
        found = mean_interval(learners[row["split"], row["control"], row["trial"]])
        expected = [float(row[name]) for name in ("return", "low", "high")]
        assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    "request_, words",
    [
        (TransferRequest(swap_at=8), "between 1 and the last of 8 trials, 7; got 8"),
        (TransferRequest(trials=2, swap_at=2), "last of 2 trials, 1; got 2"),
    ],
)
def test_what_cannot_be_played_is_refused(run, request_, words):
    folder, config, _ = run
    with pytest.raises(InputError, match=words):
        evaluate(folder, config, config.env, request_)


def test_a_run_without_splits_is_refused(make_config, tmp_path):
    config = make_config()
    with pytest.raises(InputError, match="memory_chain has no splits of tasks"):
        evaluate(RunFolder(tmp_path), config, config.env, TransferRequest())


@pytest.fixture
def several_bodies(tiny, tmp_path):
    """A run on two bodies with two unseen, that has learnt nothing yet."""
    cli.register()
    rest = [option for option in tiny if not option.startswith(("env.", "core."))]
    small = (
        *("env=projected_control", "env.trial_steps=5"),
        *("core=mlp", "core.features=4"),
        "env.train_bodies=[cartpole_balance,pendulum_swingup]",
        "env.held_out_bodies=[acrobot_swingup,mountain_car]",
        *("agent.rollout_length=4", "total_steps=32", "checkpoint_every=1"),
    )
    config = run_config.load(cli.composed("train", [*rest, *small]))
    folder = RunFolder(tmp_path / "run")
    assert train(build_agent(config), config, folder, resume=False) == 0
    return folder, config


@pytest.mark.slow
@pytest.mark.lenient  # distrax's Gaussian
def test_several_bodies_have_an_expert_each(several_bodies, monkeypatch):
    folder, config = several_bodies
    asked = []

    def level(name, params, *, total_steps, folder):
        asked.append((name, params["max_steps_in_episode"], total_steps, folder))
        return 100.0 * len(name)

    monkeypatch.setattr(experts, "level", level)
    idle = np.zeros(1, np.float32)
    monkeypatch.setattr(experts, "policy", lambda *_, **__: lambda obs: idle)
    request = TransferRequest(tasks=9, expert_steps=7)
    result = evaluate(folder, config, config.env, request)
    trained = ["control/cartpole_balance", "control/pendulum_swingup"]
    unseen = ["control/acrobot_swingup", "control/mountain_car"]
    for split, names in result["splits"].items():
        expected = unseen if split == "bodies" else trained
        assert sorted(names["bodies"]) == expected
        levels = result["levels"][split]
        per_body = levels["bodies"]
        # Returns of all tasks are those of each body's tasks, weighted by their number.
        found = [names["bodies"][name]["adapted"][0] for name in expected]
        counts = np.linalg.solve(
            [[found[0], found[1]], [1.0, 1.0]], [names["adapted"][0], 1.0]
        )
        experts_ = [per_body[name]["expert"] for name in expected]
        assert experts_ == [100.0 * len(name) for name in expected]
        assert levels["expert"] == pytest.approx(counts @ experts_, rel=1e-3)
        in_task = [per_body[name]["in_task"] for name in expected]
        assert levels["in_task"] == pytest.approx(counts @ in_task, rel=1e-3)
        # Five idle steps: the pole stays up, the car in its valley.
        known = {"control/cartpole_balance": 5.0, "control/mountain_car": 0.0}
        for name, value in known.items():
            if name in expected:
                assert per_body[name]["in_task"] == pytest.approx(value, rel=0.02)
        random = [per_body[name]["random"] for name in expected]
        assert levels["random"] == pytest.approx(counts @ random, rel=1e-3)
    assert {(*rest,) for _, *rest in asked} == {(5, 7, folder.path / "experts")}
    assert {name for name, *_ in asked} == {*trained, *unseen}

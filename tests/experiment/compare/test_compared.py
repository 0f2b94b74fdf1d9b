"""Runs to compare: found, read, named; and what a reader is warned of.

| mutant | fails |
|---|---|
| a pattern takes folders without a summary | test_a_pattern_passes_over_* |
| a run found twice is kept twice | test_a_run_is_compared_once |
| labels hold run_dir | test_labels_say_what_differs |
| labels hold parameters of other environments | test_labels_say_what_differs |
| labels hold parameters of other agents | test_labels_say_what_differs |
| never_reset is no part of a label | test_a_memory_never_reset_is_named |
| equal labels stay equal | test_runs_alike_are_told_apart |
| one's own environment is called custom | test_environments_of_ones_own_* |
| counts differ fairly up to twice | test_warns[parameters] |
| parameters are not part of the environment | test_warns[environment parameter] |
| the warning names runs that cannot be evaluated | test_warns_of_a_missing_* |
"""

import json
from dataclasses import replace

import pytest

from experiment.compare import compared, fairness
from experiment.errors import InputError
from experiment.run.run_folder import RunFolder


@pytest.fixture
def labels_of(write_run, tmp_path):
    """`(*overrides of a run) -> labels`."""

    def labels_of(*every):
        paths = [
            write_run(tmp_path / f"run-{index}", f"run_dir=x{index}", *overrides)
            for index, overrides in enumerate(every)
        ]
        return [run.label for run in compared.read([str(path) for path in paths])]

    return labels_of


def test_labels_say_what_differs(labels_of):
    found = labels_of(
        ["core=s5"],
        ["core=s5", "core.dt_min=1e-4", "agent.learning_rate=1e-3", "log_every=7"],
        ["core=gru", "env=gymnax/Pendulum-v1"],
        ["core=gru", "env=gymnax/CartPole-v1", "env.max_steps_in_episode=9"],
        ["core=mlp", "seed=3"],
        ["core=lstm"],
    )
    assert found == [
        "s5 (dt_min=0.0003, learning_rate=0.0005)",
        "s5 (dt_min=0.0001, learning_rate=0.001)",
        "gru (env=gymnax/Pendulum-v1)",
        "gru (env=gymnax/CartPole-v1)",
        "mlp",
        "lstm",
    ]
    found = labels_of(
        ["core=s5"],
        ["core=lstm", "agent=pqn"],
        ["core=lstm", "agent=pqn", "agent.td_lambda=0.5"],
    )
    assert found == [
        "ppo s5",
        "pqn lstm (td_lambda=0.95)",
        "pqn lstm (td_lambda=0.5)",
    ]


def test_environments_of_ones_own_are_told_apart(labels_of, write_run, tmp_path):
    """They all are called custom: what is told of them is their entry point."""
    own = ["env=custom", "env.entry_point=mine:Mine"]
    assert labels_of([], own)[1].startswith("s5 (env=mine:Mine, ")
    paths = [
        write_run(tmp_path / "a", *own, "+env.rounds=3"),
        write_run(tmp_path / "b", own[0], "env.entry_point=mine:Other"),
    ]
    runs = compared.read([str(path) for path in paths], ["a", "b"])
    said = "mine:Mine with history=False, rounds=3: a; mine:Other with history=False: b"
    assert fairness.unfair(runs) == [f"The runs differ in environment ({said})."]


def test_runs_alike_are_told_apart(labels_of, write_run, tmp_path):
    assert labels_of([], []) == ["s5 (run-0)", "s5 (run-1)"]
    paths = [write_run(tmp_path / name / "same") for name in "ab"]
    found = [run.label for run in compared.read([str(path) for path in paths])]
    assert found == ["s5 (same) #1", "s5 (same) #2"]


def test_a_memory_never_reset_is_named(make_config, monkeypatch):
    """Whichever section it stands in."""
    from experiment.setup import config as run_config

    plain = run_config.dump(make_config("total_steps=220"))
    ours = [plain | {"agent": plain["agent"] | {"memory": at}}
            for at in ("never_reset", "per_episode")]  # fmt: skip
    dumped = iter(ours)
    monkeypatch.setattr(run_config, "dump", lambda config: next(dumped))
    configs = [make_config("total_steps=220")] * 2
    folders = [RunFolder(None), RunFolder(None)]
    found = compared.make_labels(folders, configs)
    assert found == ["s5 + memory=never_reset", "s5"]


def test_given_labels_are_used(write_run, tmp_path):
    paths = [str(write_run(tmp_path / name)) for name in "ab"]
    found = [run.label for run in compared.read(paths, ["one", "two"])]
    assert found == ["one", "two"]
    with pytest.raises(InputError, match=r"each of the 2 runs found; got 1: one\."):
        compared.read(paths, ["one"])
    with pytest.raises(InputError, match="must differ; got one, one"):
        compared.read(paths, ["one", "one"])


def test_a_pattern_passes_over_what_is_no_finished_run(write_run, tmp_path):
    for name in ("b", "a", "unfinished"):
        write_run(tmp_path / name)
    (tmp_path / "unfinished" / "summary.json").unlink()
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    found = compared.find([f"{tmp_path}/*"])
    assert [folder.path.name for folder in found] == ["a", "b"]
    with pytest.raises(InputError, match=f"{tmp_path}/e.* must match a finished run"):
        compared.find([f"{tmp_path}/e*"])


def test_a_run_is_compared_once(write_run, tmp_path):
    for name in "ab":
        write_run(tmp_path / name)
    found = compared.find([f"{tmp_path}/b", f"{tmp_path}/*", f"{tmp_path}/a/../b"])
    assert [folder.path.name for folder in found] == ["b", "a"]


def damage(name, text):
    return lambda path: (path / name).write_text(text)


def without(key):
    def remove(path):
        summary = json.loads((path / "summary.json").read_text())
        del summary[key]
        (path / "summary.json").write_text(json.dumps(summary))

    return remove


DAMAGE = {
    "no run": (lambda path: (path / "config.yaml").unlink(), "must be a run folder"),
    "unfinished": (lambda path: (path / "summary.json").unlink(), "resume="),
    "summary cut short": (damage("summary.json", "{"), "summary.json cannot be read"),
    "summary of a list": (damage("summary.json", "[]"), "must hold a mapping"),
    "old summary": (without("num_parameters"), "must hold num_parameters"),
    "no metrics": (lambda path: (path / "metrics.csv").unlink(), "cannot be read"),
    "other metrics": (damage("metrics.csv", "a,b\n1,2\n"), "must have rows"),
    "damaged metrics": (damage("metrics.csv", "seed\nx\n"), "metrics.csv cannot be"),
}


@pytest.mark.parametrize(("hurt", "said"), DAMAGE.values(), ids=DAMAGE)
def test_refuses(write_run, tmp_path, hurt, said):
    path = write_run(tmp_path / "a")
    hurt(path)
    with pytest.raises(InputError) as error:
        compared.read([str(path)])
    assert said in str(error.value) and str(path) in str(error.value)


def test_a_run_needs_no_manifest(write_run, tmp_path):
    path = write_run(tmp_path / "a")
    (path / "manifest.json").unlink()
    (run,) = compared.read([str(path)])
    assert run.device is None and run.transfer is None


SMALL = {"tasks": 2, "trained": 3, "trials": 4, "controls": ("none",)}
WARNINGS = {
    "environment": (["env=gymnax/CartPole-v1"], {}, "in environment (memory_chain"),
    "environment parameter": (["env.memory_length=7"], {}, "memory_length=7"),
    "history": (["env.history=true"], {}, "history=True"),
    "steps": (["total_steps=2_000_000"], {}, "1,000,000: a; 2,000,000: b"),
    "seeds": (["num_seeds=2"], {}, "number of seeds (3: a; 2: b)"),
    "parameters": (
        [],
        {"num_parameters": 12_100},
        "21%, from 10,000 (a) to 12,100 (b)",
    ),
    "device": ([], {"devices": ["H100"]}, "device (cpu: a; H100: b)"),
    "resumed": ([], {"devices": ["cpu", "cpu"]}, "b was resumed"),
    "tasks": ([], {"transfer": SMALL | {"tasks": 3}}, "3 train"),
    "trials": ([], {"transfer": SMALL | {"trials": 5}}, "5 trials"),
}


@pytest.mark.parametrize(
    ("overrides", "options", "said"), WARNINGS.values(), ids=WARNINGS
)
def test_warns(write_run, tmp_path, overrides, options, said):
    """Of each difference in one sentence, and of nothing else."""
    first = write_run(tmp_path / "a", transfer=SMALL)
    other = write_run(tmp_path / "b", *overrides, **{"transfer": SMALL} | options)
    found = fairness.unfair(compared.read([str(first), str(other)], ["a", "b"]))
    assert len(found) == 1 and said in found[0], found


def test_warns_of_a_missing_transfer_evaluation_where_one_can_be_made(
    write_run, tmp_path
):
    """Off meta-environments the command would be refused, so nothing is missing."""
    names = "meta_bandit", "meta_bandit", "memory_chain"
    given = [SMALL, None, None]
    paths = [
        write_run(tmp_path / label, f"env={name}", transfer=transfer)
        for label, name, transfer in zip("abc", names, given, strict=True)
    ]
    runs = compared.read([str(path) for path in paths], list("abc"))
    said = [text for text in fairness.unfair(runs) if "transfer" in text]
    command = f"python evaluate.py run={paths[1]} transfer=true makes one."
    assert said == [f"b has no transfer evaluation; {command}"]
    assert fairness.unfair(runs[1:2]) == []


def test_does_not_warn_of_equals(write_run, tmp_path):
    """Parameter counts within a fifth are fair; other cores are the point."""
    first = write_run(tmp_path / "a", transfer=SMALL)
    other = write_run(tmp_path / "b", "core=gru", num_parameters=12_000, transfer=SMALL)
    runs = compared.read([str(first), str(other)])
    assert fairness.unfair(runs) == []
    assert fairness.unfair([replace(run, transfer=None) for run in runs]) == []

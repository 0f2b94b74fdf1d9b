"""The table of a search: what is pooled, chosen and said.

| mutant | fails |
|---|---|
| seeds make settings of their own | test_learners_are_pooled_over_runs |
| a learner that is there twice counts twice | test_the_same_learner_counts_once |
| the first setting is chosen | test_each_cell_is_the_best_of_its_settings |
| environments share a best setting | test_each_cell_is_the_best_of_its_settings |
| a setting that lost a learner can be chosen | test_a_setting_that_lost_a_learner_* |
| fresh numbers hold learners that were chosen by | test_fresh_numbers_* |
| depth, budget or seeds are not compared | test_unequal_searches_are_said |
| settings of one program count as one | test_settings_of_one_program_count_each |
| runs that have not ended are not said | test_unequal_searches_are_said |
"""

import csv
import json
import shlex

import numpy as np
import pytest

import compare
from experiment.compare import field, field_table
from experiment.compare.field_fairness import unequal
from experiment.errors import InputError
from experiment.report import numbers
from experiment.report.statistics import mean_interval
from experiment.setup import cli
from experiment.setup import config as run_config

RATES = ("1e-3", "3e-4")


@pytest.fixture
def run(write_run, tmp_path):
    """`(name, *returns, arguments=, **summary)`: a run with these final returns."""

    def run(name, *returns, arguments=(), **beside):
        seeds = f"num_seeds={len(returns)}"
        path = write_run(tmp_path / name, *arguments, seeds)
        summary = json.loads((path / "summary.json").read_text())
        own = {"final_return_per_seed": list(returns), **beside}
        (path / "summary.json").write_text(json.dumps(summary | own))
        return path

    return run


@pytest.fixture
def search(run):
    """Two cores in two environments, two settings each; seeds 0 and 1 are two runs."""
    means = {
        ("gru", "memory_chain"): (0.1, 0.5),
        ("gru", "t_maze"): (0.4, 0.2),
        ("mlp", "memory_chain"): (0.3, 0.2),
        ("mlp", "t_maze"): (0.0, 0.9),
    }
    for (core, env), both in means.items():
        for rate, mean in zip(RATES, both, strict=True):
            for seed in (0, 1):
                arguments = (
                    *(f"core={core}", f"env={env}", f"agent.learning_rate={rate}"),
                    *(f"seed={seed}", f"log_every={seed + 1}"),
                )
                name = f"{core}-{env}-{rate}-{seed}"
                run(name, mean + 0.02 * seed, arguments=arguments)
    return means


def texts(found):
    return [list(row) for row in field_table.shown(found).rows]


def test_each_cell_is_the_best_of_its_settings(search, tmp_path):
    found = field.read([f"{tmp_path}/*"], "core")
    assert list(found.rows) == ["gru", "mlp"]
    for (row, env), cell in found.cells.items():
        both = search[row, found.envs[env]]
        assert cell.best.mean == pytest.approx(max(both) + 0.01)
        assert sorted(one.mean for one in cell.settings) == pytest.approx(
            sorted(mean + 0.01 for mean in both)
        )
    assert found.warnings == []
    (said,) = unequal(found)
    assert "same learners" in said


def test_learners_are_pooled_over_runs(search, run, tmp_path):
    """In runs of one learner or in one of several: the same table."""
    found = field.read([f"{tmp_path}/*"], "core")
    for path in tmp_path.glob("gru-memory_chain-*"):
        (path / "summary.json").unlink()
        (path / "config.yaml").unlink()
    for rate, mean in zip(RATES, search["gru", "memory_chain"], strict=True):
        arguments = ("core=gru", f"agent.learning_rate={rate}")
        run(f"both-{rate}", mean, mean + 0.02, arguments=arguments)
    again = field.read([f"{tmp_path}/*"], "core")
    assert sorted(texts(again)) == sorted(
        [row[0], *(row[1 + list(found.envs).index(env)] for env in again.envs)]
        for row in texts(found)
    )
    mean, low, high = mean_interval([0.5, 0.52])
    rows = [dict(zip(field_table.full(again).columns, row, strict=True))
            for row in field_table.full(again).rows]  # fmt: skip
    (one,) = [r for r in rows if (r["core"], r["env"]) == ("gru", "memory_chain")]
    assert (one["mean"], one["low"], one["high"]) == (mean, low, high)
    assert one["setting"] == "agent.learning_rate=0.0003" and one["learners"] == 2


def test_the_same_learner_counts_once(run, tmp_path):
    run("a", 0.1, 0.2, arguments=["core=gru"])
    run("b", 0.1, arguments=["core=gru", "wandb=offline"])
    found = field.read([f"{tmp_path}/*"], "core")
    (cell,) = found.cells.values()
    assert list(cell.best.returns.values()) == [0.1, 0.2]
    assert "/b holds learners that another run" in found.warnings[0]


def test_a_setting_that_lost_a_learner_is_tried_and_not_chosen(run, tmp_path):
    run("a", 0.9, None, arguments=["core=gru"])
    run("b", 0.1, 0.2, arguments=["core=gru", "core.features=12"])
    run("c", None, None, arguments=["core=mlp"])
    found = field.read([f"{tmp_path}/*"], "core")
    assert texts(found) == [["gru", numbers.interval(
        *mean_interval([0.1, 0.2])) + " (of 2)"], ["mlp", "– (of 1)"]]  # fmt: skip
    said = " ".join(unequal(found))
    assert "gru on memory_chain: 1 of 2 settings have a learner without" in said
    assert "mlp on memory_chain: 1 of 1 settings" in said
    field_table.write(found, tmp_path / "out", ["x"])


def test_fresh_numbers_are_of_other_learners_of_the_same_setting(run, tmp_path):
    for rate, mean, new in zip(RATES, (0.9, 0.5), (0.3, 0.7), strict=True):
        arguments = ["core=gru", f"agent.learning_rate={rate}"]
        run(f"tried/{rate}", mean, mean + 0.1, arguments=arguments)
        run(f"fresh/{rate}", new, new + 0.1, arguments=[*arguments, "seed=2"])
    run("tried/mlp", 0.2, arguments=["core=mlp"])
    run("fresh/again", 0.9, arguments=["core=gru", "agent.learning_rate=1e-3"])
    found = field.read([f"{tmp_path}/tried/*"], "core", [f"{tmp_path}/fresh/*"])
    gru, mlp = found.cells.values()
    assert list(gru.told.returns.values()) == [0.3, 0.4] and gru.best.mean > 0.9
    assert mlp.told is None
    assert "1 of the fresh learners of gru are among" in " ".join(found.warnings)
    said = " ".join(unequal(found))
    assert "mlp on memory_chain: no fresh run" in said and "flatters" not in said
    assert "not chosen by" in field_table.shown(found).caption
    field_table.write(found, tmp_path / "out", ["x"])
    assert not (tmp_path / "out" / "fresh.sh").exists()


def test_unequal_searches_are_said(run, tmp_path):
    run("a", 0.1, 0.2, arguments=["core=gru"])
    run("b", 0.1, 0.2, arguments=["core=gru", "core.features=12"])
    run("c", 0.3, arguments=["core=mlp"], env_steps=77, num_parameters=12_001)
    run("d", 0.3, 0.1, arguments=["core=mlp", "env=t_maze"])
    run("e", 0.3, arguments=["core=mlp", "seed=9"])
    (tmp_path / "e" / "summary.json").unlink()
    found = field.read([f"{tmp_path}/*"], "core")
    said = "\n".join([*found.warnings, *unequal(found)])
    for words in (
        "memory_chain, settings (gru: 2, mlp: 1): not searches of equal depth.",
        "memory_chain, learners of a setting (gru: 2, mlp: 1)",
        "environment steps (gru: 1,000,000, mlp: 77): not equal budgets",
        "gru: no run on t_maze.",
        "memory_chain, parameters of the best (gru: 10,000, mlp: 12,001): up to 20%",
        f"1 runs have not ended and are left out: {tmp_path}/e",
    ):  # fmt: skip
        assert words in said, said


def test_environments_of_one_name_are_told_apart(run, tmp_path):
    run("a", 0.1, arguments=["core=gru", "env.memory_length=8"])
    run("b", 0.2, arguments=["core=gru", "env.memory_length=9"])
    found = field.read([f"{tmp_path}/*"], "agent.learning_rate")
    assert list(found.envs.values()) == [
        f"memory_chain (memory_length={length})" for length in (8, 9)
    ]
    assert field_table.shown(found).columns[0] == "agent.learning_rate"


def test_the_script_trains_the_best_setting_on_seeds_that_were_not_tried(
    search, tmp_path
):
    found = field.read([f"{tmp_path}/*"], "core")
    field_table.write(found, tmp_path / "out", [f"{tmp_path}/*"])
    commands = (tmp_path / "out" / "fresh.sh").read_text().splitlines()[1:]
    configs = [run_config.load(cli.composed("train", shlex.split(line)[2:]))
               for line in commands]  # fmt: skip
    assert len({c.schedule.run_dir for c in configs}) == len(configs) == 4
    for config, cell in zip(configs, found.cells.values(), strict=True):
        best = cell.best.runs[0].config
        assert (config.core, config.agent, config.env) == (
            *(best.core, best.agent, best.env),
        )
        assert config.schedule.seed == 2 and config.schedule.num_seeds == 8


@pytest.mark.parametrize(
    ("by", "said"),
    [("corr", "by=corr must be a key"), ("env", "by=env"), ("seed", "cannot tell rows"),
     ("env.memory_length", "environments are columns")],
)  # fmt: skip
def test_refuses(run, tmp_path, by, said):
    run("a", 0.1)
    with pytest.raises(InputError, match=said):
        field.read([f"{tmp_path}/*"], by)


def test_the_program_prints_and_writes_it(search, call, refused, tmp_path):
    out = tmp_path / "out"
    status, said, _ = call(compare, f"field={tmp_path}/*", f"out={out}")
    assert status == 0 and "gru" in said and "(of 2)" in said
    assert f"bash {out}/fresh.sh trains 8 fresh" in said
    assert {path.name for path in out.iterdir()} == {
        *("field.csv", "field.md", "field.tex", "settings.csv", "fresh.sh"),
    }
    with (out / "settings.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8 and sum(row["chosen"] == "True" for row in rows) == 4
    assert np.isfinite([float(row["low"]) for row in rows]).all()
    assert "already holds" in refused(compare, f"field={tmp_path}/*", f"out={out}")
    assert "got runs=" in refused(compare, "field=x", "runs=y")
    assert "none is named" in refused(compare, "by=core")


def test_settings_of_one_program_count_each(write_run, tmp_path):
    """Beside a run that has one of them alone, of another seed."""
    swept = f"sweep.agent.learning_rate=[{','.join(RATES)}]"
    path = write_run(tmp_path / "both", "core=gru", "num_seeds=2", swept)
    write_run(tmp_path / "one", "core=gru", "num_seeds=2", "seed=5",
              f"agent.learning_rate={RATES[1]}")  # fmt: skip
    (cell,) = field.read([f"{tmp_path}/*"], "core").cells.values()
    assert sorted(len(one.returns) for one in cell.settings) == [2, 4]
    outcomes = json.loads((path / "summary.json").read_text())["settings"]
    (pair,) = [one for one in cell.settings if len(one.returns) == 2]
    assert sorted(pair.returns.values()) == sorted(outcomes[0]["final_return_per_seed"])

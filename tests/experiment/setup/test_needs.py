"""What fits into no memory is refused before anything is made, by the option to blame.

| mutant | fails |
|---|---|
| the rollout is not counted | test_a_run_is_refused[bits], test_the_sum_counts |
| what lanes remember is not counted | test_the_sum_counts |
| the first option is named | test_a_run_is_refused |
| learners of an evaluation are not counted | test_all_learners_play |
| evaluate.py does not ask | test_an_evaluation_is_refused |
"""

import re

import jax
import pytest

import evaluate
import train
from experiment import memory
from experiment.errors import InputError
from experiment.setup import needs
from experiment.setup.building import build_agent, learner_shapes
from tests.experiment import untrained

LANES = ("agent.num_envs=8192", "agent.num_minibatches=8")
RUNS = {
    "window": (["core=window_attention", "core.window=65536", *LANES], "core.window"),
    "bits": (["env.num_bits=65536", *LANES], "env.num_bits (65,536)"),
    "features": (["core=gru", "core.features=65536"], "core.features (65,536)"),
    "encoder": (["agent.encoder_sizes=[900000000]"], "agent.encoder_sizes (900,000,00"),
    "lanes": (
        ["agent.num_envs=1e9", "total_steps=1e12"],
        "agent.num_envs (1,000,000,000)",
    ),
    "steps": (
        ["agent.rollout_length=2e9", "total_steps=1e12"],
        "agent.rollout_length (2,000,000,000)",
    ),
}


@pytest.fixture
def tight(monkeypatch):
    """`(bytes)`: what there is of memory from now on."""
    return lambda most: monkeypatch.setattr(memory, "there_is", lambda: most)


@pytest.mark.parametrize(("arguments", "named"), RUNS.values(), ids=RUNS)
def test_a_run_is_refused(refused, tight, tmp_path, monkeypatch, arguments, named):
    """Of a machine of 20 GB, with what is asked for, what there is, and whose fault."""
    tight(20 * 10**9)
    monkeypatch.setattr("experiment.run.mesh.Placement.draw", lambda _: pytest.fail())
    given = ["total_steps=1e10", *arguments, f"run_dir={tmp_path / 'run'}"]
    said = refused(train, *given, "compilation_cache=off")
    asked, part = re.findall(r"([\d,.]+) GB", said)[:2]
    assert float(asked.replace(",", "")) > 20 and float(part.replace(",", "")) > 10
    assert f"has 20.0 GB: lower {named}" in said, said
    assert not (tmp_path / "run" / "metrics.csv").exists()


def test_the_sum_counts(tight):
    """Learners, with memory and environments, and the rollout's observations."""
    config = untrained.config("env.num_bits=300", "agent.rollout_length=50")
    shapes = learner_shapes(build_agent(config), config)
    needed = memory.size(shapes) + 50 * 4 * 302 * 4
    tight(needed)
    needs.check_run(config, shapes)
    tight(needed - 1)
    with pytest.raises(
        InputError, match=r"for observations of a rollout, .* lower env"
    ):
        needs.check_run(config, shapes)


def test_nothing_but_a_default_is_named_last(tight):
    """Where no option is above its default, one that it hangs on is named anyhow."""
    config = untrained.config()
    tight(10)
    with pytest.raises(InputError, match=r"lower [a-z.]+\w* \(\d+\)\.$"):
        needs.check_run(config, learner_shapes(build_agent(config), config))


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "room"
    return untrained.run(path, 2, *untrained.ROOM)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["episodes=2e9"], "episodes (2,000,000,000)"),
        (["transfer=true", "tasks=2e9", "expert_steps=0"], "tasks (2,000,000,000)"),
    ],
)
def test_an_evaluation_is_refused(refused, tight, room, arguments, named):
    tight(20 * 10**9)
    said = refused(evaluate, f"run={room}", *arguments, "compilation_cache=off")
    assert f"has 20.0 GB: lower {named}" in said, said
    assert not list(room.glob("evaluations/*"))


def test_all_learners_play(tight):
    config = untrained.config(*untrained.ROOM)
    agent = build_agent(config)

    def needed(count):
        learners = jax.ShapeDtypeStruct((count, 3), "float32")
        tight(0)
        with pytest.raises(InputError) as error:
            needs.check_played(config, agent, learners, {"episodes": 10**9})
        return float(re.findall(r"([\d,.]+) GB", str(error.value))[0].replace(",", ""))

    assert needed(6) == pytest.approx(3 * needed(2), rel=0.01)

"""Every agent through the front door: trained, resumed, evaluated, loaded, compared.

Nothing here names an agent: what `agents.AGENTS` lists is held to all of it.

| mutant | fails |
|---|---|
| epsilon counted from the start of the process | test_resumed_is_the_same |
| the key is not restored | test_resumed_is_the_same |
| another seed's learner is loaded | test_what_is_loaded_acts_as_the_learner |
| initial parameters are loaded | test_what_is_loaded_acts_as_the_learner |
"""

import shutil
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import agents
import compare
import evaluate
import experiment
import train
from experiment.errors import InputError
from experiment.run.checkpoints import Checkpoints
from experiment.run.run_folder import RunFolder
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent, learner_shapes

# Who learns from trials, and an environment of five steps an episode, as Memory Chain.
WANT_TRIALS = ("distill",)
QUICK = ("distill",)
BANDIT = (
    *("env=meta_bandit", "env.num_trials=5", "core.blocks=1"),
    *("agent.num_envs=4", "agent.rollout_length=5", "agent.source=ucb"),
)


def composed(*keys):
    cli.register()
    return run_config.load(cli.composed("train", keys))


def tried(name):
    """Each run takes a quarter of a minute; of the agent most unlike PPO, quick."""
    return pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)


@pytest.fixture(scope="module", params=map(tried, agents.AGENTS))
def run(request, make_config, tiny, tmp_path_factory):
    """A run of two seeds and 23 updates: its agent, configuration and folder."""
    folder = RunFolder(tmp_path_factory.mktemp("runs") / request.param)
    given = [f"agent={request.param}", "total_steps=467", f"run_dir={folder.path}"]
    if request.param in WANT_TRIALS:
        given += [*(key for key in tiny if not key.startswith("env.")), *BANDIT]
        config = composed(*given)
    else:
        config = make_config(*given)
    assert train.start(config) == 0
    return SimpleNamespace(agent=build_agent(config), config=config, folder=folder)


def learners_of(run, folder):
    """The newest checkpoint."""
    like = learner_shapes(run.agent, run.config)
    return Checkpoints(folder.checkpoints, run.config).restore(like)


@pytest.mark.thinned(4)
def test_resumed_is_the_same(run, tmp_path):
    """From the checkpoint before the last, five updates earlier."""
    parts = RunFolder(shutil.copytree(run.folder.path, tmp_path / "parts"))
    newest = max(parts.checkpoints.iterdir(), key=lambda path: int(path.name))
    shutil.rmtree(newest)
    parts.summary.unlink()
    assert train.resume({"resume": str(parts.path)}) == 0
    assert parts.metrics.read_bytes() == run.folder.metrics.read_bytes()
    (update, ours), (again, theirs) = (
        learners_of(run, folder) for folder in (run.folder, parts)
    )
    assert update == again == 23
    for one, other in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
        if jnp.issubdtype(one.dtype, jax.dtypes.prng_key):
            one, other = jax.random.key_data(one), jax.random.key_data(other)
        np.testing.assert_array_equal(one, other)


@pytest.mark.thinned(8)
@pytest.mark.parametrize("greedy", ["true", "false"])
def test_it_is_evaluated(run, call, greedy):
    status, printed, errors = call(
        evaluate, f"run={run.folder.path}", "episodes=20", f"greedy={greedy}"
    )
    assert status == 0, errors
    assert "40 episodes, mean length 5.0" in printed


@pytest.mark.thinned(8)
@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_loaded_acts_as_the_learner(run, seed):
    loaded = experiment.load(str(run.folder.path), seed=seed)
    _, learners = learners_of(run, run.folder)
    own = jax.tree.map(lambda x: x[seed], learners)
    env, params, n = loaded.env, loaded.env_params, 16
    act = jax.jit(lambda *step: run.agent.act(*step, False))
    step = jax.jit(jax.vmap(lambda *now: env.step(*now, params)))
    obs, state = jax.jit(jax.vmap(lambda key: env.reset(key, params)))(
        jax.random.split(jax.random.key(0), n)
    )
    carry, reset = loaded.initial_carry(n), np.ones(n, bool)
    actions = []
    for number in range(5):
        key = jax.random.key(number)
        want = act(own, carry, obs, jnp.asarray(reset), key)
        found = loaded.act(carry, obs, reset, key, greedy=False)
        jax.tree.map(
            lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6),
            found, want,
        )  # fmt: skip
        carry, action = loaded.act(carry, obs, reset)
        actions.append(np.asarray(action))
        keys = jax.random.split(key, n)
        obs, state, _, ended, cut, _ = step(keys, state, action)
        reset = ended | cut
    assert reset.all()  # an episode takes five steps
    assert loaded.config == run.config and loaded.update == 23
    other = jax.tree.leaves(jax.tree.map(lambda x: x[1 - seed], learners.params))
    assert any(
        np.any(x != y)
        for x, y in zip(jax.tree.leaves(loaded.learner.params), other, strict=True)
    )


def test_what_cannot_be_loaded_is_refused(run, tmp_path):
    with pytest.raises(InputError, match=r"seed must be one of 0, 1, .*; got 2"):
        experiment.load(str(run.folder.path), seed=2)
    with pytest.raises(InputError, match="run"):
        experiment.load(str(tmp_path / "nothing"))


def test_it_is_compared(run, write_run, call, tmp_path):
    """By its name, with a run of another agent."""
    agent = next(name for name in agents.AGENTS if name != run.config.agent.name)
    other = write_run(tmp_path / "other", "core=gru", f"agent={agent}")
    out = tmp_path / "out"
    paths = f"runs={run.folder.path},{other}"
    status, _, errors = call(compare, paths, f"out={out}")
    assert status == 0, errors
    report = (out / "report.html").read_text()
    assert f">{run.config.agent.name} s5<" in report and f">{agent} gru<" in report


@pytest.mark.slow  # compiles meta-episodes; the loop over trials is one for all
def test_its_transfer_is_measured(run, tiny, call, tmp_path):
    keys = [key for key in tiny if not key.startswith("env.")]  # of memory_chain
    keys += [
        f"agent={run.config.agent.name}", "env=meta_bandit", "env.num_trials=6",
        "core.blocks=1", "agent.num_envs=4", "agent.rollout_length=6",
        "total_steps=240", f"run_dir={tmp_path / 'run'}",
    ]  # fmt: skip
    config = composed(*keys)
    assert train.start(config) == 0
    status, printed, errors = call(
        evaluate, f"run={tmp_path / 'run'}", "transfer=true", "tasks=8"
    )
    assert status == 0, errors
    assert "written to" in printed

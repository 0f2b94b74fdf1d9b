"""`init=RUN_DIR`: a run that begins as another has ended.

| mutant | fails |
|---|---|
| all learners begin from the first | test_it_acts_as_the_imitator |
| the bit of an imitator is dropped | test_it_acts_as_the_imitator |
| the anchor is what was drawn | test_it_acts_as_the_imitator |
| `init` is read again on resume | test_resumed_without_the_run_it_began_from |
| `init` is forgotten by training | test_resumed_without_the_run_it_began_from |
| layers that foretell are the imitator's | test_it_acts_as_the_imitator |
| an imitator is given what acts alike, as PPO is | test_an_imitator_goes_on_whole |
"""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import train
from agents.acting import foresight
from agents.acting.policy import TOLD
from experiment.errors import InputError
from experiment.run import mesh
from experiment.run.checkpoints import Checkpoints
from experiment.run.initial import beginning
from experiment.run.mesh import Placement
from experiment.run.run_folder import RunFolder
from experiment.setup.building import build_agent, learner_shapes
from tests.experiment import untrained

ANCHORED = ("agent.anchor_weight=0.5", "agent.anchor_share=1")


@pytest.fixture(scope="module")
def imitator(make_config, tmp_path_factory):
    """A run of two learners, far from their beginning, whose expert plays some of it.

    Nobody trained them: what is begun from are parameters, wherever they come from.
    """
    path = tmp_path_factory.mktemp("runs") / "imitator"
    config = make_config(
        "agent=imitate", "agent.expert_share=0.3", "agent.foresight_weight=0.3",
        f"run_dir={path}",
    )  # fmt: skip
    untrained.left(path, config, moved=0.1)
    return config


def test_it_acts_as_the_imitator(imitator, make_config):
    path = imitator.schedule.run_dir
    foretells = "agent.foresight_weight=0.5"
    config = make_config(f"init={path}", "num_seeds=3", foretells, *ANCHORED)
    agent, source = build_agent(config), build_agent(imitator)
    shapes = learner_shapes(source, imitator)
    _, theirs = Checkpoints(RunFolder.existing(path, "run").checkpoints).restore(shapes)
    assert np.abs(theirs.params["params"][TOLD]).min(1).max() > 1e-3
    placement = Placement(agent, *mesh.settled(config))
    new = placement.draw()
    begun = beginning(agent, config, placement.shapes)(new)
    jax.tree.map(np.testing.assert_array_equal, begun.extra.anchor.params, begun.params)
    jax.tree.map(np.testing.assert_array_equal, begun.situation.obs, new.situation.obs)
    own, kept = (foresight.parted(x.params)[1] for x in (new, begun))
    jax.tree.map(np.testing.assert_array_equal, own, kept)
    assert own
    (size,) = new.situation.obs.shape[2:]
    obs = jax.random.normal(jax.random.key(0), (6, 5, size))
    reset = jnp.zeros((6, 5), bool)

    def probabilities(agent, learner):
        carry = agent.initial_carry(5)
        _, distribution, value = agent.behaviour(learner)(carry, obs, reset)
        return distribution.log_probs, value

    ours, others = (
        jax.jit(jax.vmap(lambda learner, agent=agent: probabilities(agent, learner)))(
            learners
        )
        for agent, learners in ((agent, begun), (source, theirs))
    )
    for one, other in zip(ours, others, strict=True):
        np.testing.assert_allclose(
            one, other[np.array([0, 1, 0])], rtol=1e-5, atol=1e-6
        )
        assert np.abs(one[0] - one[1]).max() > 1e-3


def test_an_imitator_goes_on_whole(imitator, make_config):
    """In another world, say: what tells whose trial it is goes along."""
    path = imitator.schedule.run_dir
    config = make_config(
        *("agent=imitate", "agent.expert_share=0.2", "num_seeds=3", f"init={path}")
    )
    agent, source = build_agent(config), build_agent(imitator)
    placement = Placement(agent, *mesh.settled(config))
    begun = beginning(agent, config, placement.shapes)(placement.draw())
    shapes = learner_shapes(source, imitator)
    _, theirs = Checkpoints(RunFolder.existing(path, "run").checkpoints).restore(shapes)
    kept, away = foresight.parted(theirs.params)
    jax.tree.map(
        lambda ours, own: np.testing.assert_array_equal(ours, own[np.array([0, 1, 0])]),
        *(begun.params, kept),
    )
    assert away and TOLD in begun.params["params"]


@pytest.mark.slow  # trains twice
def test_resumed_without_the_run_it_began_from(imitator, make_config, tmp_path):
    """What it needs of it is in its own checkpoints."""
    gone = shutil.copytree(imitator.schedule.run_dir, tmp_path / "gone")
    changes = (f"init={gone}", *ANCHORED, "total_steps=300")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train.start(make_config(*changes, f"run_dir={whole}")) == 0
    shutil.copytree(whole, parts)
    newest = max((parts / "checkpoints").iterdir(), key=lambda path: int(path.name))
    shutil.rmtree(newest)
    (parts / "summary.json").unlink()
    shutil.rmtree(gone)
    assert train.resume({"resume": str(parts)}) == 0
    rows = (whole / "metrics.csv").read_text()
    assert (parts / "metrics.csv").read_text() == rows
    # It did begin from it: what is played already is what the imitator learned.
    table = [line.split(",") for line in rows.splitlines()]
    column = table[0].index("loss/anchor")
    assert all(float(line[column]) > 0 for line in table[1:])


@pytest.mark.parametrize(
    "changes, words",
    [
        (("core.features=16",), r"core.features=8, and this run has core.features=16"),
        (("core=lru", "core.features=8"), r"core=s5, and this run has core=lru"),
        (("agent.head_sizes=[4]",), r"agent.head_sizes=\[\], and this run has"),
        (("agent=pqn",), r"another network: params/.* is .* there, and .* here"),
        (
            ("agent.normalize_obs=true",),
            "agent.normalize_obs=False, and this run has agent.normalize_obs=True",
        ),
        (("agent.value_loss=symlog",), "value_loss=squared, and this run has agent.v"),
        (("env.memory_length=4", "agent.privileged_critic=true"), "another network"),
    ],
)
def test_another_network_is_refused(imitator, make_config, changes, words):
    rest = [x for x in changes]
    config = make_config(f"init={imitator.schedule.run_dir}", *rest)
    agent = build_agent(config)
    with pytest.raises(InputError, match=words):
        beginning(agent, config, learner_shapes(agent, config))


def test_what_is_no_run_is_refused(make_config, tmp_path):
    config = make_config(f"init={tmp_path}")
    with pytest.raises(InputError, match=r"init=.* must be a run folder"):
        beginning(None, config, None)
    with pytest.raises(InputError, match="init must name a folder"):
        make_config("init= ")


def test_an_anchor_without_a_beginning_is_refused(make_config):
    with pytest.raises(InputError, match=r"say which with init=RUN_DIR"):
        make_config("agent.anchor_weight=1")

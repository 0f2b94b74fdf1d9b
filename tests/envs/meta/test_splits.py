"""Evaluation cannot draw a training task, whatever the seed.

| mutant | fails |
|---|---|
| splits share their root key | no_split_shares |
| num_tasks ignored | finite_set |
| tasks hang on the reset's key beyond their index | finite_set |
| held-out bodies include one trained on | bodies |
"""

import jax
import numpy as np
import pytest

import envs
from envs.meta import tasks, variations
from envs.meta.config import ProjectedControlConfig

pytestmark = pytest.mark.usefixtures("quick_compilation")

NAMES = [n for n in envs.names() if envs.spec(n).splits and n != "projected_dmc"]


def drawn(name, split, count, seed, **params):
    """The set of tasks that `count` resets meet, each a tuple of all its numbers."""
    env, env_params = envs.make(name, split=split, **params)
    keys = jax.random.split(jax.random.key(seed), count)
    state = jax.jit(jax.vmap(env.reset, (0, None)))(keys, env_params)[1]
    leaves = [np.asarray(x).reshape(count, -1) for x in jax.tree.leaves(state.task)]
    return {tuple(row) for row in np.concatenate(leaves, 1).tolist()}


@pytest.mark.thinned(6)
@pytest.mark.parametrize("name", NAMES)
def test_no_split_shares_a_task_with_training(name):
    """Equal keys for every split: only the split tells the tasks apart."""
    count = 400
    train = drawn(name, "train", count, seed=0)
    for split in envs.spec(name).splits[1:]:
        others = drawn(name, split, count, seed=0)
        assert others and not train & others, split


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", ["meta_cartpole", "meta_bandit"])
def test_a_finite_set_of_tasks_is_the_same_for_every_seed(name):
    few = drawn(name, "train", 300, seed=1, num_tasks=5)
    assert len(few) == 5
    assert drawn(name, "train", 300, seed=2, num_tasks=5) == few
    assert not drawn(name, "held_out", 300, seed=1, num_tasks=5) & few


def test_task_keys_of_splits_are_disjoint():
    """Seeds and not only what is drawn from them."""
    seen = {}
    for split in tasks.ALL_SPLITS:
        keys = jax.random.split(jax.random.key(0), 500)
        found = jax.vmap(lambda key, s=split: variations.task_key(key, s, 50))(keys)
        data = np.asarray(jax.random.key_data(found))
        seen[split] = {tuple(row) for row in data.tolist()}
        assert len(seen[split]) == 50
    assert len(set.union(*seen.values())) == 50 * len(seen)


def test_bodies_held_out_are_none_that_were_trained_on():
    config = ProjectedControlConfig()
    assert not set(config.train_bodies) & set(config.held_out_bodies)
    with pytest.raises(ValueError, match="must not share cartpole_swingup"):
        ProjectedControlConfig(held_out_bodies=("cartpole_swingup", "pendulum_swingup"))
    env, _ = envs.make("projected_control", split="bodies")
    trained, _ = envs.make("projected_control")
    assert not {e.name for e in env.env.bodies} & {e.name for e in trained.env.bodies}


@pytest.mark.parametrize(
    "params, words",
    [
        ({"split": "test"}, "train, held_out, shifted; got 'test'"),
        ({"split": "bodies"}, "train, held_out, shifted; got 'bodies'"),
        ({"num_trials": 0}, "num_trials must be at least 1; got 0"),
        ({"num_tasks": 0}, "num_tasks must be at least 1; got 0"),
        ({"step_budget": 0}, "step_budget must be at least 1; got 0"),
        ({"trial_discount": 1.5}, "between 0 and 1; got 1.5"),
        ({"projected_size": 1}, "projected_size must be at least 2.*got 1"),
    ],
)
def test_what_cannot_be_is_refused(params, words):
    with pytest.raises(ValueError, match=words):
        envs.make("meta_cartpole", **params)

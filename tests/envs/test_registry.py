"""Environments by name: all are built, and what is mistyped is answered by its nearest.

Mutants, and the test that fails for each:

    all parameters sent to EnvParams  reach_the_constructor
"""

import re

import jax
import numpy as np
import pytest

import envs

pytestmark = pytest.mark.usefixtures("quick_compilation")

GYMNAX = [name for name in envs.names() if name.startswith("gymnax/")]
BUILT = [
    *("memory_chain", "t_maze"),
    *(name for name in GYMNAX if "MNIST" not in name),  # it downloads
]


def test_every_id_of_gymnax_has_a_name():
    from gymnax import registration

    assert {name.removeprefix("gymnax/") for name in GYMNAX} == set(
        registration._builtins
    )


@pytest.mark.thinned(3)
@pytest.mark.lenient  # gymnax's Swimmer broadcasts [2] over [5, 2]
@pytest.mark.parametrize("name", BUILT)
def test_every_environment_is_built_and_keeps_the_contract(name):
    env, params = envs.make(name)  # checks the contract by itself
    assert env.action_space(params) is not None
    assert envs.spec(name).name == name and envs.spec(name).measures


@pytest.mark.thinned(2)
@pytest.mark.parametrize(
    "name, wrap, chosen, limit",
    [
        ("gymnax/CartPole-v1", False, {"max_steps_in_episode": 6}, 6),
        ("gymnax/Pendulum-v1", True, {"max_steps_in_episode": 6}, 6),
        ("gymnax/FrozenLake-misc", True, {"max_steps_in_episode": 6}, 6),
        ("gymnax/Catch-bsuite", False, {}, 9),
    ],
)
def test_some_are_stepped_through_their_ends(name, wrap, chosen, limit):
    env, params = envs.make(name, history=wrap, **chosen)

    def step(state, key):
        act_key, env_key = jax.random.split(key)
        action = env.action_space(params).sample(act_key)
        after = env.step(env_key, state, action, params)
        return after[1], (after[0], *after[2:])

    def lane(key):
        _, state = env.reset(key, params)
        return jax.lax.scan(step, state, jax.random.split(key, 4 * limit))[1]

    out = jax.jit(jax.vmap(lane))(jax.random.split(jax.random.key(0), 3))
    obs, reward, terminated, truncated, info = jax.tree.map(np.asarray, out)
    ended = terminated | truncated
    assert np.isfinite(obs).all() and np.isfinite(reward).all()
    # No episode outlives its limit, and episodes go on after it.
    assert (ended.sum(1) >= 4).all()
    alive = np.zeros(3, int)
    for t in range(4 * limit):
        alive = alive + 1
        assert (alive <= limit).all()
        alive[ended[:, t]] = 0
    # Auto-reset shows the next episode, and keeps what the last action led to.
    final = info["final_observation"]
    np.testing.assert_array_equal(obs[~ended], final[~ended])
    assert (obs[ended] != final[ended]).any()


def test_parameters_reach_the_constructor_or_the_parameters():
    env, params = envs.make("gymnax/MemoryChain-bsuite", num_bits=3, memory_length=7)
    assert env.num_bits == 3 and params.memory_length == 7
    _, params = envs.make("gymnax/CartPole-v1", gravity=5)  # an int where float is
    assert params.gravity == 5
    env, _ = envs.make("gymnax/DeepSea-bsuite", size=4)
    assert env.size == 4


@pytest.mark.parametrize(
    "name, params, words",
    [
        (
            "memory_chian",
            {},
            "unknown environment 'memory_chian'; did you mean 'memory_chain'",
        ),
        ("gymnax/CartPole-v0", {}, "did you mean 'gymnax/CartPole-v1'"),
        ("zzz", {}, "unknown environment 'zzz'."),
        (
            "memory_chain",
            {"memory_lenght": 3},
            "'memory_chain' has no parameter 'memory_lenght'; did you mean "
            "'memory_length'? Known: memory_length, num_bits, max_steps_in_episode",
        ),
        (
            "gymnax/CartPole-v1",
            {"gravty": 1.0},
            "gymnax/CartPole-v1 has no parameter 'gravty'; did you mean 'gravity'",
        ),
        ("gymnax/DeepSea-bsuite", {"sise": 4}, "did you mean 'size'"),
        ("gymnax/CartPole-v1", {"gravity": "9"}, "gravity must be float; got '9'"),
        (
            "gymnax/MemoryChain-bsuite",
            {"memory_length": 7.5},
            "memory_length must be int; got 7.5",
        ),
        ("gymnax/DeepSea-bsuite", {"size": 4.0}, "size must be int; got 4.0"),
        ("gymnax/DeepSea-bsuite", {"size": True}, "size must be int; got True"),
    ],
)
def test_what_is_mistyped_is_answered_by_the_nearest_known(name, params, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        envs.make(name, **params)


def test_memory_chain_differs_from_gymnaxs_only_where_it_is_wrong():
    ours, our_params = envs.make("memory_chain", memory_length=4, num_bits=2)
    theirs, params = envs.make("gymnax/MemoryChain-bsuite", memory_length=4, num_bits=2)
    key = jax.random.key(3)
    one, other = ours.reset(key, our_params), theirs.reset(key, params)
    for t in range(5):
        np.testing.assert_array_equal(one[0], other[0])
        key = jax.random.fold_in(key, t)
        one = ours.step(key, one[1], 1, our_params)
        other = theirs.step(key, other[1], 1, params)
        assert one[2:4] == other[2:4]
    assert one[3]

"""Environments keep their types in any session: with 64 bits, with strict promotion.

Traced, not run. Third-party code is let off: gymnax's own environments mix types.

Mutants, and the test that fails for each:

    History's first action in the session's floats  sixty_four_bits[history]
    a draw of a body's start likewise               sixty_four_bits[control/...]
    gymnax's MemoryChain not let off                strict_promotion[memory_chain]
    a walk's pay in integers                        references
    no word of 64 bits in a refusal                 says_so
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import spaces

import envs
from envs import registry
from envs.contract.expert import expert
from envs.contract.wrappers import History
from envs.popgym.table import FAMILIES

NAMES = [
    *("memory_chain", "t_maze"),
    *(f"popgym_{family}_easy" for family in FAMILIES),
    *("meta_cartpole", "meta_bandit", "meta_tabular_mdp", "dark_room"),
    *("dark_key_to_door", "projected_control", "random_world"),
    *(name for name in envs.names() if name.startswith("control/")),
]


def wide(tree):
    """Arrays of more bits than a session has without being asked for them."""
    return [
        f"{jax.tree_util.keystr(path)}: {x.dtype}"
        for path, x in jax.tree.leaves_with_path(tree)
        if x.dtype in (jnp.float64, jnp.int64, jnp.complex128)
        and "discount" not in jax.tree_util.keystr(path)  # gymnax's; nobody reads it
    ]


def traced(name, history):
    """What reset, step and an expert give, in shapes; the contract is checked, too."""
    env, params = registry.build(name)
    env = History(env) if history else env
    envs.check(env, params)
    key = jax.random.key(0)
    obs, state = jax.eval_shape(lambda key: env.reset(key, params), key)
    action = jax.eval_shape(env.action_space(params).sample, key)
    if isinstance(env.action_space(params), spaces.Discrete):
        action = jax.ShapeDtypeStruct((), jnp.int32)
    step = jax.eval_shape(lambda *now: env.step(*now, params), key, state, action)
    shown = {}
    if hasattr(env, "markov_state"):
        shown = jax.eval_shape(lambda state: env.markov_state(state, params), state)
    act = expert(env)
    if act is not None:
        shown = shown, jax.eval_shape(lambda state: act(state, params), state)
    return obs, state, step, shown


@pytest.mark.thinned(3)
@pytest.mark.parametrize("name", NAMES)
def test_sixty_four_bits_change_no_type(name):
    with jax.enable_x64(True):
        assert not wide(traced(name, history=False))


def test_sixty_four_bits_change_no_type_of_a_history():
    for name in ("memory_chain", "popgym_battleship_easy", "control/reacher_easy"):
        with jax.enable_x64(True):
            assert not wide(traced(name, history=True))


@pytest.mark.thinned(6)
@pytest.mark.parametrize("name", NAMES)
def test_strict_promotion_finds_no_mixture(name):
    with jax.numpy_dtype_promotion("strict"):
        traced(name, history=name == "memory_chain")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "dark_key_to_door",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("meta_bandit", "meta_tabular_mdp", "dark_room")
        ),
    ],
)
def test_references_are_the_same_in_any_session(name):
    env, params = registry.build(name, num_trials=2)
    keys = jax.random.split(jax.random.key(0), 2)
    task = jax.vmap(lambda key: env.reset(key, params)[1].task)(keys)

    def found():
        return envs.references(name, {}, task, key=jax.random.key(1), num_trials=2)

    plain = found()
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        other = found()
    for kind, values in plain.items():
        if isinstance(values, jax.Array):
            assert other[kind].dtype == jnp.float32, kind
            if kind != "adaptive":  # samples are others
                np.testing.assert_allclose(values, other[kind], 1e-5)


def test_a_refusal_with_64_bits_says_so():
    """gymnax's Pendulum opens in 32 bits and goes on in 64."""
    with jax.enable_x64(True):
        with pytest.raises(
            ValueError, match=r"Pendulum-v1: step_env.s state.*X64 is on"
        ):
            envs.make("gymnax/Pendulum-v1")
    envs.make("gymnax/Pendulum-v1")

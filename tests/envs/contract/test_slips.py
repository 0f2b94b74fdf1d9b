"""Environments with one slip each: every slip is named in a sentence, none is accepted.

Mutants, and the tests (by slip) that fail for each:

    declared spaces not checked             no_actions ... bounds_crossed
    spaces not compared with what is seen   wrong_size ... extra_part
    floats taken where integers are said    floats_for_integers, float_for_discrete
    dtypes of the state not compared        state_changes_*
    no batch traced                         only_alone
    what a method gives not looked at       text_in_info, object_as_state
    step_env not looked at                  step_env_*, reset_env_gives_three
"""

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import environment, spaces

import envs
from envs.contract.auto_reset import AutoReset

NO = jnp.array(False)


class Good:
    """An environment of the user's own, in the contract."""

    name = "mine"
    start = jnp.float32(0)

    def observe(self):
        return jnp.ones(3)

    def reset(self, key, params):
        return self.observe(), self.start

    def advance(self, state):
        return state + 0.5

    def step(self, key, state, action, params):
        info = {"final_observation": self.observe()}
        return self.observe(), self.advance(state), jnp.float32(1), NO, NO, info

    def action_space(self, params):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Box(0, 1, (3,))


class Gymnax(environment.Environment):
    """One that gives gymnax's own `step` its parts."""

    @property
    def name(self):
        return "mine"

    def reset_env(self, key, params):
        return jnp.ones(3), environment.EnvState(time=jnp.int32(0))

    def step_env(self, key, state, action, params):
        state = state.replace(time=state.time + 1)
        return jnp.ones(3), state, jnp.float32(1), NO, {}

    def action_space(self, params=None):
        return spaces.Discrete(2)

    def observation_space(self, params=None):
        return spaces.Box(0, 1, (3,))


def acting(space):
    return {"action_space": lambda self, params: space}


def seeing(space, observation=None):
    """Declares `space`, and shows another observation if one is given."""
    declared = {"observation_space": lambda self, params: space}
    return declared | (
        {} if observation is None else {"observe": lambda self: observation}
    )


def starting(state, after=None):
    advance = {} if after is None else {"advance": lambda self, state: after}
    return {"start": state, **advance}


def giving(*values, at=slice(None)):
    """Replaces some of the values that step returns."""

    def step(self, *args):
        result = list(Good.step(self, *args))
        result[at] = values
        return tuple(result)

    return {"step": step}


def telling(**info):
    return giving({"final_observation": jnp.ones(3), **info}, at=slice(5, 6))


BOX = spaces.Box(0, 1, (3,))
NAN = float("nan")
SLIPS = {
    # what is declared
    "no_actions": (acting(spaces.Discrete(0)), "at least 1; got 0"),
    "half_an_action": (acting(spaces.Discrete(2.5)), "whole number of choices"),
    "gymnasium_actions": (
        acting(gymnasium.spaces.Discrete(2)),
        "gymnax.environments.spaces; got gymnasium's Discrete(2)",
    ),
    "gymnasium_observations": (
        seeing(gymnasium.spaces.Box(0, 1, (3,))),
        "mine.observation_space must give a Box, Discrete, Dict or Tuple of gymnax",
    ),
    "gymnasium_part": (
        seeing(spaces.Dict({"a": gymnasium.spaces.Discrete(2)})),
        "part 'a', must give a Box",
    ),
    "a_space_of_ones_own": (seeing(spaces.Space()), "must give a Box, Discrete, Dict"),
    "a_number_for_a_space": (acting(2), "got 2"),
    "nothing_for_a_space": (seeing(None), "got None"),
    "no_method": (
        {"action_space": spaces.Discrete(2)},
        "mine.action_space must be a method, action_space(params); it is a Discrete",
    ),
    "integer_actions": (
        acting(spaces.Box(0, 4, (2,), jnp.int32)),
        "a Box of floats; got Box(low=0, high=4, shape=(2,), dtype=int32). Number the "
        "combinations, Discrete(25)",
    ),
    "matrix_of_actions": (acting(spaces.Box(0, 1, (2, 2))), "a Box with one axis"),
    "dict_of_actions": (acting(spaces.Dict({"a": BOX})), "must be Discrete, or a Box"),
    "a_box_of_nothing": (seeing(spaces.Box(0, 1, (0,))), "sizes, at least 1 each"),
    "a_shape_that_is_a_number": (seeing(spaces.Box(0, 1, 3)), "a tuple of sizes"),
    "a_dict_of_nothing": (seeing(spaces.Dict({})), "must have parts; it has none"),
    "a_tuple_of_nothing": (seeing(spaces.Tuple(())), "must have parts; it has none"),
    "a_dict_of_numbers": (seeing(spaces.Dict({0: BOX})), "have names; got 0"),
    "a_dtype_of_text": (seeing(spaces.Box(0, 1, (3,), "text")), "one of numbers"),
    "complex_numbers": (seeing(spaces.Box(0, 1, (3,), jnp.complex64)), "of numbers"),
    "bounds_of_another_shape": (
        seeing(spaces.Box(np.zeros(2), 1, (3,))),
        "low of a Box must be a number, or an array of its shape [3]",
    ),
    "bounds_crossed": (acting(spaces.Box(1.0, -1.0, (2,))), "low must be at most high"),
    "a_bound_that_is_none": (acting(spaces.Box(NAN, 1.0, (2,))), "neither NaN"),
    "endless_integers": (
        seeing(spaces.Box(0, np.inf, (3, 3), jnp.int32), jnp.ones((3, 3), int)),
        "a Box of integers must have finite bounds",
    ),
    # what is observed
    "wrong_size": (
        seeing(BOX, jnp.ones(4)),
        "mine.reset's observation must be float32[3], as the observation space says; "
        "got float32[4]",
    ),
    "one_hot_for_discrete": (
        seeing(spaces.Discrete(3)),
        "an integer scalar, as Discrete(3) says; got float32[3]",
    ),
    "float_for_discrete": (seeing(spaces.Discrete(3), jnp.ones(())), "got float32[]"),
    "floats_for_integers": (
        seeing(spaces.Box(0, 255, (3,), jnp.uint8)),
        "must be uint8[3], as the observation space says; got float32[3]",
    ),
    "a_dict_for_a_box": (seeing(BOX, {"a": jnp.ones(3)}), "got a dict of a"),
    "a_box_for_a_dict": (
        seeing(spaces.Dict({"a": BOX, "b": BOX})),
        "must be a dict of a, b, as the space is; got float32[3]",
    ),
    "missing_part": (
        seeing(spaces.Dict({"a": BOX, "b": BOX}), {"a": jnp.ones(3)}),
        "must have the parts of the space: it lacks b",
    ),
    "extra_part": (
        seeing(spaces.Dict({"a": BOX}), {"a": jnp.ones(3), "c": jnp.ones(3)}),
        "the space lacks c",
    ),
    "wrong_part": (
        seeing(spaces.Dict({"a": BOX}), {"a": jnp.ones(2)}),
        "observation, part 'a', must be float32[3]",
    ),
    "short_tuple": (
        seeing(spaces.Tuple((BOX, BOX)), (jnp.ones(3),)),
        "must be a tuple of 2, as the space is; got a tuple of 1",
    ),
    # what is returned
    "reset_gives_one": (
        {"reset": lambda self, key, params: self.observe()},
        "mine.reset must return two values (obs, state); it returns one, float32[3]",
    ),
    "reset_gives_info": (
        {"reset": lambda self, key, params: (jnp.ones(3), 0.0, {})},
        "mine.reset must return two values (obs, state); it returns 3",
    ),
    "the_old_step": (
        giving(NO, {}, at=slice(3, 6)),
        "must return six values (obs, state, reward, terminated, truncated, info), as "
        "gymnax 1.x does (its step_env gives five, without truncated); it returns 5",
    ),
    "no_info": (giving(None, at=slice(5, 6)), "mine.step: info must be a dict; got N"),
    "no_final_observation": (giving({}, at=slice(5, 6)), "it holds nothing"),
    "another_final_observation": (
        telling(final_observation=jnp.ones(2)),
        "must be like reset's observation float32[3]; got float32[2]",
    ),
    "text_in_info": (
        telling(outcome="won"),
        "must return arrays and numbers, in dicts, tuples or struct dataclasses; "
        "result[5]['outcome'] is a str",
    ),
    "continuation_of_each": (telling(continuation=jnp.ones(3)), "must be a scalar"),
    "a_row_of_rewards": (giving(jnp.ones(1), at=slice(2, 3)), "reward must be a scal"),
    "complex_reward": (giving(1j, at=slice(2, 3)), "reward must be a scalar; got comp"),
    "dict_of_rewards": (giving({"a": 1.0}, at=slice(2, 3)), "reward must be a scalar"),
    "float_for_terminated": (giving(0.0, at=slice(3, 4)), "terminated must be a bool"),
    "row_for_truncated": (giving(NO[None], at=slice(4, 5)), "truncated must be a bool"),
    # what is kept
    "state_changes_dtype": (
        starting(jnp.int32(0)),
        "mine: step's state must be as in reset's state, int32[]; got float32[]",
    ),
    "state_changes_shape": (
        starting({"at": jnp.zeros(1)}, after={"at": jnp.zeros(2)}),
        "step's state['at'] must be as in reset's state, float32[1]; got float32[2]",
    ),
    "state_changes_structure": (
        starting({"at": jnp.zeros(1)}, after={"at": jnp.zeros(1), "speed": 0}),
        "must have the structure of reset's state",
    ),
    "a_count_becomes_a_share": (starting(0), "int32[]; got float32[]"),
    "object_as_state": (starting(object()), "result[1] is a object"),
    # what only training would find
    "only_alone": (
        {
            "advance": lambda self, state: jax.pure_callback(
                lambda x: x, jax.ShapeDtypeStruct((), jnp.float32), state
            )
        },
        "mine, in a batch, raises",
    ),
}


@pytest.mark.parametrize(("slip", "words"), SLIPS.values(), ids=SLIPS)
def test_every_slip_is_named_in_a_sentence(slip, words):
    envs.check(Good(), None)
    with pytest.raises(ValueError) as refused:
        envs.check(type("Slipped", (Good,), slip)(), None)
    sentence = str(refused.value)
    assert words in sentence
    assert "\n" not in sentence and sentence.endswith(".")


def five(self, key, state, action, params):
    return *Gymnax.step_env(self, key, state, action, params)[:4], NO, {}


def without_info(self, *args):
    return *Gymnax.step_env(self, *args)[:4], None


def seeing_more(self, *args):
    return jnp.ones(4), *Gymnax.step_env(self, *args)[1:]


def timeless(self, *args):
    obs, state, *rest = Gymnax.step_env(self, *args)
    return obs, state.replace(time=jnp.float32(0)), *rest


OF_GYMNAX = {
    "step_env_gives_six": (
        {"step_env": five},
        "mine.step_env must return five values (obs, state, reward, terminated, info), "
        "as gymnax's does (its step gives six, with truncated); it returns 6",
    ),
    "step_env_without_info": (
        {"step_env": without_info},
        "mine.step_env: info must be a dict",
    ),
    "step_env_sees_more": (
        {"step_env": seeing_more},
        "mine: step_env's observation must be like reset's observation float32[3]; got "
        "float32[4].",
    ),
    "step_env_forgets_the_time": (
        {"step_env": timeless},
        "mine: step_env's state.time must be as in reset's state, int32[]; got "
        "float32[].",
    ),
    "reset_env_gives_three": (
        {"reset_env": lambda self, key, params: (jnp.ones(3), 0, {})},
        "mine.reset_env must return two values (obs, state); it returns 3",
    ),
}


@pytest.mark.parametrize("base", [Gymnax, AutoReset])
@pytest.mark.parametrize(("slip", "words"), OF_GYMNAX.values(), ids=OF_GYMNAX)
def test_slips_in_what_gymnaxs_methods_call_are_named_too(slip, words, base):
    bases = (Gymnax,) if base is Gymnax else (Gymnax, AutoReset)
    step = {} if base is Gymnax else {"step": AutoReset.step}
    good = type("Good", bases, step)()
    envs.check(good, good.default_params)
    env = type("Slipped", bases, step | slip)()
    with pytest.raises(ValueError) as refused:
        envs.check(env, env.default_params)
    assert words in str(refused.value)


def test_whole_numbers_may_be_seen_where_floats_are_said():
    whole = type("Whole", (Good,), seeing(BOX, jnp.ones(3, jnp.int32)))
    envs.check(whole(), None)
    flags = type("Flags", (Good,), seeing(BOX, jnp.ones(3, bool)))
    envs.check(flags(), None)


def test_parts_may_be_those_of_a_struct():
    from flax import struct

    @struct.dataclass
    class Seen:
        a: jax.Array
        b: jax.Array

    space = spaces.Dict({"a": BOX, "b": spaces.Discrete(2)})
    seen = Seen(jnp.ones(3), jnp.int32(1))
    envs.check(type("Struct", (Good,), seeing(space, seen))(), None)


def test_params_are_as_they_are_in_training():
    """No tracers: an environment may take shapes from them."""

    class Sized(Good):
        def observe(self):
            return jnp.ones(3)

        def reset(self, key, params):
            return jnp.ones(params["size"]), self.start

    envs.check(Sized(), {"size": 3})

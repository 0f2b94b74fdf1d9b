"""What does not keep the gymnax 1.x contract is refused, with what it lacks named.

Mutants, and the test that fails for each:

    five values accepted        does_not_keep_it
    a flag's dtype not checked  does_not_keep_it
"""

import dataclasses
import re
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from gymnax.environments import spaces

from envs.contract.check import check
from envs.contract.wrappers import History

YES, OBS = jnp.ones((), bool), jnp.zeros(3)


@dataclasses.dataclass
class Env:
    """Keeps the contract, but for what a test replaces."""

    name: str = "sham"
    obs: Any = dataclasses.field(default_factory=lambda: OBS)
    state: Any = dataclasses.field(default_factory=lambda: {"time": jnp.zeros(())})
    reward: Any = 0.0
    terminated: Any = dataclasses.field(default_factory=lambda: YES)
    truncated: Any = dataclasses.field(default_factory=lambda: YES)
    info: Any = dataclasses.field(default_factory=lambda: {"final_observation": OBS})
    keeps: int = 6

    def reset(self, key, params):
        return OBS, {"time": jnp.zeros(())}

    def step(self, key, state, action, params):
        reward = jnp.asarray(self.reward)
        flags = self.terminated, self.truncated
        return (self.obs, self.state, reward, *flags, self.info)[: self.keeps]

    def action_space(self, params):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Box(0.0, 1.0, (3,))


def test_what_keeps_the_contract_passes():
    check(Env(), None)
    check(History(Env()), None)
    check(Env(reward=1), None)  # whole rewards are rewards


@pytest.mark.parametrize(
    "wrong, words",
    [
        (
            dict(keeps=5),
            "sham.step must return six values (obs, state, reward, terminated, "
            "truncated, info), as gymnax 1.x does (its step_env gives five, without "
            "truncated); it returns 5",
        ),
        (
            dict(info={}),
            "must put final_observation, what the action led to, in info; it holds "
            "nothing",
        ),
        (dict(info={"discount": YES}), "it holds discount"),
        (
            dict(terminated=jnp.ones(())),
            "terminated must be a bool scalar; got float32[]",
        ),
        (
            dict(truncated=jnp.ones((), int)),
            "truncated must be a bool scalar; got int32[]",
        ),
        (dict(truncated=jnp.ones((2,), bool)), "must be a bool scalar; got bool[2]"),
        (dict(reward=jnp.zeros(1)), "reward must be a scalar; got float32[1]"),
        (
            dict(obs=jnp.zeros(4)),
            "step's observation must be like reset's observation float32[3]; got "
            "float32[4]",
        ),
        (dict(obs=jnp.zeros(3, int)), "got int32[3]"),
        (
            dict(info={"final_observation": jnp.zeros(2)}),
            'info["final_observation"] must be like reset\'s observation float32[3]',
        ),
        (dict(obs={"a": OBS}), "step's observation must be like reset's"),
        (dict(state={"time": YES}), "step's state['time'] must be as in reset's"),
        (dict(state={"clock": YES}), "step's state must have the structure of reset's"),
    ],
)
def test_what_does_not_keep_it_is_refused_in_a_sentence(wrong, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        check(Env(**wrong), None)


@pytest.mark.parametrize(
    "lacks", ["reset", "step", "action_space", "observation_space"]
)
def test_a_missing_method_is_named(lacks):
    methods = {
        name: getattr(Env(), name)
        for name in ("reset", "step", "action_space", "observation_space")
        if name != lacks
    }
    with pytest.raises(ValueError, match=rf"Partial lacks {lacks}\."):
        check(type("Partial", (), methods)(), None)


def test_nothing_is_computed_by_checking():
    def forbidden(*_):
        raise AssertionError("ran")

    class Loud(Env):
        def step(self, key, state, action, params):
            jax.debug.callback(forbidden)
            return super().step(key, state, action, params)

    check(Loud(), None)
    jax.effects_barrier()

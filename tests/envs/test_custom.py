"""Bring your own: found, told its parameters, checked; and what is wrong is named.

Mutants, and the test that fails for each:

    parameters all sent to the constructor          told_apart
    a missing import inside the module called ours  is_not_hidden
    no contract check                               that_breaks_the_contract
    default_params by getattr's default             has_its_place[Forgets]
    a module's own errors let through               is_not_hidden
    types of params not checked                     keep_their_types
"""

import sys

import jax
import pytest

import envs

MODULE = """
import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment, spaces


@struct.dataclass
class State(environment.EnvState):
    time: int


@struct.dataclass
class Params(environment.EnvParams):
    max_steps_in_episode: int = 4
    bonus: float = 0.5


class Corridor(environment.Environment):
    def __init__(self, width=3):
        super().__init__()
        self.width = width

    @property
    def default_params(self):
        return Params()

    def reset_env(self, key, params):
        return jnp.zeros(self.width), State(time=jnp.zeros((), jnp.int32))

    def step_env(self, key, state, action, params):
        state = State(time=state.time + 1)
        obs = jnp.full(self.width, state.time, jnp.float32)
        return obs, state, params.bonus * action, jnp.zeros((), bool), {}

    def action_space(self, params):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Box(0.0, 99.0, (self.width,))


class OldStep(Corridor):
    def step(self, key, state, action, params):
        return super().step(key, state, action, params)[:5]


def make_wide(width=7):
    env = Corridor(width)
    return env, env.default_params


def lost():
    return 3


number = 3
"""

SLIPS = """
from our_corridor import Corridor, Params


class Refuses(Corridor):
    def __init__(self):
        raise ValueError("width must be odd; got 3.")


class Forgets(Corridor):
    @property
    def default_params(self):
        return Params(bonus=self.bonus)


class Wrong(Corridor):
    def reset(self, key, params):
        return super().reset(key) + 1
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A directory with a user's modules, in which the command is started."""
    (tmp_path / "our_corridor.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(tmp_path)])
    yield
    for name in ("our_corridor", "our_broken", "our_slips"):
        sys.modules.pop(name, None)


def test_parameters_of_class_and_of_params_are_told_apart():
    env, params = envs.make(
        "custom", entry_point="our_corridor:Corridor", width=5, bonus=2.0
    )
    obs, state = env.reset(jax.random.key(0), params)
    assert obs.shape == (5,)
    _, _, reward, _, _, _ = env.step(jax.random.key(0), state, 1, params)
    assert reward == 2.0 and params.max_steps_in_episode == 4


def test_a_function_that_gives_env_and_params_does_too():
    env, params = envs.make("custom", entry_point="our_corridor:make_wide", bonus=1.0)
    assert env.width == 7 and params.bonus == 1.0


def test_it_takes_history_like_any_other():
    env, params = envs.make("custom", entry_point="our_corridor:Corridor", history=True)
    assert env.observation_space(params).shape == (3 + 2 + 2,)


@pytest.mark.parametrize(
    "params, words",
    [
        ({}, "entry_point must be module:name"),
        ({"entry_point": "our_corridor"}, "got 'our_corridor'"),
        ({"entry_point": "our_coridor:Corridor"}, "no module 'our_coridor'"),
        ({"entry_point": "our_corridor:Coridor"}, "did you mean 'Corridor'"),
        ({"entry_point": "our_corridor:number"}, "must be a class or a function"),
        ({"entry_point": "our_corridor:lost"}, "it gave int"),
        (
            {"entry_point": "our_corridor:Corridor", "bonnus": 1},
            "has no parameter 'bonnus'; did you mean 'bonus'",
        ),
    ],
)
def test_what_cannot_be_found_is_named(params, words):
    with pytest.raises(ValueError) as error:
        envs.make("custom", **params)
    assert words in str(error.value)


def test_one_that_breaks_the_contract_is_refused_with_what_it_lacks():
    with pytest.raises(ValueError, match=r"OldStep.step must return six values"):
        envs.make("custom", entry_point="our_corridor:OldStep")
    # The same check, as a function.
    from our_corridor import Corridor, OldStep, Params

    envs.check(Corridor(), Params())
    with pytest.raises(ValueError, match="it returns 5"):
        envs.check(OldStep(), Params())


@pytest.mark.parametrize(
    ("module", "says", "line"),
    [
        ("import a_package_that_is_not_there", "ModuleNotFoundError: No module n", 1),
        ("x = 1\ndef f(:\n    pass", "SyntaxError: ", 2),
        ("x = undefined", "NameError: name 'undefined' is not defined", 1),
    ],
)
def test_an_error_inside_the_users_module_is_not_hidden(tmp_path, module, says, line):
    (tmp_path / "our_broken.py").write_text(f"{module}\n")
    with pytest.raises(ValueError) as refused:
        envs.make("custom", entry_point="our_broken:Env")
    assert str(refused.value).startswith(f"entry_point=our_broken:Env raises {says}")
    assert f"(our_broken.py:{line}, in <module>)" in str(refused.value)
    assert refused.value.__cause__ is not None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "Refuses",
            r"raises ValueError: width must be odd; got 3 \(our_slips.py:\d+, in",
        ),
        (
            "Forgets",
            r"raises AttributeError: 'Forgets' object has no attribute 'bonus'",
        ),
        ("Wrong", r"Wrong.reset raises TypeError: .* \(our_slips.py:\d+, in Wrong.res"),
    ],
)
def test_an_error_of_the_users_class_has_its_place(tmp_path, name, says):
    (tmp_path / "our_slips.py").write_text(SLIPS)
    with pytest.raises(ValueError, match=says):
        envs.make("custom", entry_point=f"our_slips:{name}")


def test_params_keep_their_types():
    with pytest.raises(ValueError, match="bonus must be float; got 'much'"):
        envs.make("custom", entry_point="our_corridor:Corridor", bonus="much")
    with pytest.raises(ValueError, match=r"max_steps_in_episode must be int; got 2.5"):
        envs.make(
            "custom", entry_point="our_corridor:Corridor", max_steps_in_episode=2.5
        )

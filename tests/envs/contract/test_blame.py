"""An error keeps its place: file, line and method of whoever's code it came out of.

Mutants, and the test that fails for each:

    outermost frame taken               where_it_happened
    libraries' frames not skipped       where_it_happened
    our own faults told as the user's   ours_are_not_passed_off
    cause not chained                   where_it_happened
    a refusal wrapped once more         said_once
"""

import sys
import types

import jax.numpy as jnp
import pytest
from gymnax.environments import environment, spaces

import envs
from envs.contract.blame import Refusal, described, told
from envs.contract.wrappers import History

MODULE = """
import jax
import jax.numpy as jnp
from gymnax.environments import spaces


def helper(x):
    return x + jnp.ones(4)


class Mine:
    def reset(self, key, params):
        return jnp.ones(3), jnp.float32(0)

    def step(self, key, state, action, params):
        no = jnp.array(False)
        info = {"final_observation": jnp.ones(3)}
        return jnp.ones(3), state, state, no, no, info

    def action_space(self, params):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Box(0, 1, (3,))


class AddsWrongly(Mine):
    def reset(self, key, params):
        return helper(jnp.ones(3)), 0


class Asks(Mine):
    def step(self, key, state, action, params):
        if state > 0:
            return None


class NoSpace(Mine):
    def observation_space(self, params):
        return self.space


class NotWritten(Mine):
    def step(self, key, state, action, params):
        raise NotImplementedError


class Jitted(Mine):
    def step(self, key, state, action, params):
        return jax.jit(lambda x: helper(x[:3]))(jnp.ones(5))


class Asserts(Mine):
    def reset(self, key, params):
        assert params is not None, "no params\\nat all"


class ToldWhy(Mine):
    def action_space(self, params):
        raise ValueError("width must be odd; got 4.")
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A user's module, in the working directory."""
    path = tmp_path / "mine.py"
    path.write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("mine")
    monkeypatch.setitem(sys.modules, "mine", module)
    exec(compile(MODULE, str(path), "exec"), vars(module))
    return module


def line_of(text, number=1):
    lines = [i for i, line in enumerate(MODULE.splitlines(), 1) if text in line]
    return lines[number - 1]


@pytest.mark.parametrize(
    ("name", "method", "says", "text", "within"),
    [
        ("AddsWrongly", "reset", "TypeError: add got incomp", "x + jnp", "helper"),
        ("Asks", "step", "TracerBoolConversionError: Attempted", "if state", "step"),
        ("NoSpace", "observation_space", "AttributeError: ", "self.space", "NoSpace.o"),
        ("NotWritten", "step", "NotImplementedError (", "raise Not", "NotWritten.step"),
        ("Jitted", "step", "TypeError: add got", "x + jnp", "helper"),
        ("Asserts", "reset", "AssertionError: no params (", "assert", "Asserts.reset"),
        ("ToldWhy", "action_space", "ValueError: width must be odd; got 4 (", "width",
         "ToldWhy.action_space"),
    ],
)  # fmt: skip
def test_an_error_of_the_users_is_told_where_it_happened(
    mine, name, method, says, text, within
):
    env = getattr(mine, name)()
    with pytest.raises(ValueError) as refused:
        envs.check(env, None)
    sentence = str(refused.value)
    assert sentence.startswith(f"{name}.{method} raises {says}")
    assert f"(mine.py:{line_of(text)}, in " in sentence and within in sentence
    assert "\n" not in sentence and sentence.endswith(").")
    assert refused.value.__cause__ is not None
    # Through a wrapper of ours too.
    with pytest.raises(ValueError, match=r"mine.py:"):
        envs.check(History(env), None)


def test_faults_of_ours_are_not_passed_off_as_anybody_elses(monkeypatch):
    from envs.popgym.repeat_first import RepeatFirst

    code = "def broken(self, hidden, params):\n    return jnp.ones(3) + jnp.ones(4)\n"
    names = {"jnp": jnp, "__name__": "envs.popgym.repeat_first"}
    exec(compile(code, "repeat_first.py", "exec"), names)
    monkeypatch.setattr(RepeatFirst, "start", names["broken"])
    with pytest.raises(TypeError, match="incompatible"):
        envs.make("popgym_repeat_first_easy")
    # The same of somebody else, as this test, has its place.
    monkeypatch.setattr(RepeatFirst, "start", lambda *_: jnp.ones(3) + jnp.ones(4))
    with pytest.raises(Refusal, match=r"test_blame.py:\d+, in "):
        envs.make("popgym_repeat_first_easy")


def test_what_was_said_is_said_once():
    with pytest.raises(Refusal, match=r"^wrong\.$"), told("outer"):
        with told("inner"):
            raise Refusal("wrong.")


def test_a_description_is_one_line():
    assert described(KeyError("a")) == "KeyError: 'a'"
    assert described(RuntimeError()) == "RuntimeError"
    assert described(ValueError("one.\ntwo.")) == "ValueError: one"


def test_an_error_that_comes_from_nobodys_line_is_told_without_a_place():
    """An environment that cannot be hashed: it is jit that finds out."""

    class Unhashable(environment.Environment):
        __hash__ = None  # type: ignore[assignment]

        def reset_env(self, key, params):
            return jnp.ones(3), environment.EnvState(time=jnp.int32(0))

        def action_space(self, params):
            return spaces.Discrete(2)

        def observation_space(self, params):
            return spaces.Box(0, 1, (3,))

    env = Unhashable()
    with pytest.raises(Refusal, match=r"^Unhashable.reset raises ValueError: Non-hash"):
        envs.check(env, env.default_params)

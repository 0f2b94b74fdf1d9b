"""What is refused is bad input; what goes wrong in our own code is not, and says so.

| mutant | fails |
|---|---|
| every ValueError is taken for bad input | test_a_fault_of_ours_keeps_its_traceback |
| places of the user's errors not told | test_an_error_of_the_users_own_has_its_place |
"""

import sys

import jax.numpy as jnp
import pytest
from gymnax.environments import spaces

from agents.acting import distributions
from experiment.errors import InputError
from experiment.setup import config as run_config
from experiment.setup.building import build_agent

SLIP = """
import jax.numpy as jnp
from gymnax.environments import spaces


class Mine:
    default_params = ()

    def reset(self, key, params):
        return jnp.ones(3), jnp.where(jnp.ones(3) > 0, jnp.ones(4), 0)

    def step(self, key, state, action, params):
        raise NotImplementedError

    def action_space(self, params):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Box(0, 1, (3,))
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A run on an environment with a slip in the user's module, `mine.py`."""
    (tmp_path / "mine.py").write_text(SLIP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield run_config.load(
        {
            "env": {"name": "custom", "entry_point": "mine:Mine"},
            "core": {"name": "mlp", "features": 8},
            "agent": {"name": "ppo"},
        }
    )
    sys.modules.pop("mine", None)


def test_an_error_of_the_users_own_has_its_place(mine):
    with pytest.raises(
        InputError, match=r"\(mine.py:10, in Mine.reset\)\.$"
    ) as refused:
        build_agent(mine)
    causes, error = [], refused.value
    while (error := error.__cause__) is not None:
        causes.append(type(error))
    assert [cause.__name__ for cause in causes[:2]] == ["Refusal", "ValueError"]


def test_a_fault_of_ours_keeps_its_traceback(make_config, monkeypatch):
    config = make_config()

    def faulty(*_, **__):
        a, b = jnp.ones(3)  # a ValueError of our making, and no refusal
        return a + b

    faulty = type(faulty)(faulty.__code__, {"jnp": jnp, "__name__": "agents.acting"})
    monkeypatch.setattr("agents.ppo.agent.make_head", faulty)
    with pytest.raises(ValueError, match="too many values") as fault:
        build_agent(config)
    assert not isinstance(fault.value, InputError)


def test_what_our_code_refuses_is_bad_input(make_config, monkeypatch):
    """Also where it comes from far below, as an action space without a head."""

    def boxes(*_, **__):
        return distributions.make_head(spaces.Box(0, 1, (2, 2)), squash=False)

    monkeypatch.setattr("agents.ppo.agent.make_head", boxes)
    with pytest.raises(InputError, match="a Box with one axis"):
        build_agent(make_config())

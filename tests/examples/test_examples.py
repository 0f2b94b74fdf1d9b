"""Every example runs, and does what it says; none is left out.

| mutant | fails |
|---|---|
| S5 returns its input | test_the_core_learns_in_your_code |
| hydra: `last` is not shifted | test_only_both_ways_at_once_know_… |
| an example without a test | test_every_example_is_run |
| world_model: the last card without its flag | test_the_world_model_plays_* |
| world_model: the oldest card first | test_the_world_model_plays_* |
| world_model: imagination from an empty carry | test_the_world_model_imagines_* |
"""

import runpy
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.popgym.autoencode import Autoencode

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def main():
    """`(name) -> its main`."""
    return lambda name: runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]


def test_every_example_is_run():
    """Here, or where what they show is tested."""
    tests = [path.read_text() for path in Path(__file__).parents[1].rglob("test_*.py")]
    names = [path.stem for path in EXAMPLES.glob("*.py")]
    assert names
    for name in names:
        said = f'main("{name}")', f'"{name}"', f"examples/{name}.py"
        assert any(one in text for text in tests for one in said), name


@pytest.mark.slow
def test_the_core_learns_in_your_code(main, capsys):
    """Not to remember costs 1, on average, for a sign is told from nothing."""
    losses = main("core_in_your_agent")(steps=120)
    assert losses[0] > 0.5 and losses[-1] < 0.05
    assert "loss" in capsys.readouterr().out


@pytest.mark.slow
def test_the_core_learns_through_the_nnx_bridge(main):
    losses = main("nnx_bridge")(steps=150)
    assert losses[0] > 0.5 and np.mean(losses[-10:]) < 0.5 * losses[0]


@pytest.mark.slow
def test_only_both_ways_at_once_know_what_comes_later(main):
    """Not to know a sign costs 1, on average; the first sign every memory knows."""
    both, forwards = (
        np.mean(main("hydra")(steps=150, causal=causal)[-10:], axis=0)
        for causal in (False, True)
    )
    assert (both < 0.1).all()
    assert forwards[0] < 0.1 and forwards[1] > 0.7


@pytest.mark.slow
def test_the_agent_runs_in_your_own_loop(main, capsys):
    """Three updates teach nothing; that they learn is tests/agents' to show."""
    value = main("custom_loop")(updates=3)
    assert -1 <= value <= 1
    assert "update    0  return" in capsys.readouterr().out


@pytest.mark.slow
def test_the_agent_learns_in_your_own_loop(main):
    assert main("custom_loop")() > 0.9


def test_the_world_model_plays_the_game_of_popgym():
    """Beside ours, which was held to the reference: the same cards and actions."""
    games = runpy.run_path(str(EXAMPLES / "world_model.py"))["games"]
    seen, action, paid = (x[:, 0] for x in games(jax.random.key(0), 52, 2))
    assert seen.shape == (104,) and paid.shape == (103,)
    env = Autoencode()
    label, state = env.start({"suits": seen[:52] % 4}, env.default_params)

    def step(state, action):
        label, state, reward = env.transition(state, action, None, env.default_params)
        return state, (label, reward)

    labels, reward = jax.jit(lambda: jax.lax.scan(step, state, action)[1])()
    mode, suit = jnp.concatenate([label[None], labels]).T
    np.testing.assert_array_equal(seen[:-1], (suit + 4 * (mode == 0))[:-1])
    np.testing.assert_array_equal(paid - 1, np.sign(reward))
    assert 10 < int((paid == 2).sum()) < 42


@pytest.mark.slow
def test_the_world_model_imagines_what_it_has_watched(main, tmp_path):
    """Half would be wrong without a memory of the cards."""
    picture = tmp_path / "errors.png"
    errors = main("world_model")(num_cards=4, steps=600, features=32, path=picture)
    assert len(errors["S5"]) == len(errors["GRU"]) == 4
    assert max(errors["S5"]) < 0.1
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_trained_agent_acts_in_a_loop_of_ones_own(main):
    assert main("load_and_act")("pretrained/memory_chain", episodes=3) == [1.0] * 3


@pytest.mark.slow
def test_a_program_trains_and_plays_what_it_trained(main, tmp_path):
    assert main("train_in_python")(folder=str(tmp_path)) > 0.9

"""Names, arguments, and the options that correct the reference's quirks."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs import popgym
from tests.envs.popgym.figures import FIGURES, GAMES


def test_forty_eight_names_and_their_aliases():
    labyrinths = {name for name in popgym.names() if "labyrinth" in name}
    assert len(popgym.names()) == 48 and len(labyrinths) == 6
    assert set(popgym.names()) == set(FIGURES) | labyrinths
    assert popgym.ALIASES["popgym_stateless_cartpole_easy"] in popgym.names()
    assert set(popgym.ALIASES) <= set(popgym.TABLE)
    for entry in popgym.TABLE.values():
        assert entry.chance < entry.best <= 1 and entry.measures


@pytest.mark.parametrize("name", [*GAMES, *popgym.ALIASES])
def test_chance_and_best_are_the_references(name):
    _, _, _, mean, std, _, _, _, best = FIGURES[popgym.ALIASES.get(name, name)]
    entry = popgym.TABLE[name]
    assert abs(entry.chance - mean) <= 4 * std / np.sqrt(1000) + 0.001
    assert best is None or entry.best == best


@pytest.mark.parametrize("name", popgym.TABLE)
def test_arguments_reach_where_they_belong(name):
    env, params = popgym.make(name)
    entry = popgym.TABLE[name]
    for argument, value in entry.arguments.items():
        owner = params if hasattr(params, argument) else env
        if hasattr(owner, argument):
            assert getattr(owner, argument) == value
        else:
            assert argument in inspect.signature(entry.env_class).parameters


def test_make_overrides_the_difficulty():
    env, params = popgym.make("popgym_repeat_previous_easy", k=7)
    assert env.k == 7 and params.max_steps_in_episode == 51
    _, params = popgym.make("popgym_noisy_position_only_cartpole_hard", sigma=0.5)
    assert params.sigma == 0.5


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("popgym_repeat_frist_easy", {}, "popgym_repeat_first_easy"),
        ("popgym_minesweeper_easy", {"num_mine": 3}, "num_mines"),
        ("popgym_minesweeper_easy", {"num_mines": 16}, "num_mines must lie"),
        ("popgym_repeat_previous_easy", {"k": 52}, "k must lie"),
        ("popgym_count_recall_easy", {"deck_type": "suit"}, "deck_type must be"),
        ("popgym_count_recall_easy", {"popgym_version": "1.0.5"}, "1.0.6"),
        ("popgym_concentration_easy", {"deck_type": "suits"}, "odd number"),
        ("popgym_battleship_easy", {"ship_sizes": (9,)}, "might not fit"),
        ("popgym_repeat_first_easy", {"num_decks": 0}, "num_decks"),
        ("popgym_velocity_only_cartpole_easy", {"first_obs": "x"}, "first_obs"),
    ],
)
def test_mistakes_are_named(name, arguments, said):
    with pytest.raises(ValueError, match=said):
        popgym.make(name, **arguments)


def test_hidden_arrays_of_the_wrong_size_are_refused():
    env, params = popgym.make("popgym_repeat_first_easy")
    with pytest.raises(ValueError, match=r"wants \[52\]"):
        env.state_from({"suits": np.zeros(51, int)}, params)


def test_popgym_1_0_6_is_one_action_less_and_one_step_more():
    env, _ = popgym.make("popgym_count_recall_easy", popgym_version="1.0.6")
    assert env.num_actions == 26
    _, params = popgym.make("popgym_minesweeper_easy", popgym_version="1.0.6")
    assert params.max_steps_in_episode == 15


def test_velocity_only_cartpole_can_show_velocities_at_once():
    hidden = {"state": np.arange(4) / 100}
    for first_obs, shown in (("positions", [0, 0.02]), ("velocities", [0.01, 0.03])):
        env, params = popgym.make(
            "popgym_velocity_only_cartpole_easy", first_obs=first_obs
        )
        obs, _ = env.state_from(hidden, params)
        np.testing.assert_allclose(obs, shown, atol=1e-6)


def test_a_shorter_clock_truncates_a_deck_game():
    env, params = popgym.make("popgym_repeat_first_easy", max_steps_in_episode=3)
    _, state = env.reset(jax.random.key(0), params)
    flags = []
    for t in range(3):
        _, state, _, *flag, _ = env.step(
            jax.random.key(t), state, jnp.zeros((), jnp.int32), params
        )
        flags.append([bool(f) for f in flag])
    assert flags == [[False, False], [False, False], [False, True]]


def test_clock_noise_and_keys_may_be_traced():
    env, params = popgym.make("popgym_noisy_position_only_cartpole_easy")

    @jax.jit
    @jax.vmap
    def spread(sigma):
        obs, _ = env.reset_env(jax.random.key(0), params.replace(sigma=sigma))
        return obs

    quiet, loud = spread(jnp.asarray([0.0, 0.3], jnp.float32))
    assert np.abs(quiet).max() <= 0.05 < np.abs(loud).max()

"""Our environments as Gymnasium has them: its own checker, and beside our own stepping.

| mutant | fails |
|---|---|
| `reset` ignores its seed | test_gymnasiums_checker_passes |
| observations keep JAX's type | test_gymnasiums_checker_passes |
| `step` gives what the next episode shows | test_one_gives_what_a_step_led_to |
| terminated and truncated are swapped | test_one_gives_what_a_step_led_to |
| `final_obs` is of the next episode | test_many_reset_in_the_step_that_ends |
"""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import envs
from tests.envs.play import LIMIT

pytestmark = pytest.mark.usefixtures("quick_compilation")

FAMILIES = {
    "memory_chain": {"memory_length": 4},
    "t_maze": {"length_max": 6},
    "gymnax/CartPole-v1": {},
    "gymnax/Pendulum-v1": {},
    "gymnax/Breakout-MinAtar": {},
    "meta_bandit": {},
    "meta_tabular_mdp": {},
    "random_world": {},
    "dark_room": {},
    "dark_key_to_door": {},
    "meta_cartpole": {},
    "projected_control": {},
    "random_control": {},
    "control/cartpole_swingup": {},
    **{
        f"popgym_{game}_easy": {}
        for game in (
            *("autoencode", "battleship", "concentration", "count_recall"),
            *("higher_lower", "labyrinth_escape", "labyrinth_explore", "minesweeper"),
            *("multiarmed_bandit", "repeat_first", "repeat_previous"),
            *("position_only_cartpole", "position_only_pendulum"),
            *("noisy_position_only_cartpole", "noisy_position_only_pendulum"),
            "velocity_only_cartpole",
        )
    },
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # of bounds, which are as they are
@pytest.mark.thinned(29)
@pytest.mark.parametrize("name", FAMILIES)
def test_gymnasiums_checker_passes(name):
    check_env(envs.to_gymnasium(name, **FAMILIES[name]), skip_render_check=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["memory_chain", "gymnax/Breakout-MinAtar"])
def test_its_checker_passes_what_has_a_history(name):
    made = envs.to_gymnasium(name, history=True, **FAMILIES[name])
    check_env(made, skip_render_check=True)


def test_one_gives_what_a_step_led_to():
    """memory_chain terminates, a pole that stands is cut."""
    made = envs.to_gymnasium("memory_chain", memory_length=3, **{LIMIT: 9})
    cut = envs.to_gymnasium("gymnax/CartPole-v1", **{LIMIT: 5})
    for env, length, flags in ((made, 4, (True, False)), (cut, 5, (False, True))):
        with pytest.raises(RuntimeError, match=r"begins with reset\(\)"):
            env.step(0)
        for seed in (1, 2):
            first, _ = env.reset(seed=seed)
            again, _ = env.reset(seed=seed)
            np.testing.assert_array_equal(first, again)
            for step in range(length):
                obs, reward, terminated, truncated, _ = env.step(step % 2)
                ended = step == length - 1
                assert (terminated, truncated) == (flags if ended else (False, False))
                assert isinstance(reward, float) and obs in env.observation_space
        if env is cut:
            assert np.abs(obs[1]) > 0.1  # not a beginning, where all is within 0.05


def test_many_reset_in_the_step_that_ends():
    made = envs.to_gymnasium("gymnax/CartPole-v1", num_envs=3, **{LIMIT: 6})
    assert isinstance(made, gymnasium.vector.VectorEnv)
    obs, _ = made.reset(seed=3)
    np.testing.assert_array_equal(obs, made.reset(seed=3)[0])
    assert obs in made.observation_space and len({*obs[:, 0]}) == 3
    for step in range(12):
        before = obs
        obs, reward, terminated, truncated, infos = made.step(np.ones(3, int))
        ended = terminated | truncated
        assert (ended == (step % 6 == 5)).all() and (reward == 1).all()
        if ended.any():
            assert infos["_final_obs"].all() and (np.abs(obs) <= 0.05).all()
            for lane in range(3):  # the cart has moved as fast as it went
                final = infos["final_obs"][lane]
                moved = before[lane, 0] + 0.02 * before[lane, 1]
                np.testing.assert_allclose(final[0], moved, rtol=1e-5)
        else:
            assert "final_obs" not in infos
    with pytest.raises(ValueError, match="one seed decides for all"):
        made.reset(seed=[0, 1, 2])

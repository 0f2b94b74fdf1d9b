"""Evaluation: one whole episode in each environment, begun with cleared memory.

Mutants, and the test that fails for each:

    stops at the first end of any lane  long_episodes
    counts on after the end             long_episodes
    opens without a reset               return_is_of_one
    always greedy                       return_is_of_one
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import spaces

from agents.acting.episodes import play

N = 512
GARBAGE = 50


def policy(carry, obs, reset):
    """Counts the observations of the episode; that count, or 0, is its action."""
    carry = jnp.where(reset[0], 0, carry) + 1
    distribution = SimpleNamespace(
        mode=lambda: carry[None], sample=lambda key: jnp.zeros_like(carry)[None]
    )
    return carry, distribution, jnp.zeros(reset.shape)


@pytest.fixture(scope="module")
def episodes(clockwork):
    def run(greedy):
        return play(
            policy,
            jnp.full(N, GARBAGE),
            jax.random.key(0),
            num_episodes=N,
            env=clockwork.env(),
            env_params=1.0,
            to_env=lambda action: 10 * action,
            greedy=greedy,
        )

    played = {greedy: jax.jit(run, static_argnums=0)(greedy) for greedy in (0, 1)}
    return {name: jax.tree.map(np.asarray, one) for name, one in played.items()}


@pytest.mark.parametrize("greedy", [0, 1], ids=["sampled", "greedy"])
def test_a_return_is_of_one_whole_episode(episodes, greedy):
    # Rewards are t / 10 and the action: 10 times its count of observations, so 10 t
    # where memory was cleared at the start and each observation read once. Lanes that
    # ended early were stepped on, and nothing of it counts.
    returns, length = episodes[greedy]
    steps = length * (length + 1) / 2
    np.testing.assert_allclose(returns, steps / 10 + greedy * 10 * steps, rtol=1e-5)


def test_long_episodes_count_as_often_as_they_happen(episodes, clockwork):
    # All of them, not the first to end: each length comes as often as it is drawn.
    lengths = np.asarray(clockwork.lengths)
    seen = np.bincount(episodes[0].length, minlength=6) / N
    share = np.bincount(lengths, minlength=6) / len(lengths)
    assert seen.shape == share.shape
    np.testing.assert_allclose(seen, share, atol=0.1)  # 4.8 standard deviations


def test_evaluation_repeats_itself_and_only_sampling_listens_to_the_key(small_ppo):
    agent = small_ppo("gru", env=five_steps())
    learner = agent.initialise(jax.random.key(0))

    @jax.jit
    def both(key):
        return [
            agent.evaluate(learner, key, num_episodes=16, greedy=greedy).episode_return
            for greedy in (False, True)
        ]

    one, again, other = (both(jax.random.key(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one[0], again[0])
    np.testing.assert_array_equal(one[1], other[1])
    assert (np.asarray(one[0]) != other[0]).any()
    assert len(np.unique(one[0])) > 1 and len(np.unique(one[1])) == 1


def five_steps():
    """Nothing is drawn here: what varies is the policy's."""

    def step(key, state, action, params):
        over, obs = state + 1 >= 5, jnp.ones(2)
        info = {"final_observation": obs}
        later, no = jnp.where(over, 0, state + 1), jnp.zeros((), bool)
        return obs, later, action.astype(jnp.float32), over, no, info

    return SimpleNamespace(
        reset=lambda key, params: (jnp.ones(2), jnp.zeros((), jnp.int32)),
        step=step,
        action_space=lambda params: spaces.Discrete(3),
        observation_space=lambda params: spaces.Box(0.0, 1.0, (2,)),
    )

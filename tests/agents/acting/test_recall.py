"""What decisions hang on: gradients by what was observed, and by nothing else.

| mutant | fails |
|---|---|
| the nudge is added twice | test_sizes_are_those_of_the_gradient |
| the sum over entries instead of the size | test_sizes_are_those_of_the_gradient |
| one leaning for all of several | test_sizes_are_those_of_the_gradient |
| the log-probability alone | test_a_sure_decision_hangs_on_what_it_did |
| `reset` is not handed to the policy | test_nothing_crosses_a_reset |
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import agents
import s5rl
from agents.acting.distributions import Categorical
from tests.agents.members import ACTING, SMALL

T, N = 9, 3


@functools.cache
def played(name, actions, build):
    """`(agent, learner, recording)`; parameters are large, so that memory counts."""
    agent = build(name, "gru", actions)
    with jax.numpy_rank_promotion("allow"):  # distrax's Gaussians need it
        learner = jax.jit(agent.initialise)(jax.random.key(0))
        params = jax.tree.map(lambda x: x + 0.3 * jnp.sign(x), learner.params)
        learner = learner._replace(params=params)
        recording = jax.jit(
            functools.partial(agent.record, num_episodes=N, num_steps=T, greedy=False)
        )(learner, jax.random.key(1))
    return agent, learner, recording


@pytest.mark.lenient
@pytest.mark.thinned(8)
@pytest.mark.parametrize(("name", "actions"), ACTING)
def test_sizes_are_those_of_the_gradient(name, actions, small_agent):
    """Beside the policy read at once, differentiated by its observations.

    Of one that reads through statistics, these are what the gradient is by: of none so
    far, observations stay as they are.
    """
    agent, learner, recording = played(name, actions, small_agent)
    steps = jnp.array([0, 4, T - 1])
    found = jax.jit(agent.recall)(learner, recording, steps)
    policy, carry = agent.behaviour(learner), agent.initial_carry(N)

    def leaning(obs):
        _, distribution, _ = policy(carry, obs, recording.reset)
        return distribution.leaning(recording.action)[steps].sum(1)  # [Q, K]

    gradient = jax.jit(jax.jacrev(leaning))(recording.obs)  # [Q, K, T, N, D]
    want = jnp.sqrt((gradient**2).sum((1, 4)))
    np.testing.assert_allclose(found, want, rtol=2e-3, atol=1e-5)


def test_nothing_crosses_a_reset(small_agent):
    """Exactly; and within an episode, everything reaches what comes after it."""
    agent, learner, recording = played("ppo", "discrete", small_agent)
    reset = np.asarray(recording.reset)
    assert reset[1:].any(0).all()  # every lane has an end in it
    found = jax.jit(agent.recall)(learner, recording, jnp.arange(T))
    episode = np.cumsum(reset, axis=0)
    same = episode[:, None] == episode[None]
    past = (np.arange(T)[:, None] >= np.arange(T)[None])[..., None]
    np.testing.assert_array_equal(np.asarray(found) > 0, same & past)


def test_frames_reach_as_far_as_they_are_stacked(small_agent):
    """Without resets, so that nothing else ends it."""
    frames = 3
    sizes = dict(num_envs=4, rollout_length=7, epochs=1, num_minibatches=1)
    nets = dict(encoder_sizes=(8,), head_sizes=(8,), memory="never_reset")
    agent = agents.make(
        "ppo",
        agents.CONFIGS["ppo"](**sizes, **nets, **SMALL["ppo"]),
        env=played("ppo", "discrete", small_agent)[0].env,
        env_params=0.01,
        core=s5rl.make_core("frame_stack", features=8, num_layers=1, frames=frames),
        num_updates=4,
    )
    learner = jax.jit(agent.initialise)(jax.random.key(0))
    record = functools.partial(agent.record, num_episodes=N, num_steps=T, greedy=True)
    recording = jax.jit(record)(learner, jax.random.key(1))
    found = jax.jit(agent.recall)(learner, recording, jnp.arange(T))
    lag = np.arange(T)[:, None] - np.arange(T)[None]
    reached = (lag >= 0) & (lag < frames)
    np.testing.assert_array_equal(
        np.asarray(found) > 0, reached[..., None] | np.zeros(N, bool)
    )


def test_a_sure_decision_hangs_on_what_it_did():
    """Logits in the hundreds: the probability is 1, and its gradient 0."""

    def policy(carry, obs, reset):
        logits = 100 * obs[..., :1] * jnp.array([[[1.0, -1.0]]])
        return carry, Categorical(logits), reset

    def leaning(x):
        distribution = policy((), x[None, None, None], None)[1]
        return distribution.leaning(jnp.zeros((1, 1), jnp.int32))[0, 0, 0]

    np.testing.assert_allclose(jax.grad(leaning)(1.0), 100)
    masked = Categorical(jnp.array([1.0, 3.0, -jnp.inf]))
    np.testing.assert_allclose(masked.leaning(jnp.int32(1)), [1.0], rtol=1e-6)

"""A privileged critic: the state reaches the value, and never the actions.

Mutants, and the test that fails for each:

    the actor reads the critic's features       never_reaches
    the core reads the state                    never_reaches
    the state after an automatic reset as final  shows_the_state
    the critic forgets memory                   value_hangs
    time limits valued at the next episode      bootstraps
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from agents.acting.rollout import collect
from agents.ppo.agent import make_ppo
from agents.ppo.config import PPOConfig
from envs.contract.wrappers import History, Privileged

ENVIRONMENTS = {
    "memory_chain": dict(memory_length=4),
    "popgym_repeat_previous_easy": dict(),
    "popgym_position_only_cartpole_easy": dict(max_steps_in_episode=7),
}


def build(small_core, name="memory_chain", **params):
    env, env_params = envs.make(name, **(params or ENVIRONMENTS[name]))
    config = PPOConfig(
        **dict(num_envs=4, rollout_length=11, epochs=2, num_minibatches=2),
        **dict(encoder_sizes=(8,), head_sizes=(8,), privileged_critic=True),
    )
    return make_ppo(
        config,
        env=env,
        env_params=env_params,
        core=small_core("gru"),
        num_updates=2,
    )


@pytest.mark.thinned(4)
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_wrapper_shows_the_state_of_now_and_of_what_an_action_led_to(name):
    bare, params = envs.make(name, **ENVIRONMENTS[name])
    env = Privileged(History(bare))
    first = jax.random.key(0)
    obs, state = env.reset(first, params)
    np.testing.assert_array_equal(obs["state"], bare.markov_state(state, params))
    step, step_env = jax.jit(env.step), jax.jit(bare.step_env)
    ends = 0
    for key in jax.random.split(first, 60):
        action = env.action_space(params).sample(key)
        # As gymnax splits it, for the step and for the reset that may follow.
        led_to = step_env(jax.random.split(key)[0], state, action, params)[1]
        obs, state, _, terminated, truncated, info = step(key, state, action, params)
        final = info["final_observation"]
        assert final.keys() == obs.keys() == {"obs", "state"}
        close = dict(rtol=1e-6, atol=1e-6)
        want = bare.markov_state(led_to, params)
        np.testing.assert_allclose(final["state"], want, **close)
        want = bare.markov_state(state, params)
        np.testing.assert_allclose(obs["state"], want, **close)
        if terminated | truncated:
            ends += 1
            assert np.any(obs["state"] != final["state"])
        else:
            np.testing.assert_array_equal(obs["state"], final["state"])
    assert ends > 0
    space = env.observation_space(params).spaces["state"]
    assert space.shape == obs["state"].shape


def read(agent, params, obs, carry=None, reset=False):
    carry = agent.network.initial_carry(1) if carry is None else carry
    obs = jax.tree.map(lambda x: x[None, None], obs)
    flag = jnp.full((1, 1), reset)
    return agent.network.apply(params, carry, obs, flag)


def test_the_state_never_reaches_an_action_or_memory(small_core):
    agent = build(small_core)
    learner = agent.initialise(jax.random.key(0))
    obs, _ = agent.env.reset(jax.random.key(1), agent.env_params)
    other = {**obs, "state": obs["state"] + 1}
    one, two = (read(agent, learner.params, o) for o in (obs, other))
    jax.tree.map(np.testing.assert_array_equal, one[0], two[0])
    action = jnp.zeros((1, 1), int)
    np.testing.assert_array_equal(one[1].log_prob(action), two[1].log_prob(action))
    assert np.abs(one[2] - two[2]).max() > 1e-3

    def outputs(params):
        carry, distribution, _ = read(agent, params, obs)
        leaves = [x.sum() for x in jax.tree.leaves(carry)]
        return sum(leaves) + distribution.log_prob(action).sum()

    grads = jax.grad(outputs)(learner.params)["params"]
    for name, grad in grads.items():
        if name.startswith(("state_encoder", "critic")):
            assert all(not np.any(g) for g in jax.tree.leaves(grad)), name


def test_the_value_hangs_on_memory_too(small_core):
    agent = build(small_core)
    learner = agent.initialise(jax.random.key(0))
    obs, _ = agent.env.reset(jax.random.key(1), agent.env_params)
    full = jax.tree.map(jnp.ones_like, agent.network.initial_carry(1))
    value, remembered = (
        read(agent, learner.params, obs, carry)[2] for carry in (None, full)
    )
    assert np.abs(value - remembered).max() > 1e-3


@pytest.mark.slow
def test_a_time_limit_bootstraps_from_the_state_that_it_cut(small_core):
    """Beside a slow oracle: the value of the final observation, read step by step."""
    agent = build(small_core, "popgym_repeat_previous_easy", max_steps_in_episode=5)
    learner = agent.initialise(jax.random.key(0))
    policy = agent.policy(learner.params)
    params, env = agent.env_params, agent.env
    _, rollout = jax.jit(
        lambda situation, key: collect(
            situation,
            key,
            env=env,
            env_params=params,
            policy=policy,
            to_env=agent.network.head.to_env,
            length=11,
        )
    )(learner.situation, jax.random.key(2))
    assert rollout.truncated.sum() == 2 * 4 and not rollout.terminated.any()
    carry, env_state = learner.situation.carry, learner.situation.env_state
    for t in range(11):
        obs = jax.tree.map(lambda x, t=t: x[t : t + 1], rollout.obs)
        carry, _, _ = policy(carry, obs, rollout.reset[t : t + 1])
        step_env = jax.vmap(env.step_env, (None, 0, 0, None))
        shown, env_state, *_ = step_env(
            jax.random.key(0), env_state, rollout.action[t], params
        )
        if not rollout.truncated[t].all():
            continue
        final = {
            "obs": shown,
            "state": jax.vmap(env.markov_state, (0, None))(env_state, params),
        }
        final = jax.tree.map(lambda x: x[None], final)
        _, _, value = policy(carry, final, jnp.zeros((1, 4), bool))
        np.testing.assert_allclose(rollout.next_value[t], value[0], rtol=1e-5)
        if t == 4:  # the lanes go on with new decks, which only `collect` has drawn
            break
    assert t == 4


@pytest.mark.slow
def test_it_trains_and_replays_what_it_did(small_core):
    agent = build(small_core)
    learner = agent.initialise(jax.random.key(0))
    for _ in range(2):
        learner, metrics = jax.jit(agent.update)(learner)
        assert metrics["diagnostics/first_ratio_error"] < 1e-5
        assert all(np.isfinite(value) for value in metrics.values())
    episodes = agent.evaluate(learner, jax.random.key(1), num_episodes=3, greedy=True)
    np.testing.assert_array_equal(episodes.length, [5, 5, 5])


def test_an_environment_without_a_markov_state_is_refused(small_core):
    with pytest.raises(ValueError, match="needs an environment with markov_state"):
        build(small_core, "gymnax/CartPole-v1", max_steps_in_episode=9)

"""PPO without the `experiment` package: your own loop around three pure functions.

An agent is `initialise(key)`, `update(learner)` and `evaluate(learner, key, ...)`.
Everything that changes is in `learner`, a pytree: keep it, `vmap` it, save it.
"""

import jax

import envs
import s5rl
from agents.ppo.agent import make_ppo
from agents.ppo.config import PPOConfig


def main(updates: int = 150, memory_length: int = 6) -> float:
    """Trains on a short memory chain; returns the mean return of fresh episodes."""
    env, env_params = envs.make("memory_chain", memory_length=memory_length)
    agent = make_ppo(
        PPOConfig(
            num_envs=32,
            rollout_length=memory_length + 1,
            num_minibatches=4,
            learning_rate=3e-3,
            encoder_sizes=(16,),
            head_sizes=(),
        ),
        env=env,
        env_params=env_params,
        core=s5rl.make_core("gru", features=16),
        num_updates=updates,
    )
    learner = jax.jit(agent.initialise)(jax.random.key(0))
    update = jax.jit(agent.update, donate_argnums=0)
    for index in range(updates):
        learner, metrics = update(learner)
        if index % 25 == 0:
            mean = metrics["episode/return"] / metrics["episode/count"]
            print(f"update {index:4d}  return {mean:+.3f}")
    episodes = agent.evaluate(learner, jax.random.key(1), num_episodes=200, greedy=True)
    print(f"evaluated: {episodes.episode_return.mean():+.3f}")
    return float(episodes.episode_return.mean())


if __name__ == "__main__":
    main()

"""A trained agent in a loop of your own: one decision at a time.

python -m examples.load_and_act runs/x      # from the checkout's folder
"""

import sys

import jax
import jax.numpy as jnp

import experiment


def main(run: str, episodes: int = 5, seed: int = 0) -> list[float]:
    """Plays a run's learner in its own environment; returns what episodes earned."""
    trained = experiment.load(run, seed=seed)
    env, params = trained.env, trained.env_params
    print(f"{trained.config.env.name}, {trained.config.core.name}: {run}")
    reset, step = jax.jit(env.reset), jax.jit(env.step)
    key, first = jax.random.split(jax.random.key(0))
    obs, state = reset(first, params)
    carry = trained.initial_carry(1)  # memory of one environment that has read nothing
    opens = True  # whether `obs` opens an episode: memory is cleared before it is read
    returns, total = [], 0.0
    while len(returns) < episodes:
        batch = jax.tree.map(lambda x: x[None], obs)
        carry, action = trained.act(carry, batch, jnp.array([opens]))
        key, next_key = jax.random.split(key)
        obs, state, reward, terminated, truncated, _ = step(
            next_key, state, action[0], params
        )
        total, opens = total + float(reward), bool(terminated | truncated)
        if opens:  # `step` has reset by itself: `obs` is the next episode's first
            returns, total = [*returns, total], 0.0
            print(f"episode {len(returns)}: {returns[-1]:+.3f}")
    return returns


if __name__ == "__main__":
    main(sys.argv[1])

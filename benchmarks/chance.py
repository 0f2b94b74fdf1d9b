"""What does a uniformly random policy earn in each environment?

    python benchmarks/chance.py [--episodes 1000] [--env memory_chain]

Prints a line per environment: mean return, its standard error, mean length. The chance
levels of envs/gymnax_table.py and envs/control/table.py come from here.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import jax
import jax.numpy as jnp
import numpy as np

import envs
from agents.acting.episodes import play


class UniformActions:
    """Uniform over an action space, shaped as a policy's distribution over [1, N]."""

    def __init__(self, space, num_episodes: int):
        self._space, self._num_episodes = space, num_episodes

    def sample(self, key):
        keys = jax.random.split(key, self._num_episodes)
        return jax.vmap(self._space.sample)(keys)[None]


def measure(name: str, num_episodes: int) -> str:
    env, params = envs.make(name)
    actions = UniformActions(env.action_space(params), num_episodes)
    episodes = jax.jit(
        lambda key: play(
            lambda carry, obs, reset: (carry, actions, jnp.zeros(reset.shape)),
            (),
            key,
            num_episodes=num_episodes,
            env=env,
            env_params=params,
            to_env=lambda action: action,
            greedy=False,
        )
    )(jax.random.key(0))
    returns = np.asarray(episodes.episode_return, np.float64)
    error = returns.std(ddof=1) / np.sqrt(num_episodes)
    length = np.mean(episodes.length)
    return f"{name:34} {returns.mean():10.4f} +- {error:.4f}  {length:8.1f} steps"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--env", nargs="*", default=None)
    arguments = parser.parse_args()
    for name in arguments.env or envs.names():
        if name == "gymnax/MNISTBandit-bsuite":
            continue  # wants to download its digits
        print(measure(name, arguments.episodes), flush=True)


if __name__ == "__main__":
    main()

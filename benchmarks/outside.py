"""How much slower is an environment that Gymnasium steps on the host?

    python -m benchmarks.outside
    python -m benchmarks.outside --lanes 8 --length 16 --repeat 1

The same CartPole twice: `gymnax/CartPole-v1`, compiled into the update, and
`gymnasium/CartPole-v1`, one call to the host for each step of all lanes. Stepping alone
(random actions), and updates of PPO with a GRU (4 epochs), by number of lanes. The two
take turns. Prints a JSON object for each: steps a second, and `ratio`, the median over
rounds of the host's time by the compiled one's.
"""

import argparse
import json
import statistics
from typing import Any

import jax

import envs
import s5rl
from agents.ppo.agent import make_ppo
from agents.ppo.config import PPOConfig
from benchmarks.measure import machine, positive, rounded, take_turns

NAMES = {"compiled": "gymnax/CartPole-v1", "host": "gymnasium/CartPole-v1"}


class Going:
    """A program that goes on from where it was: what is on the host cannot go back."""

    def __init__(self, begin: Any, step: Any):
        self._now = jax.jit(begin)(jax.random.key(0))
        self._step = jax.jit(step)

    def __call__(self) -> Any:
        self._now = self._step(self._now)
        return self._now


def stepping(name: str, lanes: int, length: int) -> Going:
    """Random actions in all lanes."""
    env, params = envs.make(name)
    draw = jax.vmap(env.action_space(params).sample)

    def begin(key):
        keys = jax.random.split(key, lanes)
        return key, jax.vmap(env.reset, (0, None))(keys, params)[1]

    def step(now, _):
        key, state = now
        key, *keys = jax.random.split(key, 1 + lanes)
        keys = jax.numpy.stack(keys)
        stepped = jax.vmap(env.step, (0, 0, 0, None))(keys, state, draw(keys), params)
        return (key, stepped[1]), stepped[2].sum()

    return Going(begin, lambda now: jax.lax.scan(step, now, length=length)[0])


def updating(name: str, lanes: int, length: int) -> Going:
    """Updates of PPO."""
    env, params = envs.make(name)
    config = PPOConfig(num_envs=lanes, rollout_length=length, num_minibatches=4)
    core = s5rl.make_core("gru", features=64)
    agent = make_ppo(config, env=env, env_params=params, core=core, num_updates=1000)
    return Going(agent.initialise, lambda learner: agent.update(learner)[0])


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lanes", type=positive, nargs="+", default=[8, 32, 128])
    parser.add_argument("--length", type=positive, default=128)
    parser.add_argument("--repeat", type=positive, default=7, help="rounds")
    flags = parser.parse_args(argv)
    for kind, made in (("stepping", stepping), ("update", updating)):
        for lanes in flags.lanes:
            programs = {
                way: made(name, lanes, flags.length) for way, name in NAMES.items()
            }
            seconds = take_turns(programs, repeat=flags.repeat)
            pairs = zip(seconds["host"], seconds["compiled"], strict=True)
            row = {"benchmark": "outside", "what": kind, "lanes": lanes}
            row |= {"length": flags.length, "repeat": flags.repeat}
            for way, taken in seconds.items():
                speed = lanes * flags.length / statistics.median(taken)
                row[f"{way}_steps_per_second"] = speed
            row["ratio"] = statistics.median(slow / fast for slow, fast in pairs)
            row = {key: rounded(value) for key, value in row.items()}
            print(json.dumps(row | machine()), flush=True)


if __name__ == "__main__":
    main()

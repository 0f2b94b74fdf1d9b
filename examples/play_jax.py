"""Plays what `python -m experiment.export` wrote; needs JAX and none of our code."""

import json
import sys
from pathlib import Path

import gymnasium
import jax
import numpy as np


def main(folder: str, name: str = "CartPole-v1", episodes: int = 3) -> list[float]:
    """Plays episodes of a gymnasium environment; returns what each earned."""
    about = json.loads((Path(folder) / "policy.json").read_text())
    program = bytearray((Path(folder) / "policy.jax").read_bytes())
    policy = jax.jit(jax.export.deserialize(program).call)
    memory = dict(np.load(Path(folder) / "memory.npz"))
    env, returns = gymnasium.make(name), []
    shape = tuple(about["inputs"][0]["shape"][1:])
    if shape != env.observation_space.shape:
        sys.exit(f"{folder} reads {shape}; {name} shows {env.observation_space.shape}.")
    for episode in range(episodes):
        (obs, _), total, opens, ended = env.reset(seed=episode), 0.0, True, False
        while not ended:
            given = {"obs": obs[None], "reset": np.array([opens]), **memory}
            out = policy(given)
            memory = {kept: out[new] for kept, new in about["memory"].items()}
            obs, reward, terminated, truncated, _ = env.step(int(out["action"][0]))
            total, opens, ended = total + float(reward), False, terminated or truncated
        returns.append(total)
        print(f"episode {episode}: {total:.1f}")
    return returns


if __name__ == "__main__":
    main(*sys.argv[1:])

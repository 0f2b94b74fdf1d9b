"""Plays what `python -m experiment.export` wrote; needs ONNX Runtime, and no JAX."""

import json
import sys
from pathlib import Path

import gymnasium
import numpy as np
import onnxruntime


def main(folder: str, name: str = "CartPole-v1", episodes: int = 3) -> list[float]:
    """Plays episodes of a gymnasium environment; returns what each earned."""
    about = json.loads((Path(folder) / "policy.json").read_text())
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3  # no word of initialisers that it drops
    policy = onnxruntime.InferenceSession(Path(folder) / "policy.onnx", quiet)
    reads = [one.name for one in policy.get_inputs()]
    gives = [one["name"] for one in about["outputs"]]
    memory = dict(np.load(Path(folder) / "memory.npz"))
    env, returns = gymnasium.make(name), []
    shape = tuple(about["inputs"][0]["shape"][1:])
    if shape != env.observation_space.shape:
        sys.exit(f"{folder} reads {shape}; {name} shows {env.observation_space.shape}.")
    for episode in range(episodes):
        (obs, _), total, opens, ended = env.reset(seed=episode), 0.0, True, False
        while not ended:
            given = {"obs": obs[None], "reset": np.array([opens]), **memory}
            out = policy.run(None, {key: given[key] for key in reads})
            out = dict(zip(gives, out, strict=True))
            memory = {kept: out[new] for kept, new in about["memory"].items()}
            obs, reward, terminated, truncated, _ = env.step(int(out["action"][0]))
            total, opens, ended = total + float(reward), False, terminated or truncated
        returns.append(total)
        print(f"episode {episode}: {total:.1f}")
    return returns


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What can be had on one body: an agent trained on it alone, seen as it is.

Where no formula says how well a task can be done, this is the level of 1 in a transfer
evaluation's scores. An expert is an ordinary run, of `configs/expert.yaml`, in a folder
whose name says what it was trained on; it is trained once and found again.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiment import files
from experiment.errors import OK
from experiment.evaluate import episodes as evaluation
from experiment.run.run_folder import RunFolder
from experiment.run.training import train
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent
from experiment.setup.config import RunConfig
from experiment.setup.request import Request

EPISODES = 256


def level(
    name: str, params: Mapping[str, Any], *, total_steps: int, folder: Path
) -> float:
    """Mean return of the best of several learners trained on this environment alone.

    The best, because a learner that failed says nothing about the body; drawing its
    actions or taking the likeliest ones, for either can be the better way to act.

    Args:
      name: of a bare environment.
      params: that it is made with.
      total_steps: to train each learner for.
      folder: of the experts of this and other bodies.

    Raises:
      SystemExit: with training's exit status if it was interrupted (what was done is
        kept, and gone on with next time) or diverged.
    """
    config = _config(name, params, total_steps)
    run = RunFolder(folder / _folder_name(config))
    played = run.path / "expert.json"
    if played.exists():
        return float(json.loads(played.read_text())["expert"])
    if not run.summary.exists():
        print(f"training an expert on {name}, once", flush=True)
        agent, begun = build_agent(config), run.config.exists()
        status = train(agent, config, run, resume=begun)
        if status != OK:
            raise SystemExit(status)
    returns = {}
    for way, greedy in (("drawn", False), ("likeliest", True)):
        request = Request(episodes=EPISODES, greedy=greedy)
        result = evaluation.evaluate(run, config, config.env, request)
        returns[way] = result["mean_return_per_seed"]
    best = max(max(per_seed) for per_seed in returns.values())
    files.write_json(played, {"expert": best, **returns})
    return best


def _config(name: str, params: Mapping[str, Any], total_steps: int) -> RunConfig:
    plain = cli.composed("expert", [f"total_steps={total_steps}"])
    return run_config.load({**plain, "env": {"name": name, **params}})


def _folder_name(config: RunConfig) -> str:
    """Two configurations never share a folder."""
    plain = json.dumps(run_config.dump(config), sort_keys=True)
    digest = hashlib.sha256(plain.encode()).hexdigest()[:8]
    return f"{config.env.name.replace('/', '-')}-{digest}"

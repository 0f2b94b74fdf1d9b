"""What can be had on one body: an agent trained on it alone, seen as it is.

Where no formula says how well a task can be done, this is the level of 1 in a transfer
evaluation's scores. An expert is an ordinary run, of `configs/expert.yaml`, in a folder
whose name says what it was trained on; it is trained once and found again.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jax import Array

from envs.fields import shown
from experiment import entry, files
from experiment.errors import OK
from experiment.evaluate import episodes as evaluation
from experiment.evaluate import teachers
from experiment.run import divergence
from experiment.run.run_folder import RunFolder
from experiment.run.training import train
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent
from experiment.setup.config import RunConfig
from experiment.setup.request import Request

EPISODES = 256
MOST = 2**20  # bytes of expert.json; it has about a hundred for each learner


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
    kept = _kept(played)
    if kept is not None:
        return kept
    if not run.summary.exists():
        print(f"training an expert on {name}, once", flush=True)
        agent, begun = build_agent(config), run.config.exists()
        status = train(agent, config, run, resume=begun)
        if status != OK:
            raise SystemExit(status)
    config, returns = run.load_config(), {}  # as it was settled when it began
    for way, greedy in (("drawn", False), ("likeliest", True)):
        request = Request(episodes=EPISODES, greedy=greedy)
        result = evaluation.evaluate(run, config, config.env, request)
        returns[way] = result["mean_return_per_seed"]
    best = max(max(per_seed) for per_seed in returns.values())
    files.write_json(played, {"expert": best, **returns})
    return best


def policy(
    name: str, params: Mapping[str, Any], *, total_steps: int, folder: Path
) -> Callable[[Array], Array]:
    """`observation [D] -> action [A]`: the likeliest, of the learner best at that.

    Arguments as of `level`, which is called first.
    """
    level(name, params, total_steps=total_steps, folder=folder)
    config = _config(name, params, total_steps)
    run = RunFolder(folder / _folder_name(config))
    kept = json.loads(files.read(run.path / "expert.json", MOST))["likeliest"]
    sick = {one.seed for one in divergence.known(run.diverged, config.num_updates)}
    seeds = (seed for seed in range(config.schedule.num_seeds) if seed not in sick)
    _, best = max(zip(kept, seeds, strict=True))
    return teachers.policy(run, seed=best)


def _kept(played: Path) -> float | None:
    """The level that was found before; None where it has to be found (anew)."""
    if not played.exists():
        return None
    try:
        content = json.loads(files.read(played, MOST))
        best = content.get("expert") if isinstance(content, dict) else None
        if isinstance(best, bool) or not isinstance(best, int | float):
            raise ValueError("it holds no number of the name expert")
        if not abs(best) < 2**128:  # a float32 was written; NaN compares with nothing
            raise ValueError(f"expert must be finite; got {shown(best)}")
        return float(best)
    except (ValueError, RecursionError) as error:
        said = f"{played} is damaged and made anew: {error}."
        print(entry.sentence(said), file=sys.stderr)
        return None


def _config(name: str, params: Mapping[str, Any], total_steps: int) -> RunConfig:
    plain = cli.composed("expert", [f"total_steps={total_steps}"])
    return run_config.load({**plain, "env": {"name": name, **params}})


def _folder_name(config: RunConfig) -> str:
    """Two configurations never share a folder."""
    plain = json.dumps(run_config.dump(config), sort_keys=True)
    digest = hashlib.sha256(plain.encode()).hexdigest()[:8]
    return f"{config.env.name.replace('/', '-')}-{digest}"

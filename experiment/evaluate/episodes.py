"""Playing a finished run's learners in fresh episodes, and writing down how it went."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

import envs
from envs import titles
from experiment import files
from experiment.evaluate.players import players
from experiment.report import numbers, plots
from experiment.report.statistics import mean_interval
from experiment.run.progress import waiting
from experiment.run.run_folder import RunFolder
from experiment.setup import needs
from experiment.setup.building import (
    computing,
    over_seeds,
    seed_keys,
)
from experiment.setup.config import RunConfig
from experiment.setup.request import Request
from experiment.setup.sections import EnvChoice


def evaluate(
    folder: RunFolder, whole: RunConfig, env_choice: EnvChoice, request: Request
) -> dict[str, Any]:
    """Plays, prints and writes to `<run>/evaluations/<env>-<time>/`.

    Returns:
      The result, as it stands in result.json.

    Raises:
      InputError: if there is no usable checkpoint, or the network cannot read the
        environment's observations or make its actions.
    """
    _, config, agent, (_, learners, seeds), facts = players(
        folder, whole, request.setting, env_choice
    )

    needs.check_played(config, agent, learners, {"episodes": request.episodes})

    def play(learner, key):
        return agent.evaluate(
            learner, key, num_episodes=request.episodes, greedy=request.greedy
        )

    # A key of its own kind: training must not have seen these episodes.
    schedule = replace(config.schedule, seed=request.seed)
    keys = jax.vmap(lambda key: jax.random.fold_in(key, 0xE7A1))(
        seed_keys(replace(config, schedule=schedule))
    )
    said = f"playing {request.episodes} episodes of each learner"
    with waiting(said), computing(config):
        found = jax.jit(over_seeds(play))(learners, keys[np.array(seeds)])
        episodes = jax.device_get(found)
    returns, lengths = episodes.episode_return, episodes.length
    result = {**facts, **_describe(returns, lengths, request), "seeds": seeds}
    path = _write(folder, result, returns, lengths)
    print(_text(result, returns))
    print(f"written to {path}")
    return result


def _describe(returns, lengths, request) -> dict[str, Any]:
    per_seed = returns.mean(1)
    # Episodes of one learner share its luck: with several, learners are the sample.
    sample = per_seed if len(per_seed) > 1 else returns[0]
    mean, low, high = mean_interval(sample)
    return {
        "episodes_per_seed": request.episodes,
        "seed": request.seed,
        "greedy": request.greedy,
        "mean_return": mean,
        "interval_95": None if np.isnan(low) else [low, high],
        "interval_over": "seeds" if len(per_seed) > 1 else "episodes",
        "mean_return_per_seed": per_seed.tolist(),
        "mean_length": float(lengths.mean()),
    }


def _write(folder: RunFolder, result, returns, lengths) -> Path:
    path = folder.new_evaluation(result["env"].replace("/", "-"))
    rows = [
        (seed, index, float(returns[place, index]), int(lengths[place, index]))
        for place, seed in enumerate(result["seeds"])
        for index in range(returns.shape[1])
    ]
    with files.new_folder(path) as place:
        files.write_json(place / "result.json", result)
        columns = ("seed", "episode", "return", "length")
        files.write_csv(place / "episodes.csv", [columns, *rows])
        _draw(place / "histogram.png", result, returns)
    return path


def _draw(path: Path, result: dict[str, Any], returns: np.ndarray) -> None:
    named = titles.title(result["env"], result["env_params"])
    plots.histogram(
        returns.reshape(-1),
        path,
        title=f"{named} · {result['core']} · {returns.size:,} episodes",
        levels=envs.levels(result["env"], result["env_params"])._asdict(),
    )


def _text(result: dict[str, Any], returns: np.ndarray) -> str:
    known = result["interval_95"]
    mean = numbers.interval(result["mean_return"], *(known or (None, None)))
    over = f", 95% interval over {result['interval_over']}" if known else ""
    played = titles.described(result["env"], result["env_params"])
    lines = [
        f"{played}: mean return {mean}{over}; "
        f"{returns.size:,} episodes, mean length {result['mean_length']:.1f}"
    ]
    counts, edges = np.histogram(returns.reshape(-1), bins=10)
    widest = max(counts.max(), 1)
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        bar = "#" * round(40 * count / widest)
        lines.append(f"  {left:>9.3g} .. {right:<9.3g} {count:>7,} {bar}")
    return "\n".join(lines)

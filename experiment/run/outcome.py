"""What came out of a run, and of which of its settings; free of JAX."""

from collections.abc import Mapping, Sequence
from typing import Any

from envs.fields import shown
from experiment.errors import DIVERGED, OK, InputError
from experiment.run.metrics import Row
from experiment.run.run_folder import RunFolder
from experiment.setup.config import RunConfig

BEST, SETTINGS = "best_setting", "settings"
REACHED = "reached_env_steps"  # less than the run's where a setting stopped


def summarise(
    rows: Sequence[Row], config: RunConfig, diverged: Sequence[int] = ()
) -> dict[str, Any]:
    """The outcome, from metrics.csv alone: of several settings the best's, and each's.

    `final_return` is the mean over seeds of the mean return of the episodes that ended
    in the last tenth of training; None if in some seed none did, or one diverged: the
    mean of those that are left would say too much.

    Args:
      rows: whose `seed` numbers the learners through.
      config: of the run.
      diverged: numbers of learners.
    """
    total = rows[-1]["env_steps"]
    late: dict[int, list[Row]] = {}
    for row in rows:
        if row["env_steps"] > 0.9 * total:
            late.setdefault(row["seed"], []).append(row)
    # Rows of those that diverged, or stopped, end before.
    lasted = {learner for learner, of in late.items() if of[-1]["env_steps"] == total}
    per_learner = [
        mean_return(late[learner]) if learner in lasted - {*diverged} else None
        for learner in range(config.num_learners)
    ]
    num_seeds = config.schedule.num_seeds
    found = [
        _outcome(
            per_learner[first : first + num_seeds],
            [learner - first for learner in diverged
             if first <= learner < first + num_seeds],
        )
        for first in range(0, config.num_learners, num_seeds)
    ]  # fmt: skip
    for row in rows if config.sweep else ():
        found[row["seed"] // num_seeds][REACHED] = row["env_steps"]
    best = ranked(found)[0]
    summary = {
        "env": config.env.name,
        "core": config.core.name,
        "agent": config.agent.name,
        "num_seeds": num_seeds,
        "env_steps": total,
        **found[best],
    }
    if config.sweep:
        summary[BEST] = best
        summary[SETTINGS] = [
            {**setting, **outcome}
            for setting, outcome in zip(config.sweep.settings, found, strict=True)
        ]
    return summary


def ended(folder: RunFolder, config: RunConfig) -> tuple[str, int] | None:
    """What to say of a run that has all the steps it is to have, and its exit status.

    None of one that has not.
    """
    outcome = folder.read_summary()
    wanted = config.num_updates * config.agent.options.steps_per_update
    if outcome is None or outcome.get("env_steps", 0) < wanted:
        return None
    status = DIVERGED if outcome.get("diverged_seeds") else OK
    return f"ended before, with final_return {outcome.get('final_return')}", status


def ranked(outcomes: Sequence[Mapping[str, Any]]) -> list[int]:
    """Numbers of settings, that of the largest `final_return` first.

    Those without one come last; of them, who got further comes first.
    """

    def place(setting: int) -> tuple[bool, float]:
        outcome = outcomes[setting]
        value, reached = outcome["final_return"], outcome.get(REACHED, 0)
        return (value is None, -reached if value is None else -value)

    return sorted(range(len(outcomes)), key=place)


def mean_return(rows: Sequence[Row]) -> float | None:
    """Of the episodes that ended in these rows of one learner; None where none did."""
    ended = [row for row in rows if row["episode/return"] is not None]
    count = sum(row["episode/count"] for row in ended)
    if not count:
        return None
    return sum(row["episode/return"] * row["episode/count"] for row in ended) / count


def _outcome(
    per_seed: Sequence[float | None], diverged: Sequence[int]
) -> dict[str, Any]:
    known = [value for value in per_seed if value is not None]
    whole = len(known) == len(per_seed)
    return {
        "final_return": sum(known) / len(known) if whole else None,
        "final_return_per_seed": list(per_seed),
        "diverged_seeds": list(diverged),
    }


def final_returns(folder: RunFolder, setting: int | None) -> dict[int, float]:
    """Final returns that are known, by learner of a setting; None: of a run without.

    Raises:
      InputError: if summary.json is there and cannot be read.
    """
    content = folder.read_summary()
    if content is None:
        return {}
    try:
        found = content if setting is None else content[SETTINGS][setting]
        per_seed = enumerate(found["final_return_per_seed"])
        return {seed: float(value) for seed, value in per_seed if value is not None}
    except (ValueError, TypeError, LookupError) as error:
        raise InputError(f"{folder.summary} cannot be read: {error!r}.") from error


def best_of(folder: RunFolder, setting: int | None, seeds: Sequence[int]) -> int | None:
    """Of these learners the one with the largest final return; None if none has one."""
    if len(seeds) == 1:
        return seeds[0]
    known = final_returns(folder, setting)
    among = sorted(known.keys() & {*seeds})
    return max(among, key=lambda seed: known[seed], default=None)


def setting_of(folder: RunFolder, config: RunConfig, wanted: Any) -> int:
    """The number of a setting: the one that was asked for, or the best.

    Raises:
      InputError: if there is no such setting, or nothing says which was best.
    """
    count = len(config.sweep.settings)
    if wanted is not None:
        if not isinstance(wanted, int) or isinstance(wanted, bool):
            raise InputError(f"setting must be a whole number; got {shown(wanted)}.")
        if not 0 <= wanted < max(count, 1):
            has = f"has settings 0 to {count - 1}" if count else "has one setting, 0"
            raise InputError(f"setting={wanted} is none of {folder.path}, which {has}.")
        return wanted
    if not count:
        return 0
    summary = folder.read_summary()
    if summary is None:
        raise InputError(
            f"{folder.path} is not finished, so none of its {count} settings is the "
            f"best: say which with setting=0 to setting={count - 1}."
        )
    best = summary.get(BEST)
    if not isinstance(best, int) or not 0 <= best < count:
        raise InputError(
            f"{folder.summary}: {BEST} must be a setting's number, 0 to {count - 1}; "
            f"got {shown(best)}."
        )
    print(f"setting {best}, the best of {count}: {config.sweep.said(best)}")
    return best

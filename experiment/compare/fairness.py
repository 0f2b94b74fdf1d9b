"""What a reader must know before comparing runs: a sentence for each difference."""

from collections.abc import Callable, Sequence

import envs
from envs import titles
from experiment.compare.compared import ComparedRun
from experiment.evaluate import words
from experiment.evaluate.trials import PLAIN, Trials

FAIR_PARAMETERS = 1.2  # most over fewest


def unfair(runs: Sequence[ComparedRun]) -> list[str]:
    """What makes the comparison less than fair; empty where nothing is seen."""
    found = []
    if len({environment(run) for run in runs}) > 1:
        listed = _each(runs, environment)
        found.append(f"The runs differ in environment ({listed}).")
    steps = {run.label: run.summary["env_steps"] for run in runs}
    if len(set(steps.values())) > 1:
        listed = _each(runs, lambda run: f"{steps[run.label]:,}")
        found.append(f"The runs differ in environment steps ({listed}).")
    if len({_seeds(run) for run in runs}) > 1:
        listed = _each(runs, lambda run: str(_seeds(run)))
        found.append(
            f"The runs differ in number of seeds ({listed}): so do their intervals in "
            "width, and their wall clock counts other work."
        )
    if len({_settings(run) for run in runs}) > 1:
        listed = _each(runs, lambda run: str(_settings(run)))
        found.append(
            f"The runs differ in settings tried ({listed}): the best of more is higher "
            "by chance alone."
        )
    by_size = sorted(runs, key=lambda run: run.summary["num_parameters"])
    few, many = (by_size[place].summary["num_parameters"] for place in (0, -1))
    if many > FAIR_PARAMETERS * few:
        found.append(
            f"Parameter counts differ by {many / few - 1:.0%}, from {few:,} "
            f"({by_size[0].label}) to {many:,} ({by_size[-1].label}); up to 20% would "
            "be a fair comparison."
        )
    for run in runs:
        if gone := run.summary.get("diverged_seeds"):
            found.append(
                f"{len(gone)} of {_seeds(run)} learners of {run.label} diverged: its "
                "curves are of the others, and it has no final score."
            )
    return found + _unfair_clock(runs) + _unfair_transfer(runs)


def _unfair_clock(runs: Sequence[ComparedRun]) -> list[str]:
    found = []
    if len({run.device for run in runs}) > 1:
        listed = _each(runs, lambda run: run.device or "unknown")
        found.append(f"The runs differ in device ({listed}): so does their wall clock.")
    for run in runs:
        if len(run.starts) > 1:
            found.append(
                f"{run.label} was resumed: its wall clock is that of the last part."
            )
    return found


def _unfair_transfer(runs: Sequence[ComparedRun]) -> list[str]:
    played = [run for run in runs if run.transfer is not None]
    found = []
    absent = [run for run in could_transfer(runs) if run.transfer is None]
    if played and absent:
        names = ", ".join(run.label for run in absent)
        found.append(
            f"{names} {'has' if len(absent) == 1 else 'have'} no transfer evaluation; "
            f"{how_to_transfer(absent[0])}"
        )
    counts = {run.label: _trial_counts(run.transfer) for run in played}  # type: ignore
    if len(set(counts.values())) > 1:
        listed = _each(played, lambda run: counts[run.label])
        found.append(f"The transfer evaluations differ in size ({listed}).")
    return found


def could_transfer(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    """Those on meta-environments: others have no splits of tasks to be evaluated on."""
    return [run for run in runs if envs.spec(run.config.env.name).splits]


def how_to_transfer(run: ComparedRun) -> str:
    """The command that makes one."""
    return f"python evaluate.py run={run.folder.path} transfer=true makes one."


def _trial_counts(found: Trials) -> str:
    tasks = {
        f"{found.returns[split, PLAIN].shape[1]} {words.split(split)}"
        for split in found.splits
    }
    return (
        f"{found.num_trials} trials, {found.trained} trained on; "
        f"{', '.join(sorted(tasks))}"
    )


def environment(run: ComparedRun) -> str:
    """The environment that a run was trained on, with all that was chosen of it."""
    env = run.config.env
    params = dict(sorted({"history": env.history, **env.params}.items()))
    return f"{env.title} with {titles.listed(env.name, params)}"


def _seeds(run: ComparedRun) -> int:
    return len(run.summary["final_return_per_seed"])


def _settings(run: ComparedRun) -> int:
    return max(len(run.tried), 1)


def _each(runs: Sequence[ComparedRun], say: Callable[[ComparedRun], str]) -> str:
    """What is said of the runs, and of which: `3 (s5, gru), 5 (lstm)`."""
    said: dict[str, list[str]] = {}
    for run in runs:
        said.setdefault(say(run), []).append(run.label)
    return "; ".join(f"{what}: {', '.join(who)}" for what, who in said.items())

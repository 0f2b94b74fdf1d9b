"""What a comparison found, in a line for the final return and for each split."""

from collections.abc import Sequence

from experiment.compare.compared import ComparedRun
from experiment.compare.comparison import TRAINING, levels_of, over_learners
from experiment.compare.differences import BELOW, NOT_SHOWN, named
from experiment.evaluate.transfer_words import found_of, over_of
from experiment.evaluate.trials import Trials
from experiment.report.numbers import digits
from experiment.report.page import Cell, Finding, Table
from experiment.report.statistics import learners_interval
from experiment.report.verdict import Verdict, count, verdict

_MOST_PAIRS = 3  # named in a line
_CLEARED = "cleared"


def findings(runs: Sequence[ComparedRun], full: Table) -> list[Finding]:
    """Who is shown to be above whom; of a run alone, what it is shown to have learnt.

    Green where a difference is shown; two runs have no side to be red for.

    Args:
      runs: that are compared.
      full: of `differences`.
    """
    if len(runs) == 1:
        return _alone(runs[0])
    by_what: dict[str, list[tuple[Cell, ...]]] = {}
    for what, *pair in full.rows:
        if what == TRAINING or str(what).endswith(" adapted"):
            by_what.setdefault(str(what), []).append(tuple(pair))
    if not by_what:
        said = "No two runs have returns on the same environment: none is above another"
        return [Finding(f"{said}.", 0)]
    return [_pairs(named(what), pairs) for what, pairs in by_what.items()]


def _pairs(what: str, pairs: Sequence[tuple[Cell, ...]]) -> Finding:
    shown = [pair for pair in pairs if pair[-1] != NOT_SHOWN]
    said = [_claim(*pair) for pair in shown[:_MOST_PAIRS]]
    if more := len(shown) - len(said):
        said.append(f"{count(more, 'more difference')} in the table of differences")
    if not shown and len(pairs) == 1:
        ours, theirs, *interval, over, _ = pairs[0]
        found = verdict(*interval, str(over))  # type: ignore[arg-type]
        said.append(f"{ours} and {theirs} are not told apart ({found.numbers})")
    elif rest := len(pairs) - len(shown):
        said.append(f"{rest} of {count(len(pairs), 'pair')} not told apart")
    text = f"{what[0].upper()}{what[1:]}: {'; '.join(said)}."
    return Finding(text, int(bool(shown)))


def _claim(ours: Cell, theirs: Cell, *rest: Cell) -> str:
    """`s5 is above gru by 0.300 [0.100, 0.500], 95% over 3 and 3 learners`."""
    mean, low, high, over, said = rest
    if said == BELOW:  # the higher one is named first, and its lead has no sign
        ours, theirs = theirs, ours
        mean, low, high = (-float(str(x)) for x in (mean, high, low))
    found = verdict(mean, low, high, str(over))  # type: ignore[arg-type]
    return f"{ours} is above {theirs} by {found.numbers}"


def _alone(run: ComparedRun) -> list[Finding]:
    found = [_against_chance(run)]
    if run.transfer is not None:
        found += [_in_context(run.transfer, split) for split in run.transfer.splits]
    return found


def _against_chance(run: ComparedRun) -> Finding:
    """Whether the final return is shown to be above that of play by chance."""
    per_seed = run.summary["final_return_per_seed"]
    mean, low, high = learners_interval(per_seed)
    chance = levels_of(run, TRAINING).random
    said = f"{digits(mean)} at the end of training"
    if mean != mean:
        return Finding("No final return: a learner has none.", 0)
    if chance is None:
        return Finding(f"Final return: {said}; what chance earns is not known.", 0)
    over = count(len(per_seed), "learner")
    lead = verdict(mean - chance, low - chance, high - chance, over)
    claim = lead.choose("above", "below", "not shown to be above")
    return Finding(
        f"Final return: {said}, {claim} the {digits(chance)} of chance (by "
        f"{lead.numbers}).",
        lead.sign,
    )


def _in_context(played: Trials, split: str) -> Finding:
    """As the run's own transfer report says it."""
    own = played.adapted(split)
    over = over_of(*own.shape)
    gain = verdict(*over_learners(own - played.zero_shot(split)), over)
    cleared = Verdict(0, "not played")
    if (split, _CLEARED) in played.returns:
        loss = own - played.adapted(split, _CLEARED)
        cleared = verdict(*over_learners(loss), over)
    return found_of(split, gain, cleared)

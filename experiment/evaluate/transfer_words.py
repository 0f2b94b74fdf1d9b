"""What the intervals of a transfer evaluation show, in sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiment.evaluate import words
from experiment.report import numbers
from experiment.report.page import Finding
from experiment.report.verdict import Verdict, count, verdict

# What each control does, as the subject of a sentence.
_MEANING = {
    "cleared": "Clearing memory at every trial",
    "swapped": "Memory of another task at one trial",
    "never_reset": "Memory of another task at the start, never cleared,",
}


def verdicts(result: Mapping[str, Any], split: str) -> list[str]:
    """A sentence for each control of a split, and one for all; all over the same."""
    figures = result["splits"][split]
    said = [
        _control(_MEANING[control], found, loss_of(figures, control))
        for control, found in figures["controls"].items()
    ]
    return [*said, _in_context(*_judged_in_context(figures))]


def finding(result: Mapping[str, Any], split: str) -> Finding:
    """The one line that is read first: whether the agent learns in context there."""
    return found_of(split, *_judged_in_context(result["splits"][split]))


def found_of(split: str, gain: Verdict, cleared: Verdict) -> Finding:
    """That line, of what is shown of the gain and of clearing memory."""
    text = f"{words.split(split).capitalize()}. {_in_context(gain, cleared)}"
    return Finding(text, min(gain.sign, cleared.sign))


def loss_of(figures: Mapping[str, Any], control: str) -> Verdict:
    """Whether a control costs anything."""
    return judged(figures["controls"][control]["loss"], over(figures))


def _judged_in_context(figures: Mapping[str, Any]) -> tuple[Verdict, Verdict]:
    """What is shown of the gain, and of clearing memory."""
    return judged(figures["gain"], over(figures)), loss_of(figures, "cleared")


def judged(estimate: Sequence[float | None], of: str) -> Verdict:
    """What `[mean, low, high]` shows."""
    mean, low, high = estimate
    assert mean is not None
    return verdict(mean, low, high, of)


def over(figures: Mapping[str, Any]) -> str:
    """What intervals are over: `3 learners`, or `256 tasks of 1 learner`."""
    return over_of(figures["num_learners"], figures["num_tasks"])


def over_of(learners: int, tasks: int) -> str:
    """Likewise, of what `experiment.report.statistics.sample` takes."""
    said = count(learners, "learner")
    return said if learners > 1 else f"{count(tasks, 'task')} of {said}"


def _control(what: str, found: Mapping[str, Any], loss: Verdict) -> str:
    """What a control does to returns."""
    claim = loss.choose(
        f"{what} hurts", f"{what} helps", f"{what} is not shown to hurt or to help"
    )
    return (
        f"{claim}: the return of a trial is {numbers.digits(found['own'])} with memory "
        f"as it is and {numbers.digits(found['with_control'])} under this control, "
        f"a loss of {loss.numbers}."
    )


def _in_context(gain: Verdict, cleared: Verdict) -> str:
    """Whether the agent is shown to learn in context: it gains, and by its memory."""
    shown = f"(a gain of {gain.numbers})"
    if gain.sign > 0 and cleared.sign > 0:
        return (
            "The agent learns in context here: from the first trial to the last ones "
            f"trained on it improves {shown}, and clearing memory hurts."
        )
    improves = gain.choose("it improves", "it gets worse", "an improvement")
    missing = "" if gain.sign else " is not shown"
    by_memory = cleared.choose(
        "clearing memory hurts",
        "clearing memory helps",
        "that clearing memory hurts is not shown",
    )
    return (
        f"That the agent learns in context is not shown here: {improves} from the "
        f"first trial to the last ones trained on{missing} {shown}, and {by_memory}."
    )

"""A contact sheet of an episode in parts: a row for each trial, or for each episode.

    trial 3 of 10: return 12 in 20 steps; up x3, left x2, stay x15
    [ step 1 ] [ step 7 ] [ step 14 ] [ step 20 ]

Each picture is of a decision: what there was, what was done then, and what it paid.
Trials of a single decision, as the pulls of a bandit are, are parts by the dozen, and
few of them stand side by side, each as it was afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from envs.drawing import picture as drawing
from envs.show import film, words
from envs.show.playback import Moment, Recording
from envs.show.report import signed

ROWS = 16  # of a sheet, at most; of more, evenly spaced ones


@dataclass(frozen=True)
class Part:
    """Decisions in a row: of a trial, or of an episode without trials.

    `decisions` are `(before, after)`: what was seen, and what came of it.
    """

    name: str
    decisions: Sequence[tuple[Moment, Moment]]

    @property
    def earned(self) -> float:
        """Sum of its rewards."""
        return float(sum(after.reward or 0 for _, after in self.decisions))

    def title(self, env: Any) -> str:
        """What it was, what it paid and what was done, in a line."""
        done = words.did(env, [after.action for _, after in self.decisions])
        count = len(self.decisions)
        steps = "1 step" if count == 1 else f"{count} steps"
        return f"{self.name}: return {self.earned:.4g} in {steps}; {done}"


def of(recordings: Sequence[Recording]) -> list[Part]:
    """The parts of one episode or several, in order."""
    found = []
    for number, recording in enumerate(recordings, 1):
        episode = f"episode {number}, " if len(recordings) > 1 else ""
        pairs = list(zip(recording.moments[:-1], recording.moments[1:], strict=True))
        if not pairs or pairs[0][1].trial is None:
            found.append(Part(f"episode {number}", pairs))
            continue
        for trial in dict.fromkeys(after.trial for _, after in pairs):
            own = [pair for pair in pairs if pair[1].trial == trial]
            found.append(Part(f"{episode}trial {(trial or 0) + 1}", own))
    if len(found) > ROWS and all(len(part.decisions) == 1 for part in found):
        size = -(-len(found) // ROWS)
        return [_joined(found[at : at + size]) for at in range(0, len(found), size)]
    return found


def _joined(several: Sequence[Part]) -> Part:
    """Consecutive trials of one decision each, as one part."""
    name = several[0].name
    if len(several) > 1:
        name += f" to {several[-1].name.rpartition(' ')[2]}"
    return Part(name, [pair for part in several for pair in part.decisions])


def sheet(env: Any, params: Any, recordings: Sequence[Recording], name: str) -> Any:
    """One Pillow image of them all; `name` is what the environment is asked for by."""
    if len(found := of(recordings)) == 1:
        frames = film.frames(env, params, recordings[0], name, drawing.SHEET)
        return drawing.contact_sheet(frames)
    chosen = [found[i] for i in _spaced(len(found), ROWS)]
    draw = _renderer(env, params, recordings)
    titled = [_row(env, draw, part, name) for part in chosen]
    if all(len(part.decisions) == 1 for part in chosen):
        return drawing.contact_sheet([frame for _, row in titled for frame in row])
    return drawing.rows(titled)


def _renderer(env, params, recordings: Sequence[Recording]) -> Any:
    """Draws a decision as its own episode is drawn, some of which hang on all of it."""
    draws = {}
    for recording in recordings:
        own = film.renderer(env, params, recording)
        draws |= {id(moment): own for moment in recording.moments}

    def draw(before: Moment, after: Moment):
        if _alone(before, after):
            return draws[id(after)](after)
        # It is made where its own trial stands, not where the last one ended.
        return draws[id(before)](replace(before, end=None))

    return draw


def _alone(before: Moment, after: Moment) -> bool:
    """Whether it was all of its trial: then what came of it is what there is to see."""
    return after.trial_ended and (before.trial_ended or before.time == 0)


def _row(env, draw, part: Part, name: str) -> tuple[str, list[Any]]:
    """Its title, and up to COLUMNS of its decisions whose states were kept."""
    kept = [
        at for at, (before, _) in enumerate(part.decisions) if before.state is not None
    ]
    chosen = [kept[i] for i in _spaced(len(kept), drawing.COLUMNS)]
    frames = [_frame(env, draw, part, at, name) for at in chosen]
    return part.title(env), [frame for frame in frames if frame is not None]


def _frame(env, draw, part: Part, at: int, name: str) -> Any:
    before, after = part.decisions[at]
    image = draw(before, after)
    if image is None:
        return None
    where, verb = f"{part.name}    step {at + 1} of {len(part.decisions)}", "does"
    if _alone(before, after):
        where, verb = f"trial {(after.trial or 0) + 1}", "action"
    action = words.action(env, after.action)
    said = f"{verb} {action}, reward {signed(after.reward or 0)}{film.memory(after)}"
    return drawing.captioned(np.asarray(image), [where, said], name)


def _spaced(count: int, most: int) -> list[int]:
    """Up to `most` of so many, evenly spaced, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(i) for i in np.linspace(0, count - 1, most)]

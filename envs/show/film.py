"""The frames of a recorded episode: each family's own drawing, or a general one.

Looked for in this order: the environment's `render(state, params)`, a drawing of ours
for gymnax's environments, the observation itself if it is a grid, and what always
works, the observation, action and reward over time.
"""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from envs.contract.wrappers import Wrapper
from envs.drawing import gymnax as gymnax_render
from envs.drawing import picture as drawing
from envs.show import words
from envs.show.playback import Moment, Recording
from envs.show.report import ending, signed

_ROWS = 256  # of an observation over time; a longer one is thinned
_SMALLEST = 3  # cells along a side of what is seen as a grid


def frames(
    env: Any, params: Any, recording: Recording, name: str, at_most: int | None = None
) -> list[Any]:
    """Captioned Pillow images of the moments that were kept, or of some of them.

    Args:
      env: as it was played.
      params: likewise.
      recording: of it.
      name: by which the environment is asked for, which stands above each picture.
      at_most: how many; None: all that were kept.
    """
    draw = renderer(env, params, recording)
    drawn = []
    for moment in recording.frames(at_most):
        image = draw(moment)
        if image is not None:
            said = caption(env, moment, recording.step(moment))
            drawn.append(drawing.captioned(np.asarray(image), said, name))
    return drawn


def renderer(
    env: Any, params: Any, recording: Recording
) -> Callable[[Moment], np.ndarray | None]:
    """Draws one moment; None for the end of an episode whose state cannot be had.

    What it draws of a moment whose state was kept is a picture.
    """
    draw = _own_renderer(env, params)
    if draw is not None and _is_picture(draw(recording.moments[0].state, [])):
        return lambda moment: (
            None
            if moment.led_to is None
            else draw(moment.led_to, recording.past(moment))
        )
    first = recording.moments[0].obs
    if isinstance(first, np.ndarray) and _is_grid(first):
        return lambda moment: _grid(moment.obs)
    timeline = _Timeline(recording.moments)
    return lambda moment: timeline.draw(moment.time)


def _own_renderer(env, params) -> Callable[[Any, Any], Any] | None:
    """Draws a state, told of its past, if there is something that may be able to."""
    while isinstance(env, Wrapper):
        env = env.env
    if type(env).__module__.startswith("gymnax."):
        return lambda state, past: gymnax_render.render(env.name, env, state, params)
    render = getattr(env, "render", None)
    try:
        inspect.signature(render).bind(None, params)  # type: ignore
    except TypeError:  # there is none, or it wants something else
        return None
    known: Any = render
    return lambda state, past: drawing.drawn(known, state, params, past)


def _is_picture(x: Any) -> bool:
    # What some call render shows a window, or returns a figure.
    array = isinstance(x, np.ndarray | jax.Array)
    return array and x.ndim == 3 and x.shape[-1] == 3 and x.dtype == np.uint8


def caption(env: Any, moment: Moment, step: str) -> list[str]:
    """What stands below a moment: where it is, and what led there."""
    line = f"{step}    total {moment.total:.4g}"
    if moment.ended:
        line += "    " + ending(moment)
    elif moment.trial_ended:
        line += "    the trial ended"
    if moment.reward is None:
        return [line]
    action = words.action(env, moment.action)
    return [line, f"action {action}, reward {signed(moment.reward)}{memory(moment)}"]


def memory(moment: Moment) -> str:
    """The norm of what was remembered, where there is some to show."""
    return "" if moment.memory is None else f", memory {moment.memory:.3g}"


def _is_grid(obs: np.ndarray) -> bool:
    return obs.ndim in (2, 3) and min(obs.shape[:2]) >= _SMALLEST


def _grid(obs: np.ndarray) -> np.ndarray:
    """A picture of [H, W], of a colour image [H, W, 3], or of planes [H, W, C]."""
    cells = np.asarray(obs, np.float32)
    cells = cells / max(1.0, float(np.abs(cells).max()))
    if cells.ndim == 2:
        cells = cells[..., None]
    if cells.shape[-1] == 1:
        cells = cells.repeat(3, -1)
    elif cells.shape[-1] != 3:
        cells = _planes(cells)
    return (np.clip(cells, 0, 1) * 255).astype(np.uint8)


def _planes(cells: np.ndarray) -> np.ndarray:
    """One colour for each plane, later ones over earlier ones; black for none."""
    from matplotlib import colormaps

    palette = np.array([colormaps["tab20"](i % 20)[:3] for i in range(cells.shape[-1])])
    image = np.zeros((*cells.shape[:2], 3))
    for plane, colour in enumerate(palette):
        image[cells[..., plane] != 0] = colour
    return image


class _Timeline:
    """Observation (a row each entry), action and reward, up to a moment."""

    def __init__(self, moments: list[Moment]):
        obs = np.stack([_flat(m.obs) for m in moments])
        obs = obs[:, :: -(-obs.shape[1] // _ROWS)]
        low, high = obs.min(0), obs.max(0)
        # Each entry by its own range, for only so can small and large ones be seen.
        self.obs = (obs - low) / np.where(high > low, high - low, 1)
        self.actions = np.stack([_flat(m.action) for m in moments[1:]])
        self.rewards = np.array([m.reward for m in moments[1:]])

    def draw(self, time: int) -> np.ndarray:
        """The picture at a moment."""
        return drawing.figure(lambda figure: self._draw(figure, time))

    def _draw(self, figure, time):
        top, middle, bottom = figure.subplots(3, sharex=True, height_ratios=(3, 1, 1))
        seen = np.where(np.arange(len(self.obs))[:, None] <= time, self.obs, np.nan)
        top.imshow(seen.T, aspect="auto", interpolation="nearest", vmin=0, vmax=1)
        steps = np.arange(len(self.rewards))
        middle.plot(steps[:time], self.actions[:time], ".-", lw=0.7, ms=4)
        bottom.bar(steps[:time], self.rewards[:time], width=1, color=drawing.INK)
        for axes, name, values in (
            (middle, "action", self.actions),
            (bottom, "reward", self.rewards),
        ):
            axes.set_ylabel(name, fontsize=8)
            low, high = min(values.min(), 0), max(values.max(), 0)
            margin = 0.1 * (high - low) or 1
            axes.set_ylim(low - margin, high + margin)
        top.set_ylabel("observation", fontsize=8)
        top.yaxis.get_major_locator().set_params(integer=True)  # an entry each
        bottom.set_xlabel("step", fontsize=8)
        bottom.set_xlim(-0.5, len(self.obs) - 0.5)
        for axes in (top, middle, bottom):
            axes.tick_params(labelsize=7)


def _flat(tree: Any) -> np.ndarray:
    leaves = [np.ravel(leaf).astype(np.float32) for leaf in jax.tree.leaves(tree)]
    return np.concatenate(leaves)

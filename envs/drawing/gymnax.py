"""Drawings of gymnax's environments, by name; see `envs.drawing.picture`.

Those that show a grid as their observation need none (`envs.show.film` draws the
grid), the bandits and chains have nothing to see but numbers over time.
"""

from typing import Any

import numpy as np

from envs.drawing.picture import FAINT, INK, RED, picture


def render(name: str, env: Any, state: Any, params: Any) -> np.ndarray | None:
    """A picture [320, 320, 3] uint8; None for an environment without a drawing."""
    if name not in _DRAWINGS:
        return None
    return picture(lambda axes: _DRAWINGS[name](axes, env, state, params))


def draw_cart(axes: Any, x: float, theta: float, limit: float) -> None:
    """Cart and pole; theta in radians, clockwise from upright.

    The track is as wide as the picture and ends at the limits. Cart and pole are larger
    than it would have them, and stand at their place and angle.
    """
    reach = 1.12 * limit
    axes.plot([-limit, limit], [0, 0], color=FAINT, lw=3)
    for end in (-limit, limit):
        axes.plot([end, end], [-0.12 * limit, 0.12 * limit], color=FAINT, lw=3)
    wide, high, pole = 0.42 * limit, 0.2 * limit, 0.95 * limit
    body = [x - wide / 2, x + wide / 2, x + wide / 2, x - wide / 2]
    axes.fill(body, [0, 0, high, high], color=INK)
    tip = [high + pole * np.cos(theta), x + pole * np.sin(theta)]
    axes.plot([x, tip[1]], [high, tip[0]], color=RED, lw=9, solid_capstyle="round")
    axes.plot(x, high, "o", color=FAINT, ms=5)
    axes.set(xlim=(-reach, reach), ylim=(-0.7 * reach, 1.3 * reach), aspect="equal")


def draw_rod(axes: Any, theta: float, speed: float) -> None:
    """A pendulum; theta in radians, counter-clockwise from upright."""
    axes.plot([0, -np.sin(theta)], [0, np.cos(theta)], color=RED, lw=8)
    axes.plot(0, 0, "o", color=INK)
    axes.text(-1.15, -1.15, f"speed {speed:+.2f}", color=FAINT)
    axes.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), aspect="equal")


def draw_memory_chain(axes: Any, state: Any, params: Any) -> None:
    """The bits, dark while they are shown, and the way from there to the question."""
    bits, time = np.ravel(state.context).astype(int), int(state.time)
    length = int(params.memory_length)
    asked = time == length
    # What is observed is that of the step before: the context is seen twice.
    for i, bit in enumerate(bits):
        x = (i + 1) / (len(bits) + 1)
        colour = (RED if bit else INK) if time <= 1 else FAINT
        size = min(60, 110 / len(bits))
        place = {"ha": "center", "va": "center"}
        axes.text(x, 0.72, f"{2 * bit - 1:+d}", fontsize=size, color=colour, **place)
        if i == int(state.query):
            shown = RED if asked else FAINT
            axes.text(x, 0.47, "?", fontsize=24, color=shown, **place)
    axes.plot([0.05, 0.95], [0.2, 0.2], color=FAINT, lw=3)
    at = 0.05 + 0.9 * min(time / length, 1)
    axes.plot(at, 0.2, "o", color=INK, ms=12)
    axes.text(0.05, 0.08, "context", fontsize=9)
    axes.text(0.95, 0.08, f"question ({length})", fontsize=9, ha="right")
    axes.set(xlim=(0, 1), ylim=(0, 1))


def _memory_chain(axes, env, state, params):
    draw_memory_chain(axes, state, params)


def _cartpole(axes, env, state, params):
    draw_cart(axes, float(state.x), float(state.theta), params.x_threshold)


def _pendulum(axes, env, state, params):
    draw_rod(axes, float(state.theta), float(state.theta_dot))


def _acrobot(axes, env, state, params):
    """Two links from the origin, angle 0 hanging down; the line is to be passed."""
    first = float(state.joint_angle1)
    angles = np.array([first, first + float(state.joint_angle2)])
    axes.plot([-2.2, 2.2], [1, 1], "--", color=FAINT)
    _links(axes, np.sin(angles), -np.cos(angles))


def _reacher(axes, env, state, params):
    """The arm and its goal."""
    angles = np.asarray(state.angles)
    axes.plot(*np.asarray(state.goal_xy), "*", color=RED, ms=16)
    _links(axes, np.cos(angles), np.sin(angles))


def _links(axes, dx, dy):
    x, y = (np.concatenate([[0], np.cumsum(d)]) for d in (dx, dy))
    axes.plot(x, y, "o-", color=INK, lw=5)
    axes.set(xlim=(-2.3, 2.3), ylim=(-2.3, 2.3), aspect="equal")


def _mountain_car(axes, env, state, params):
    """The valley, the car and the flag."""
    x = np.linspace(params.min_position, params.max_position, 100)
    axes.plot(x, np.sin(3 * x), color=FAINT)
    goal, car = params.goal_position, float(state.position)
    axes.plot(goal, np.sin(3 * goal) + 0.1, "^", color=RED, ms=10)
    axes.plot(car, np.sin(3 * car) + 0.05, "o", color=INK, ms=12)
    axes.set(ylim=(-1.2, 1.4))


def _point(axes, env, state, params):
    """The point within its half circle, and the hidden goal."""
    angle = np.linspace(0, np.pi, 100)
    radius = params.circle_radius
    axes.plot(radius * np.cos(angle), radius * np.sin(angle), color=FAINT)
    axes.plot(*_disc(state.goal, params.goal_radius), color=RED)
    axes.plot(*np.asarray(state.pos), "o", color=INK, ms=10)
    _around(axes, state.pos, 1.3)


def _disc(centre, radius):
    angle = np.linspace(0, 2 * np.pi, 50)
    x, y = np.asarray(centre)
    return x + radius * np.cos(angle), y + radius * np.sin(angle)


def _swimmer(axes, env, state, params):
    """The swimmer, the goal and the urchins."""
    axes.plot(*np.asarray(state.urchin_xys).reshape(-1, 2).T, "X", color=FAINT, ms=12)
    axes.plot(*np.asarray(state.goal_xy).reshape(2), "*", color=RED, ms=16)
    axes.plot(*np.asarray(state.xy).reshape(2), "o", color=INK, ms=10)
    _around(axes, state.xy, 1.6)


def _around(axes, place, limit):
    """Limits that still show what nothing keeps near."""
    limit = max(limit, 1.1 * float(np.abs(np.asarray(place)).max()))
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")


def _rooms(axes, env, state, params):
    """Walls dark, the goal a star."""
    axes.imshow(np.asarray(env.occupied_map), cmap="Greys", vmin=0, vmax=1.3)
    for place, mark, colour in ((state.goal, "*", RED), (state.pos, "o", INK)):
        row, column = np.asarray(place)
        axes.plot(column, row, mark, color=colour, ms=12)


def _frozen_lake(axes, env, state, params):
    """Holes dark, the goal a star."""
    tiles = np.asarray(env.desc)
    axes.imshow(tiles == 2, cmap="Blues", vmin=-0.3, vmax=1.3)
    for row, column in np.argwhere(tiles == 3):
        axes.plot(column, row, "*", color=RED, ms=20)
    row, column = divmod(int(state.position), tiles.shape[1])
    axes.plot(column, row, "o", color=INK, ms=14)


_DRAWINGS = {
    "CartPole-v1": _cartpole,
    "Pendulum-v1": _pendulum,
    "Acrobot-v1": _acrobot,
    "MountainCar-v0": _mountain_car,
    "MountainCarContinuous-v0": _mountain_car,
    "FourRooms-misc": _rooms,
    "MetaMaze-misc": _rooms,
    "PointRobot-misc": _point,
    "Reacher-misc": _reacher,
    "MemoryChain-bsuite": _memory_chain,
    "Swimmer-misc": _swimmer,
    "FrozenLake-misc": _frozen_lake,
}

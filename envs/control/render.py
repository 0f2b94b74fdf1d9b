"""Pictures of a body, for people: `render(env, state, params)` gives an RGB array.

`env.render(state, params)` calls it. Matplotlib is imported only when something is
drawn.
"""

import numpy as np

from envs.drawing.picture import FAINT, INK, RED, figure


def render(env, state, params) -> np.ndarray:
    """Draws one state of one body, [height, width, 3] uint8."""

    def draw(fig):
        axes = fig.add_subplot(aspect="equal")
        axes.set_axis_off()
        _DRAWINGS[type(env).__name__](axes, np.asarray(state.position), state, params)

    return figure(draw)


def _cartpole(axes, position, state, params):
    """The rail as wide as the picture; cart and pole half as large again as true."""
    x, angle = position
    tip = 1.5 * params.pole_length * np.array([np.sin(angle), np.cos(angle)])
    axes.plot([-params.rail, params.rail], [0, 0], color=FAINT, lw=3)
    axes.plot([x - 0.3, x + 0.3], [0, 0], color=INK, lw=24, solid_capstyle="butt")
    axes.plot([x, x + tip[0]], [0, tip[1]], color=RED, lw=8, solid_capstyle="round")
    axes.plot(x, 0, "o", color=FAINT, ms=5)
    # A pole that leans over the rail's end is still in the picture.
    _frame(axes, max(params.rail + 0.4, abs(x + tip[0]) + 0.1))


def _pendulum(axes, position, state, params):
    x, y = params.length * np.sin(position[0]), params.length * np.cos(position[0])
    axes.plot([0, x], [0, y], color=INK, lw=3)
    axes.add_patch(_circle((x, y), params.radius, color=RED))
    _frame(axes, 1.2 * params.length)


def _acrobot(axes, position, state, params):
    lengths = np.array([params.upper_length, params.lower_length])
    angles = np.cumsum(position)
    highest = (0, lengths.sum())
    axes.add_patch(_circle(highest, params.target_radius, color=FAINT))
    _chain(axes, lengths * np.sin(angles), lengths * np.cos(angles))
    _frame(axes, lengths.sum() + params.target_radius)


def _point_mass(axes, position, state, params):
    corners = params.edge * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    axes.plot(*corners.T, color=FAINT)
    axes.add_patch(_circle((0, 0), params.target_size, color=FAINT))
    for direction in np.asarray(state.directions):
        pushed = np.stack([position, position + 0.05 * direction])
        axes.plot(*pushed.T, color=INK, lw=1)
    axes.add_patch(_circle(position, 0.01, color=RED))
    _frame(axes, 1.1 * params.edge)


def _reacher(axes, position, state, params):
    lengths = np.array([params.arm_length, params.hand_length + params.finger_gap])
    angles = np.cumsum(position)
    axes.add_patch(_circle(np.asarray(state.target), params.target_size, color=FAINT))
    _chain(axes, lengths * np.cos(angles), lengths * np.sin(angles))
    _frame(axes, lengths.sum() + params.target_size)


def _mountain_car(axes, position, state, params):
    def height(x):
        return 0.45 * np.sin(3 * x) + 0.55

    hill = np.linspace(params.wall, params.end, 100)
    axes.plot(hill, height(hill), color=FAINT)
    flag = np.array([0, 0.2]) + height(params.goal)
    axes.plot([params.goal, params.goal], flag, color=INK)
    axes.plot(position, height(position), "o", color=RED, ms=10)
    axes.set(xlim=(params.wall - 0.1, params.end + 0.1), ylim=(-0.1, 1.4))


def _chain(axes, across, up):
    """Links drawn end to end from the origin, the last joint's end marked."""
    x, y = np.append(0, np.cumsum(across)), np.append(0, np.cumsum(up))
    axes.plot(x, y, "-o", color=INK, lw=4)
    axes.plot(x[-1], y[-1], "o", color=RED)


def _circle(centre, radius, *, color):
    from matplotlib.patches import Circle

    return Circle(tuple(centre), radius, color=color)


def _frame(axes, reach):
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach))


_DRAWINGS = {
    "Cartpole": _cartpole,
    "Pendulum": _pendulum,
    "Acrobot": _acrobot,
    "PointMass": _point_mass,
    "Reacher": _reacher,
    "MountainCar": _mountain_car,
}

"""Pictures of a base environment and its hidden task, for people.

`env.render(state, params)` gives an RGB array; what the agent cannot see is drawn too.
Matplotlib is imported here only when something is drawn.
"""

import numpy as np

from envs.drawing.arms import draw_arms
from envs.drawing.picture import FAINT, INK, RED, figure

GOAL, KEY, DOOR = "#8fce8a", "#f0c75e", "#8db8e0"


def render(env, state, params, *past) -> np.ndarray:
    """Draws one state, [320, 320, 3] uint8; a bandit with its past."""
    draw = _DRAWINGS[type(env).__name__]
    return figure(lambda fig: draw(fig.add_subplot(), env, state, params, *past))


def _bandit(axes, env, state, params, past):
    """The rates of the arms, and what was pulled."""
    draw_arms(axes, params.probs, past)


def _tabular_mdp(axes, env, state, params):
    """Mean rewards, the brighter the better; the row of the current state framed."""
    axes.imshow(np.asarray(params.reward_mean), cmap="Greys_r", aspect="auto")
    axes.axhspan(int(state.state) - 0.5, int(state.state) + 0.5, fill=False, ec=RED)
    axes.set(xlabel="action", ylabel="state")


def _random_world(axes, env, state, params):
    """How far from the goal each action leads, the nearer the brighter; the current
    state's row framed."""
    there = np.asarray(params.distance)[np.asarray(params.next_state)]
    axes.imshow(-there, cmap="Greys_r", aspect="auto")
    axes.axhspan(int(state.state) - 0.5, int(state.state) + 0.5, fill=False, ec=RED)
    axes.axhspan(int(params.goal) - 0.5, int(params.goal) + 0.5, fill=False, ec=GOAL)
    axes.set(xlabel="action", ylabel="state")


def _dark_room(axes, env, state, params):
    """The goal green, though the agent does not see it; the agent red."""
    _cell(axes, "goal", params.goal, GOAL)
    _room(axes, env, state)


def _dark_key_to_door(axes, env, state, params):
    """Key and door in colour while they are to be found, then pale."""
    held, opened = bool(state.has_key), bool(state.opened)
    _cell(axes, "held" if held else "key", params.key, FAINT if held else KEY)
    _cell(axes, "open" if opened else "door", params.door, FAINT if opened else DOOR)
    _room(axes, env, state)


def _room(axes, env, state):
    """Cells, walls around them, and the agent, small enough to stand on a mark."""
    far = env.size - 0.5
    for edge in np.arange(1, env.size) - 0.5:
        axes.plot([-0.5, far], [edge, edge], color=FAINT, lw=0.5)
        axes.plot([edge, edge], [-0.5, far], color=FAINT, lw=0.5)
    walls = np.array([[-0.5, -0.5], [far, -0.5], [far, far], [-0.5, far], [-0.5, -0.5]])
    axes.plot(*walls.T, color=INK, lw=5, solid_joinstyle="miter")
    row, column = np.asarray(state.position)
    axes.plot(column, row, "o", color=RED, ms=104 / env.size, zorder=3)
    axes.set(xlim=(-0.8, far + 0.3), ylim=(far + 0.3, -0.8), aspect="equal")
    axes.set_axis_off()


def _cell(axes, name, cell, color):
    """A whole cell in a colour, its name in the lower part, clear of the agent."""
    from matplotlib.patches import Rectangle

    row, column = np.asarray(cell)
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=color))
    place = {"ha": "center", "va": "bottom", "zorder": 4}
    axes.text(column, row + 0.48, name, color=INK, fontsize=8, **place)


_DRAWINGS = {
    "Bandit": _bandit,
    "TabularMDP": _tabular_mdp,
    "RandomWorld": _random_world,
    "DarkRoom": _dark_room,
    "DarkKeyToDoor": _dark_key_to_door,
}

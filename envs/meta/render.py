"""Pictures of a base environment and its hidden task, for people.

`env.render(state, params)` gives an RGB array; what the agent cannot see is drawn too,
faintly. Matplotlib is imported here only when something is drawn.
"""

import numpy as np

RED, INK, FAINT = "#c0392b", "#202020", "#b8b8b8"


def render(env, state, params) -> np.ndarray:
    """Draws one state, [320, 320, 3] uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 4), dpi=80, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    clock = f"step {int(state.time)} of {int(params.max_steps_in_episode)}"
    axes.set_title(f"{env.name}, {clock}", fontsize=9)
    _DRAWINGS[type(env).__name__](axes, env, state, params)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _bandit(axes, env, state, params):
    """The rates of the arms."""
    axes.bar(np.arange(env.num_arms), np.asarray(params.probs), color=FAINT)
    axes.set(ylim=(0, 1), xlabel="arm", ylabel="pays")


def _tabular_mdp(axes, env, state, params):
    """Mean rewards, the brighter the better; the row of the current state framed."""
    axes.imshow(np.asarray(params.reward_mean), cmap="Greys_r", aspect="auto")
    axes.axhspan(int(state.state) - 0.5, int(state.state) + 0.5, fill=False, ec=RED)
    axes.set(xlabel="action", ylabel="state")


def _dark_room(axes, env, state, params):
    """The goal faint, the agent red."""
    _room(axes, env, state)
    _mark(axes, "goal", params.goal, FAINT)


def _dark_key_to_door(axes, env, state, params):
    """Key and door faint, and dark when they have been found."""
    _room(axes, env, state)
    held, opened = bool(state.has_key), bool(state.opened)
    _mark(axes, "key", params.key, INK if held else FAINT, dy=-0.25)
    _mark(axes, "door", params.door, INK if opened else FAINT, dy=0.25)


def _room(axes, env, state):
    for edge in np.arange(env.size + 1) - 0.5:
        axes.axhline(edge, color=FAINT, lw=0.5)
        axes.axvline(edge, color=FAINT, lw=0.5)
    row, column = np.asarray(state.position)
    axes.plot(column, row, "o", color=RED, ms=14)
    far = env.size - 0.5
    axes.set(xlim=(-0.5, far), ylim=(far, -0.5), aspect="equal")
    axes.set_axis_off()


def _mark(axes, name, cell, color, dy=0.0):
    row, column = np.asarray(cell)
    place = {"ha": "center", "va": "center"}
    axes.text(column, row + dy, name, color=color, fontsize=8, **place)


_DRAWINGS = {
    "Bandit": _bandit,
    "TabularMDP": _tabular_mdp,
    "DarkRoom": _dark_room,
    "DarkKeyToDoor": _dark_key_to_door,
}

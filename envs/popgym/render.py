"""Pictures of a state, for people: one small drawing per family.

`render(env, state, params)` gives an RGB array; `env.render(state, params)` calls it.
Each drawing shows the hidden state too, faintly where the agent cannot see it.
"""

import numpy as np

from envs.drawing.arms import draw_arms
from envs.drawing.gymnax import draw_cart, draw_rod
from envs.drawing.picture import FAINT, INK, RED, picture
from envs.popgym.signs import COLORS, RANKS, SUITS


def render(env, state, params, *past) -> np.ndarray:
    """Draws one state of one environment of the suite, [height, width, 3] uint8.

    A bandit's with its past (`envs.drawing.picture.drawn`).
    """
    ancestors = {cls.__name__ for cls in type(env).__mro__}
    draw = next(draw for kind, draw in _DRAWINGS.items() if kind in ancestors)
    return picture(lambda axes: draw(axes, env, state, *past))


def _deck(axes, env, state):
    """The card in view, large; those dealt so far, small, the newest last."""
    names = SUITS if env.shown == "suits" else RANKS
    labels = np.asarray(state.labels)
    # Autoencode's clock runs on when all cards are dealt: then cards are given back.
    time, last = int(state.time), len(labels) - 1
    dealt = min(time, last) + 1
    held = dealt - max(0, time - last)
    in_view = time <= last
    _card(axes, names[labels[dealt - 1]] if in_view else "?", 0.5, 0.68, 60)
    recent = labels[max(0, held - 16) : held]
    for i, label in enumerate(recent):
        _card(axes, names[label], 0.05 + 0.06 * i, 0.2, 13, FAINT)
    axes.text(0, 0.32, f"dealt {dealt} of {len(labels)}", fontsize=9, color=INK)
    answer = _answer(env, time, len(labels))
    if answer is not None:
        # Of the decision to come: the action in a film's caption was the one before.
        wanted = f"next answer: {names[labels[answer]]}"
        axes.text(1, 0.32, wanted, fontsize=11, ha="right", color=INK)


def _answer(env, time, cards):
    """Which card of the deck is asked for now; None if none is."""
    kind = env.name
    if time >= env.episode_length:
        return None
    if kind == "RepeatFirst":
        return 0
    if kind == "RepeatPrevious" and time + 1 >= env.k:
        return time + 1 - env.k
    if kind == "Autoencode" and time >= cards - 1:
        return 2 * cards - 2 - time
    return None


def _count_recall(axes, env, state):
    """Value and query, and the counts that have to be known."""
    names = {2: COLORS, 4: SUITS, 13: RANKS}[env.num_types]
    time = int(state.time)
    for i, (title, labels) in enumerate(
        (("value", state.values), ("query", state.queries))
    ):
        _card(axes, names[int(labels[time])], 0.27 + 0.46 * i, 0.68, 44)
        axes.text(0.27 + 0.46 * i, 0.9, title, fontsize=9, ha="center")
    for i, count in enumerate(np.asarray(state.counts)):
        x = (i + 0.5) / env.num_types
        _card(axes, names[i], x, 0.25, 13, FAINT)
        axes.text(x, 0.12, str(count), fontsize=11, ha="center", color=FAINT)


def _concentration(axes, env, state):
    """The table: matched cards dark, the last play framed, the rest faint."""
    names = {2: COLORS, 4: SUITS, 13: RANKS}[env.num_types]
    columns = 13
    rows = env.num_cards // columns
    flipped = np.asarray(state.flipped)
    for i, label in enumerate(np.asarray(state.cards)):
        x, y = (i % columns + 0.5) / columns, 1 - (i // columns + 0.5) / rows
        seen = bool(state.matched[i]) or i in flipped
        _card(axes, names[label], x, y, 11, None if seen else FAINT)
        if i in flipped:
            axes.plot(x, y, "s", ms=18, mfc="none", mec=INK)
    _unit(axes)


def _battleship(axes, env, state):
    """Ships grey, hits red crosses, misses open circles."""
    n = env.board_size
    board = np.asarray(state.board).reshape(n, n)
    asked = np.asarray(state.asked).reshape(n, n)
    axes.imshow(board, cmap="Greys", vmin=0, vmax=3)
    for mark, where in (("rx", board & asked), ("ko", ~board & asked)):
        rows, columns = np.nonzero(where)
        axes.plot(columns, rows, mark, mfc="none", ms=6)
    _lines(axes, n, n)


def _minesweeper(axes, env, state):
    """Counts of the cells opened so far; mines small, or all large if one was hit."""
    h, w = env.height, env.width
    mines = np.asarray(state.mines).reshape(h, w)
    opened = np.asarray(state.opened).reshape(h, w)
    padded = np.pad(mines.astype(int), 1)
    counts = sum(padded[i : i + h, j : j + w] for i in range(3) for j in range(3))
    axes.imshow(~opened, cmap="Greys", vmin=0, vmax=4)
    for (row, column), count in np.ndenumerate(counts):
        place = {"ha": "center", "va": "center"}
        if opened[row, column]:
            axes.text(column, row, str(count), **place)
        elif mines[row, column]:
            size = 40 if state.exploded else 16
            axes.text(column, row, "*", color=RED, fontsize=size, **place)
    _lines(axes, h, w)


def _bandit(axes, env, state, past):
    """The rates of the arms, and what was pulled."""
    axes.set_axis_on()
    draw_arms(axes, state.probs, past)


def _cartpole(axes, env, state):
    """Cart and pole within the track's limits."""
    x, _, theta, _ = np.asarray(state.physics)
    draw_cart(axes, x, theta, limit=2.4)


def _pendulum(axes, env, state):
    """The rod, upright at angle 0, and how fast it turns."""
    theta, theta_dot = np.asarray(state.physics)
    draw_rod(axes, theta, theta_dot)


def _card(axes, name, x, y, size, color=None):
    red = name in (SUITS[1], SUITS[3], "R")
    color = color or (RED if red else INK)
    axes.text(x, y, name, fontsize=size, color=color, ha="center", va="center")
    _unit(axes)


def _unit(axes):
    axes.set(xlim=(0, 1), ylim=(0, 1))


def _lines(axes, rows, columns):
    for edge in np.arange(rows + 1) - 0.5:
        axes.axhline(edge, color=FAINT, lw=0.5)
    for edge in np.arange(columns + 1) - 0.5:
        axes.axvline(edge, color=FAINT, lw=0.5)


_DRAWINGS = {
    "OneDeck": _deck,
    "CountRecall": _count_recall,
    "Concentration": _concentration,
    "Battleship": _battleship,
    "MineSweeper": _minesweeper,
    "MultiarmedBandit": _bandit,
    "PositionOnlyCartPole": _cartpole,
    "PositionOnlyPendulum": _pendulum,
}

"""Draws what a reset does: `python -m docs.images.reset` writes docs/images/reset.png.

Above, two episodes packed into one sequence and what memory holds of each input; below,
the tree of the associative scan over the same steps, with the flag that each span
carries. Memory is that of `s5rl.linear_recurrence`: the numbers drawn are computed.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np

import s5rl

matplotlib.use("Agg")
import matplotlib.pyplot as plt

OUT = Path(__file__).with_suffix(".png")
T, RESET, DECAY = 8, 5, 0.8
FIRST, SECOND, INK = "#3b6ea5", "#d9822b", "#333333"


def held() -> np.ndarray:
    """[T, T] how much of input s is in memory after step t, with the reset."""
    pulses = jnp.eye(T, dtype=jnp.float32)[:, None, :]  # [T, B = 1, P = T]: one each
    reset = jnp.zeros((T, 1), bool).at[RESET].set(True)
    carry = jnp.zeros((1, T), jnp.float32)
    decay = jnp.full((T,), DECAY, jnp.float32)
    _, h = s5rl.linear_recurrence(decay, pulses, reset, carry)
    return np.asarray(h[:, 0])


def spans(length: int = T) -> list[list[tuple[int, int]]]:
    """Rows of (first, last) that a balanced tree combines, from single steps up."""
    rows = [[(t, t) for t in range(length)]]
    while len(rows[-1]) > 1:
        below = rows[-1]
        pairs = zip(below[::2], below[1::2], strict=True)
        rows.append([(left[0], right[1]) for left, right in pairs])
    return rows


def draw_memory(ax: Any) -> None:
    """A stacked bar a step: what is held of each input, first episode or second."""
    amounts = held()
    for t in range(T):
        low = 0.0
        for s in range(T):
            colour = SECOND if s >= RESET else FIRST
            fade = 0.35 + 0.65 * (s % RESET + 1) / RESET
            ax.bar(t, amounts[t, s], 0.7, low, color=colour, alpha=fade, lw=0)
            low += amounts[t, s]
    ax.axvline(RESET - 0.5, color=INK, ls="--", lw=1)
    ax.text(RESET - 0.42, 3.3, f"reset[{RESET}]", color=INK, fontsize=9)
    ax.text((RESET - 1) / 2, 3.75, "one episode", color=FIRST, ha="center")
    ax.text((RESET + T - 1) / 2, 3.75, "the next", color=SECOND, ha="center")
    ax.set(ylim=(0, 4.1), xlim=(-0.6, T - 0.4), xticks=range(T), yticks=[])
    ax.set_xlabel("step t", fontsize=9)
    ax.set_title("What memory holds, a shade for each input", fontsize=10, loc="left")


def draw_tree(ax: Any) -> None:
    """The spans that are combined, their flags, and what is dropped on the way."""
    rows = spans()
    for height, row in enumerate(rows):
        for first, last in row:
            flag = first <= RESET <= last
            x = (first + last) / 2
            if height:
                middle = (first + last + 1) // 2
                right_flag = middle <= RESET <= last
                for a, b, dropped in (
                    (first, middle - 1, right_flag),
                    (middle, last, False),
                ):
                    ax.plot(
                        [(a + b) / 2, x],
                        [height - 1, height],
                        color="#c0392b" if dropped else "#999999",
                        ls=":" if dropped else "-",
                        lw=1.4,
                        zorder=0,
                    )
            colour = SECOND if flag else FIRST
            ax.scatter(x, height, s=330, color=colour if flag else "white", zorder=1,
                       edgecolors=colour, lw=1.4)  # fmt: skip
            text = f"{first}" if first == last else f"{first}-{last}"
            ax.text(x, height, text, ha="center", va="center", fontsize=7,
                    color="white" if flag else INK)  # fmt: skip
    ax.set(ylim=(-0.5, len(rows) - 0.3), xlim=(-0.6, T - 0.4), yticks=[])
    ax.set_xticks(range(T))
    ax.set_xlabel("step t", fontsize=9)
    ax.set_title(
        "How it is computed: spans side by side, log2 T rows. Filled: has the reset.\n"
        "Dotted: what lies to the left of a reset is deselected, not multiplied by 0.",
        fontsize=10,
        loc="left",
    )


def main(out: Path = OUT) -> None:
    """Writes the picture."""
    figure, axes = plt.subplots(2, 1, figsize=(7, 5.4), height_ratios=[1, 1.2])
    draw_memory(axes[0])
    draw_tree(axes[1])
    for ax in axes:
        for side in ("top", "right", "left"):
            ax.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(out, dpi=130, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    jax.config.update("jax_platforms", "cpu")
    main()

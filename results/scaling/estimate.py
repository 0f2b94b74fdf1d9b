"""What several cards should give: `python -m results.scaling.estimate`.

An estimate, and no measurement of several: an update's time that was measured on one
H200, plus the time that its messages take by the formula below. Prints the tables of
docs/scaling.md.

    messages = gradient steps
               x (3 x 2 log2(n) latency + 2 (n - 1) / n x bytes / bandwidth)

the cost of an all-reduce over n cards by a tree that halves and doubles (Thakur et al.,
2005, §4.4), three to a gradient step: its gradient, and two of a few bytes. Up to eight
cards share a host and NVLink; above that, links between hosts decide. Lanes per card
stay what they were measured with, so n cards have n times the lanes; learners over
cards send nothing.
"""

import math
from dataclasses import dataclass

# (latency in seconds, bytes a second each way) of a card.
NVLINK = (5e-6, 450e9)  # 18 links of 25 GB/s each way
NETWORK = (15e-6, 50e9)  # 400 Gb/s for each card
MESSAGES = 3  # a gradient step, as `benchmarks.collectives` counts them
CARDS = (1, 2, 4, 8, 16, 64, 256)
PER_HOST = 8


@dataclass(frozen=True)
class Measured:
    """An update on one H200 (jax 0.11.2, float32)."""

    name: str
    seconds: float  # of an update
    steps: int  # of environments, in it
    gradient_steps: int  # each sends the gradient once
    parameters: int


RUNS = (
    # The paper's setting: 64 lanes, 1,024 steps, 30 epochs of 8 minibatches. GRU is
    # ours, S5 popjaxrl's, ported to that jax: our S5 has not been measured on a card.
    Measured("GRU 256, the paper's setting", 13.50, 65_536, 240, 493_955),
    Measured("S5 4 x 256, the paper's setting", 0.736, 65_536, 240, 891_779),
    # 50 M steps in 60 s: 1,024 lanes, 256 steps, 4 epochs of 32 minibatches.
    Measured("S5 of meta_cartpole", 0.315, 262_144, 128, 42_755),
)


def all_reduce(cards: int, size: int) -> float:
    """Seconds of a gradient step's, of so many bytes."""
    if cards == 1:
        return 0.0
    latency, bandwidth = NVLINK if cards <= PER_HOST else NETWORK
    turns, share = 2 * math.log2(cards), 2 * (cards - 1) / cards
    return MESSAGES * turns * latency + share * size / bandwidth


def row(run: Measured, cards: int) -> tuple[float, float, float]:
    """`(seconds of messages, steps a second, efficiency)` with lanes over cards."""
    messages = run.gradient_steps * all_reduce(cards, 4 * run.parameters)
    whole = run.seconds + messages
    return messages, cards * run.steps / whole, run.seconds / whole


def main() -> None:
    """Prints a table for each run."""
    for run in RUNS:
        print(f"\n{run.name}: {run.seconds} s an update, {4 * run.parameters:,} bytes")
        print("\n| cards | messages, s | lanes: steps / s | of ideal | learners |")
        print("|---|---|---|---|---|")
        for cards in CARDS:
            messages, speed, share = row(run, cards)
            alone = cards * run.steps / run.seconds
            print(
                f"| {cards} | {messages:.4f} | {speed:,.0f} | {share:.1%} | "
                f"{alone:,.0f} |"
            )


if __name__ == "__main__":
    main()

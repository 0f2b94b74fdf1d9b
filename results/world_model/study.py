"""How far memories imagine a game: `python -m results.world_model.study`.

The example `examples/world_model.py`, with three learners of each core: how often what
is paid is imagined wrongly, by steps since the last card was seen. Goes on where it
stopped; writes errors.csv, a row for each learner and step, and draws errors.png.
"""

from pathlib import Path

import jax
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import s5rl
from examples.world_model import imagined_errors, train
from experiment.report.statistics import mean_interval
from results import common

HERE = Path(__file__).parent
CORES, SEEDS = ("s5", "gru"), 3
CARDS, STEPS, FEATURES, GAMES = 16, 3_000, 64, 2_048
FIELDS = ("core", "learner", "step", "error")
COLOURS = {"s5": "#0072B2", "gru": "#D55E00"}


def rows() -> list[dict[str, str]]:
    """What is known already."""
    return common.read(HERE / "errors.csv")


def measured(name: str, learner: int) -> list[dict[str, object]]:
    """One learner, trained and made to imagine."""
    core = s5rl.make_core(name, features=FEATURES)
    train_key, play_key = jax.random.split(jax.random.key(learner))
    variables, _ = train(core, CARDS, STEPS, train_key)
    found = jax.jit(
        lambda variables: imagined_errors(core, variables, CARDS, play_key, GAMES)
    )(variables)
    return [
        {"core": name, "learner": learner, "step": step + 1, "error": f"{error:.4f}"}
        for step, error in enumerate(np.asarray(found))
    ]


def draw(path: Path) -> None:
    """Mean and 95 % interval over learners, within what is possible; chance is half."""
    figure, axes = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
    for name in CORES:
        own = [row for row in rows() if row["core"] == name]
        steps = sorted({int(row["step"]) for row in own})
        found = [
            mean_interval([float(r["error"]) for r in own if int(r["step"]) == step])
            for step in steps
        ]
        mean, low, high = np.clip(np.array(found).T, 0, 1)
        axes.plot(steps, mean, "o-", ms=4, color=COLOURS[name], label=name)
        axes.fill_between(steps, low, high, color=COLOURS[name], alpha=0.15, lw=0)
    axes.axhline(0.5, color="#888888", ls=":", lw=1.2, label="no memory")
    axes.set(xlabel="steps imagined", ylabel="wrong about what is paid", ylim=(0, 0.6))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """Measures what is not there yet."""
    path = HERE / "errors.csv"
    known = {(row["core"], row["learner"]) for row in rows()}
    for learner in range(SEEDS):
        for name in CORES:
            if (name, str(learner)) in known:
                continue
            found = measured(name, learner)
            common.append(path, FIELDS, found)
            print(name, learner, *(row["error"] for row in found), flush=True)
    draw(HERE / "errors.png")


if __name__ == "__main__":
    main()

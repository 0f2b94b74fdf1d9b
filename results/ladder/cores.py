"""Which memory finds a lens out, how deep: `python -m results.ladder.cores [name ...]`.

One learner each imitates the expert of a bare body behind permutations, in as many
steps and with the same settings but for its core (of `s5_foresight`: but for what
memory is asked besides), and is evaluated on others. What came out is a line of
results/ladder/cores.csv. What is there is not done again, and what was begun goes on.
Then puts the table into docs/in_context.md.
"""

import json
import sys

from results import common
from results.documents import put, table
from results.ladder import climb

DOCUMENT = climb.DOCUMENT
OUT = climb.HERE / "cores.csv"
ENV, STEPS = "ladder/permutation_one", 2_000_000
# Each as its file has it, but for its width. S5 has the options of the ladder.
CORES = {
    "s5": climb.S5,
    "s5_four_layers": (*climb.S5, "core.num_layers=4"),
    "s5_ten_layers": (*climb.S5, "core.num_layers=10"),
    "s5_foresight": (*climb.S5, "agent.foresight_weight=1"),
    "gru": ("core=gru",),
    "gated_deltanet": ("core=gated_deltanet",),
    "window_attention": ("core=window_attention",),
    "hybrid": ("core=hybrid", "core.pattern=[s5,window_attention]"),
}
FIGURES = ("zero_shot", "adapted", "cleared_loss")
ENDS = ("", "_low", "_high")  # over tasks, for there is one learner


def recipe(name: str) -> climb.Recipe:
    """How a core is trained."""
    return climb.Recipe(ENV, STEPS, (*CORES[name], "num_seeds=1"))


def row(name: str) -> dict[str, str]:
    """What a core comes to, trained and evaluated unless it was."""
    folder = climb.RUNS / f"core_{name}"
    climb.taught(recipe(name))
    common.trained(folder, recipe(name).arguments())
    common.transferred(folder, f"tasks={climb.TASKS}", "expert_steps=0")
    done = sorted(folder.glob("evaluations/transfer-*/result.json"))
    result = json.loads(done[-1].read_text())
    training = json.loads((folder / "summary.json").read_text())
    told = result["splits"]["held_out"]
    found = {
        "core": name,
        "options": " ".join(CORES[name]),
        "parameters": str(result["num_parameters"]),
        "env_steps": str(training["env_steps"]),
        "training_return": f"{training['final_return']:.1f}",
    }
    loss = told["controls"]["cleared"]["loss_over_tasks"]
    for figure, interval in zip(
        FIGURES, (told["zero_shot"], told["adapted"], loss), strict=True
    ):
        for end, value in zip(ENDS, interval, strict=True):
            found[figure + end] = f"{value:.1f}"
    return found


def lines() -> list[list[str]]:
    """Of the table, the best first."""
    known = sorted(common.read(OUT), key=lambda one: -float(one["adapted"]))
    return [
        [
            f"`{one['core']}`",
            f"{int(one['parameters']):,}",
            f"{float(one['training_return']):.0f}",
            *(
                climb.shown([float(one[figure + end]) for end in ENDS])
                for figure in FIGURES
            ),
        ]
        for one in known
    ]


HEADS = (
    *("core", "parameters", "training, both trials", "held out, first trial"),
    *("second trial", "loss if cleared between"),
)
TABLES = {"cores": lambda: table(HEADS, lines())}


def main() -> None:
    """Of the cores that are named, or of all."""
    for name in sys.argv[1:] or CORES:
        if name not in CORES:
            raise SystemExit(f"core must be one of {', '.join(CORES)}; got {name}.")
        if name not in {one["core"] for one in common.read(OUT)}:
            new = row(name)
            common.append(OUT, list(new), [new])
        put(DOCUMENT, "cores", TABLES["cores"]())


if __name__ == "__main__":
    main()

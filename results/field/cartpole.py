"""S5 and GRU on meta_cartpole, searched equally deep: python -m results.field.cartpole.

Eight settings of each core, one learner each, in one program (two learning rates, two
discounts, two entropy bonuses); then eight fresh learners of each core's best. Both
have about as many parameters (configs/env_core). Runs lie under runs/field/; what is
there is not trained again, and what was begun goes on. Writes search.csv, a row a
setting, and fresh.csv, a row a learner, and puts both into docs/in_context.md.
"""

import json
from pathlib import Path

from experiment.report.statistics import difference_interval, mean_interval
from results import common
from results.documents import put, table

HERE = Path(__file__).parent
DOCUMENT = common.ROOT / "docs" / "in_context.md"
CORES = ("s5", "gru")
STEPS = 4_000_000
FRESH, SEED = 8, 100  # learners, and a seed that no setting was chosen by
SWEPT = {
    "agent.learning_rate": (1e-3, 2e-3),
    "agent.discount": (0.97, 0.99),
    "agent.entropy_coefficient": (0.01, 0.03),
}
BASE = ("env=meta_cartpole", f"total_steps={STEPS}", "log_every=5")


def summary(name: str, told: list[str]) -> dict:
    """What came out of a run, trained if it is not there."""
    folder = common.ROOT / "runs" / "field" / name
    common.trained(folder, (*BASE, *told))
    return json.loads((folder / "summary.json").read_text())


def searched(core: str) -> list[dict]:
    """Settings with their return, the best first."""
    swept = [f"sweep.{key}=[{','.join(map(str, of))}]" for key, of in SWEPT.items()]
    found = summary(f"{core}-search", [f"core={core}", *swept])["settings"]
    rows = [
        {
            "core": core,
            **{key: one[key] for key in SWEPT},
            "return": one["final_return"],
        }
        for one in found
    ]
    return sorted(rows, key=lambda row: -row["return"])


def fresh(core: str, best: dict) -> list[float]:
    """Returns of fresh learners of a setting."""
    told = [f"{key}={best[key]}" for key in SWEPT]
    told = [f"core={core}", *told, f"seed={SEED}", f"num_seeds={FRESH}"]
    return summary(f"{core}-fresh", told)["final_return_per_seed"]


def search_table() -> str:
    """Returns of every setting, a column a core."""
    rows = common.read(HERE / "search.csv")
    found = {(row["core"], *(row[key] for key in SWEPT)): row["return"] for row in rows}
    settings = sorted({tuple(setting) for _, *setting in found})
    lines = [
        [*setting, *(f"{float(found[core, *setting]):.2f}" for core in CORES)]
        for setting in settings
    ]
    return table([*(f"`{key}`" for key in SWEPT), *CORES], lines)


def fresh_table() -> str:
    """Fresh learners of each core's best setting, and their difference."""
    returns = {core: [] for core in CORES}
    for row in common.read(HERE / "fresh.csv"):
        returns[row["core"]].append(float(row["return"]))
    lines = []
    for core, values in returns.items():
        mean, low, high = mean_interval(values)
        spread = f"{min(values):.2f} to {max(values):.2f}"
        lines.append([f"`{core}`", f"{mean:.2f} [{low:.2f}, {high:.2f}]", spread])
    mean, low, high = difference_interval(*(returns[core] for core in CORES))
    lines.append([" less ".join(CORES), f"{mean:.2f} [{low:.2f}, {high:.2f}]", ""])
    return table(["core", f"mean of {FRESH} fresh learners", "learners"], lines)


TABLES = {"search": search_table, "fresh": fresh_table}


def main() -> None:
    """Searches, trains fresh learners, and compares."""
    search = {core: searched(core) for core in CORES}
    common.write(HERE / "search.csv", [row for rows in search.values() for row in rows])
    returns = {core: fresh(core, rows[0]) for core, rows in search.items()}
    common.write(
        HERE / "fresh.csv",
        [
            {"core": core, "learner": learner, "return": value}
            for core, values in returns.items()
            for learner, value in enumerate(values)
        ],
    )
    for name, made in TABLES.items():
        put(DOCUMENT, name, made())


if __name__ == "__main__":
    main()

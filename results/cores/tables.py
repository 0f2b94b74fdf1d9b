"""The tables of docs/cores.md and their pictures: `python -m results.cores.tables`.

Made from the CSV files beside it and put between their marks there: each mean with its
95 % interval over learners (Student's t, cut where no return can be). Draws
memory_chain.png and speed.png.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiment.report.statistics import mean_interval
from results import common
from results.cores.study import GAMES, HERE, STUDIES, best_settings, rows_of
from results.documents import has, put, table

DOCUMENT = HERE.parents[1] / "docs" / "cores.md"
Rows = list[dict[str, str]]
CHAINS = ("memory_chain_64", "memory_chain_256", "memory_chain_1024")
# The best mean return of any epoch within 15 million steps (MMER): POPGym's GRU and its
# best of 13 models, read off AMAGO's figures (Grigsby et al., 2024), and AMAGO.
PUBLISHED = {
    "repeat_previous_medium": (-0.315, 0.788, 0.994),
    "autoencode_easy": (-0.284, -0.284, 0.995),
    "count_recall_easy": (0.178, 0.509, 0.918),
    "noisy_position_only_cartpole_medium": (0.644, 0.661, 0.608),
}


def estimate(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and interval of returns, of which none is beyond 1."""
    mean, low, high = mean_interval(values)
    return mean, max(low, -1.0), min(high, 1.0)


def cell(values: Sequence[float]) -> str:
    """Mean and interval of a cell, or nothing."""
    if not values:
        return ""
    mean, low, high = estimate(values)
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]".replace("-0.00", "0.00")


def of(rows: Rows, column: str, **where: str) -> list[float]:
    """A column's numbers, of the rows that have these values."""
    return [
        float(row[column])
        for row in rows
        if all(row[key] == value for key, value in where.items())
    ]


def read(name: str) -> Rows:
    """A CSV file beside this one; none, if it is not there yet."""
    return common.read(HERE / f"{name}.csv")


def by_longest(best: Mapping[str, Mapping[str, tuple[str, float]]]) -> list[str]:
    """Cores, the best first, by the longest memory that they were trained for.

    Args:
      best: setting and mean of each core, by study of memory_chain.
    """

    def rank(core: str) -> list[float]:
        names = [name for name in CHAINS[::-1] if name in best]
        return [-best[name].get(core, ("", -9.0))[1] for name in names]

    return sorted(best[CHAINS[0]], key=rank)


def chain_table() -> str:
    """Final returns by core and length, each at its better setting."""
    studies = {name: rows_of(name) for name in CHAINS}
    best = {name: best_settings(rows) for name, rows in studies.items()}
    lines = []
    for core in by_longest(best):
        setting = best[CHAINS[0]][core][0]
        own = [row for row in studies[CHAINS[0]] if row["core"] == core]
        cells = []
        for name in CHAINS:
            chosen = best[name].get(core, ("",))[0]
            found = of(studies[name], "final_return", core=core, setting=chosen)
            cells.append(cell(found))
        width, parameters = own[0]["features"], int(own[0]["parameters"])
        lines.append([f"`{core}`", width, f"{parameters:,}", setting, *cells])
    lengths = [name.rpartition("_")[2] for name in CHAINS]
    return table(["`core=`", "width", "parameters", "setting", *lengths], lines)


def horizon_table() -> str:
    """Exact returns of learners trained on corridors up to 100."""
    rows = read("t_maze_horizon")
    lengths = list(dict.fromkeys(row["length"] for row in rows))
    lines = [
        [
            f"`{core}`",
            *(cell(of(rows, "return", core=core, length=length)) for length in lengths),
        ]
        for core in dict.fromkeys(row["core"] for row in rows)
    ]
    return table(["`core=`", *(f"{int(length):,}" for length in lengths)], lines)


def games_table() -> str:
    """Four games of POPGym, beside published figures."""
    studies = {game: rows_of(game) for game in GAMES}
    cores = STUDIES[next(iter(GAMES))].cores or ()
    lines = [
        [
            f"`{core}`",
            *(cell(of(rows, "final_return", core=core)) for rows in studies.values()),
        ]
        for core in cores
    ]
    for index, name in enumerate(("GRU, POPGym", "best of 13, POPGym", "AMAGO")):
        lines.append([name, *(f"{PUBLISHED[game][index]:.2f}" for game in GAMES)])
    return table(["", *(f"`{game}`" for game in GAMES)], lines)


def speed_table() -> str:
    """Times S5's steps a second, acting and learning."""
    rows = read("speed")
    lengths = list(dict.fromkeys(row["T"] for row in rows))
    lines = [
        [
            f"`{core}`",
            *(
                f"{x:.2g}"
                for t in lengths
                for x in of(rows, "times_s5", core=core, T=t)
            ),
        ]
        for core in dict.fromkeys(row["core"] for row in rows)
    ]
    heads = ["acting" if t == "1" else f"learning, T = {int(t):,}" for t in lengths]
    return table(["`core=`", *heads], lines)


TABLES = {
    "chain": chain_table,
    "horizon": horizon_table,
    "games": games_table,
    "speed": speed_table,
}


def draw(folder: Path) -> None:
    """Draws both pictures into a folder."""
    from results.cores import pictures

    if rows_of(CHAINS[0]):
        pictures.memory_chain(folder / "memory_chain.png")
    if read("speed"):
        pictures.speed(folder / "speed.png")


if __name__ == "__main__":
    for name, make in TABLES.items():
        if has(DOCUMENT.read_text(), name):
            put(DOCUMENT, name, make())
    draw(HERE)

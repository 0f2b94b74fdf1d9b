"""What a reader must know of a search: where its rows had not the same chances."""

from collections.abc import Callable, Iterable, Sequence

from experiment.compare.fairness import FAIR_PARAMETERS
from experiment.compare.field import Cell, Field


def unequal(found: Field) -> list[str]:
    """What makes searches unequal, or their numbers too good: a sentence for each."""
    said = []
    for env, name in found.envs.items():
        cells = [found.cells.get((row, env)) for row in found.rows]
        there = [cell for cell in cells if cell is not None]
        if absent := [r for r, c in zip(found.rows, cells, strict=True) if c is None]:
            said.append(f"{', '.join(absent)}: no run on {name}.")
        for what, count in _COUNTED.items():
            counts = {cell.row: count(cell) for cell in there}
            if len({*counts.values()}) > 1:
                listed = ", ".join(f"{row}: {_listed(n)}" for row, n in counts.items())
                said.append(f"{name}, {what} ({listed}): {_WHY[what]}.")
        sizes = {c.row: c.best.runs[0].num_parameters for c in there if c.best}
        if sizes and max(sizes.values()) > FAIR_PARAMETERS * min(sizes.values()):
            listed = ", ".join(f"{row}: {size:,}" for row, size in sizes.items())
            said.append(
                f"{name}, parameters of the best ({listed}): up to 20% apart would be "
                "a fair comparison."
            )
        for cell in there:
            gone = sum(one.mean is None for one in cell.settings)
            if gone:
                said.append(
                    f"{cell.row} on {name}: {gone} of {len(cell.settings)} settings "
                    "have a learner without a final return (diverged, or no episode "
                    "ended); they count as tried and are not chosen."
                )
            if found.is_fresh and cell.told is None:
                said.append(f"{cell.row} on {name}: no fresh run of its best setting.")
    if not found.is_fresh and any(len(c.settings) > 1 for c in found.cells.values()):
        said.append(
            "a best setting is chosen and told on the same learners, which flatters "
            "it, the more the more settings were tried."
        )
    return said


# What searches must have alike to be compared; numbers that a cell's settings have.
_COUNTED: dict[str, Callable[[Cell], tuple[int, ...]]] = {
    "settings": lambda cell: (len(cell.settings),),
    "learners of a setting": lambda cell: _several(
        len(s.returns) for s in cell.settings
    ),
    "environment steps": lambda cell: _several(
        run.env_steps for one in cell.settings for run in one.runs
    ),
}
_WHY = {
    "settings": "not searches of equal depth",
    "learners of a setting": "the fewer, the more luck chooses",
    "environment steps": "not equal budgets",
}


def _several(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted({*numbers}))


def _listed(numbers: Sequence[int]) -> str:
    return " or ".join(f"{number:,}" for number in numbers)

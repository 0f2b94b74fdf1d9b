"""What JaxARC's environments can be told by name, and what of it cannot work."""

from typing import Any

from envs.config import SuiteConfig
from envs.suites import jaxarc_tasks, options

OPERATIONS = 35
LIMIT = 100  # steps, of every environment in the suite's registry
MOST_ACTIONS = 100_000
SELECTIONS = ("point", "box")
REWARDS = {
    "step_penalty": -0.005,
    "success_bonus": 10.0,
    "similarity_weight": 1.0,
    "unsolved_submission_penalty": -1.0,
}
SHOWN = {
    "show_clipboard": False,
    "show_input": True,
    "show_target": False,
    "show_demonstrations": 3,
}


def choose(config: SuiteConfig, dataset: Any) -> tuple[dict[str, Any], tuple[int, int]]:
    """All that is told, by name; and height and width of the arrays that grids are in.

    Args:
      config: what is asked for.
      dataset: the package's DatasetConfig.

    Raises:
      ValueError: for a parameter that is not known or cannot work.
    """
    has_splits = config.id.startswith("AGI")
    chosen = options.choose(
        config,
        {
            "max_steps_in_episode": LIMIT,
            **jaxarc_tasks.DEFAULTS,
            **({"split": "training"} if has_splits else {}),
            "grid_size": None,
            "selection": "point",
            "operations": tuple(range(OPERATIONS)),
            "start_from_input": False,
            **SHOWN,
            **REWARDS,
        },
    )
    size = _size(config, chosen["grid_size"], dataset)
    _check(config, chosen)
    _check_actions(config, chosen, size[0] * size[1])
    return chosen, size


def _size(config: SuiteConfig, asked: Any, dataset: Any) -> tuple[int, int]:
    suites = dataset.max_grid_height, dataset.max_grid_width
    if asked is None:
        return suites
    if type(asked) is not int or not 1 <= asked <= min(suites):
        raise ValueError(
            f"{config.name}: grid_size must be an integer from 1 to {min(suites)}; got "
            f"{asked!r}."
        )
    return asked, asked


def _check(config: SuiteConfig, chosen: dict[str, Any]) -> None:
    for name, known in (("pairs", jaxarc_tasks.PAIRS), ("selection", SELECTIONS)):
        options.one_of(config, name, chosen[name], known)
    if "split" in chosen:
        options.one_of(config, "split", chosen["split"], jaxarc_tasks.SPLITS)
    if chosen["show_demonstrations"] < 0:
        raise ValueError(
            f"{config.name}: show_demonstrations cannot be negative; got "
            f"{chosen['show_demonstrations']}."
        )


def _check_actions(config: SuiteConfig, chosen: dict[str, Any], cells: int) -> None:
    operations = chosen["operations"]
    whole = all(type(op) is int and 0 <= op < OPERATIONS for op in operations)
    if not operations or not whole or len(set(operations)) < len(operations):
        raise ValueError(
            f"{config.name}: operations must be different integers from 0 to "
            f"{OPERATIONS - 1}; got {list(operations)}."
        )
    places = cells if chosen["selection"] == "point" else cells**2
    if len(operations) * places > MOST_ACTIONS:
        raise ValueError(
            f"{config.name}: {len(operations)} operations on {places} selections are "
            f"more than {MOST_ACTIONS} actions; take selection=point, a smaller "
            "grid_size or fewer operations."
        )

"""A benchmark of XLand-MiniGrid made here, since the suite's own are downloads.

40 rulesets: hold or be near an object of one kind and colour; half of them hide it
behind a rule (come near another object and it turns into the one that is asked for).
Four are there twice.
"""

import jax.numpy as jnp
import numpy as np

REPEATED = 4


def write(path):
    """Writes the benchmark where `path` says, in the suite's format."""
    from xminigrid import benchmarks

    benchmarks.save_bz2_pickle(encoded(), str(path))
    return path


def encoded():
    """The four arrays of a benchmark, [44, ...], uint8 as the suite's encodings."""
    from xminigrid.core.constants import TILES_REGISTRY, Colors, Tiles
    from xminigrid.core.goals import AgentHoldGoal, AgentNearGoal
    from xminigrid.core.rules import AgentNearRule, EmptyRule

    nothing = TILES_REGISTRY[Tiles.EMPTY, Colors.EMPTY]
    goals, rules, tiles = [], [], []
    for shape in (Tiles.BALL, Tiles.STAR, Tiles.HEX, Tiles.KEY):
        for colour in (
            Colors.RED,
            Colors.BLUE,
            Colors.PINK,
            Colors.BROWN,
            Colors.GREEN,
        ):
            wanted = TILES_REGISTRY[shape, colour]
            other = TILES_REGISTRY[Tiles.PYRAMID, colour]
            goals += [AgentNearGoal(wanted).encode(), AgentHoldGoal(wanted).encode()]
            rules += [
                jnp.stack([EmptyRule().encode()] * 2),
                jnp.stack(
                    [AgentNearRule(other, wanted).encode(), EmptyRule().encode()]
                ),
            ]
            tiles += [jnp.stack([wanted, nothing]), jnp.stack([other, nothing])]
    whole = {
        "goals": np.stack(goals),
        "rules": np.stack(rules),
        "init_tiles": np.stack(tiles),
        "num_rules": np.tile(np.array([0, 1], np.uint8), len(goals) // 2),
    }
    return {
        name: jnp.asarray(np.concatenate([x, x[:REPEATED]]))
        for name, x in whole.items()
    }


def as_set(goals, rules):
    """Rulesets [N, ...] as a set; the objects follow from goal and rules."""
    rows = zip(np.asarray(goals), np.asarray(rules), strict=True)
    return {(goal.tobytes(), rule.tobytes()) for goal, rule in rows}

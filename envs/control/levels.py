"""Chance and best of the bodies, with parameters of one's own. Free of JAX."""

from envs.config import ControlConfig
from envs.control.table import STEPS, TABLE
from envs.scale import Levels, changed


def levels(config: ControlConfig) -> Levels:
    """At most 1 a step, whatever the body; chance is that of the bodies as they are."""
    entry = TABLE[config.id]
    clock = {"max_steps_in_episode": STEPS}
    other = changed(config.params, entry.arguments | clock)
    steps = other.get("max_steps_in_episode", STEPS)
    arguments = clock | entry.arguments | other
    for like in TABLE.values():
        if like.path == entry.path and clock | like.arguments == arguments:
            return Levels(like.chance, float(steps))
    # Rewards are not negative: what pays nothing in 1,000 steps pays nothing in fewer.
    never = entry.chance == 0 and other.keys() == clock.keys() and steps < STEPS
    return Levels(0.0 if never else None, float(steps))

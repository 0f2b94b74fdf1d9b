"""Environments in the gymnax 1.x contract, by name.

    env, params = envs.make("memory_chain", memory_length=256)
    obs, state = env.reset(key, params)
    obs, state, reward, terminated, truncated, info = env.step(
        key, state, action, params
    )

`step` resets by itself when an episode ends; `info["final_observation"]` is what the
action really led to. `envs.check(env, params)` says whether an environment of your own
keeps to this. Importing this package imports neither JAX nor gymnax; `make` does.
`envs.to_gymnasium(name)` gives any of them to Gymnasium's users.
"""

from envs.meta.tasks import ALL_SPLITS as SPLITS
from envs.registry import (
    bodies,
    check,
    check_config,
    expert,
    levels,
    make,
    references,
    to_gymnasium,
)
from envs.table import EnvSpec, names, spec

__all__ = [
    "SPLITS",
    "EnvSpec",
    "bodies",
    "check",
    "check_config",
    "expert",
    "levels",
    "make",
    "names",
    "references",
    "spec",
    "to_gymnasium",
]

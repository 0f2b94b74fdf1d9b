"""What the tables know of `parity` before it is built. Free of JAX."""

from dataclasses import dataclass

from envs.experts import Expert
from envs.scale import Levels
from envs.table import EnvSpec


@dataclass(frozen=True)
class ParityConfig:  # in envs/config.py
    """See `envs.parity`."""

    length: int = 8  # bits of an episode

    def __post_init__(self):
        if self.length < 1:
            raise ValueError(f"length must be positive; got {self.length}.")


def parity_levels(config: ParityConfig) -> Levels:  # beside it
    """A fair coin that no play without memory knows."""
    return Levels(chance=0.0, best=1.0)


SPEC = EnvSpec(  # the row: `"parity": EnvSpec(...)` in envs/table.py
    name="parity",
    measures="the parity of all bits shown so far",
    factory="examples.adding.environment:make",  # there "envs.parity:make"
    config=ParityConfig,
    levels="examples.adding.environment_row:parity_levels",
)
EXPERT = Expert("the parity, in the step that pays", "counts")  # in envs/experts.py

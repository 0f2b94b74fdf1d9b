"""What can be chosen about each environment. Free of JAX, and checked when made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from envs import fields, values
from envs.scale import Levels
from envs.suites.table import check_installed


@dataclass(frozen=True)
class MemoryChainConfig:
    """See `envs.memory_chain`."""

    memory_length: int = 100  # steps between the context and the question
    num_bits: int = 1  # bits of context, of which one is asked for
    max_steps_in_episode: int | None = None  # null: as many as the memory length needs

    def __post_init__(self):
        for name in ("memory_length", "num_bits"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive; got {getattr(self, name)}.")
        values.check_number("memory_length + 1", self.memory_length + 1)
        values.check_size("num_bits", self.num_bits)
        if self.step_limit < self.memory_length + 1:
            raise ValueError(
                f"memory_length ({self.memory_length}) does not fit in "
                f"max_steps_in_episode ({self.step_limit}): the reward comes at step "
                f"{self.memory_length + 1}, after the episode would have been cut."
            )

    @property
    def step_limit(self) -> int:
        """Steps after which an episode is cut."""
        if self.max_steps_in_episode is not None:
            return self.max_steps_in_episode
        return self.memory_length + 1


def memory_chain_levels(config: MemoryChainConfig) -> Levels:
    """The one reward, +1 or -1, is always within the limit."""
    return Levels(chance=0.0, best=1.0)


@dataclass(frozen=True)
class TMazeConfig:
    """See `envs.t_maze`."""

    active: bool = False  # the agent walks, and fetches the cue
    length_min: int = 1  # of the corridor, drawn for each episode
    # Twice the longest way must fit in int32.
    length_max: int = field(default=100, metadata={"most": 2**30 - 4})
    length_law: str = fields.choice("uniform", "log_uniform")
    max_steps_in_episode: int | None = None  # null: as said in `step_limit`

    def __post_init__(self):
        fields.check_choices(self)
        if self.length_min < 1:
            raise ValueError(f"length_min must be positive; got {self.length_min}.")
        if self.length_max < self.length_min:
            raise ValueError(
                f"length_max ({self.length_max}) must be at least length_min "
                f"({self.length_min})."
            )
        if self.step_limit < self.longest_way:
            raise ValueError(
                f"length_max ({self.length_max}) does not fit in "
                f"max_steps_in_episode ({self.step_limit}): the turn would be step "
                f"{self.longest_way}, after the episode would have been cut."
            )

    @property
    def longest_way(self) -> int:
        """Steps of the best play in the longest corridor, the turn included."""
        return self.length_max + (3 if self.active else 1)

    @property
    def step_limit(self) -> int:
        """Steps after which an episode is cut; room for as many errors, if active."""
        if self.max_steps_in_episode is not None:
            return self.max_steps_in_episode
        return 2 * self.longest_way if self.active else self.longest_way


def t_maze_levels(config: TMazeConfig) -> Levels:
    """+1 or -1 by a fair coin that no random walk knows; the limit lets the best in."""
    return Levels(chance=0.0, best=1.0)


@dataclass(frozen=True)
class OpenConfig:
    """An environment whose own code knows its parameters and checks them."""

    name: str  # "<id>" or "<suite>/<id>"
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def suite(self) -> str:
        """What stands before the slash."""
        return self.name.rpartition("/")[0]

    @property
    def id(self) -> str:
        """The environment's name in its suite."""
        return self.name.rpartition("/")[2]


class GymnaxConfig(OpenConfig):
    """See `envs.gymnax_suite`."""


@dataclass(frozen=True)
class GymnasiumConfig(OpenConfig):
    """See `envs.outside.theirs`."""

    def __post_init__(self):
        if ":" in self.id or not self.id:
            raise ValueError(
                f"{self.name} must be gymnasium/<id>, as gymnasium/CartPole-v1; no "
                "module is imported by name (env=custom with an entry_point does that)."
            )

    @property
    def id(self) -> str:
        """As Gymnasium has it; it may hold a slash."""
        return self.name.partition("/")[2]


class PopgymConfig(OpenConfig):
    """See `envs.popgym`."""


class ControlConfig(OpenConfig):
    """See `envs.control`."""


@dataclass(frozen=True)
class SuiteConfig(OpenConfig):
    """See `envs.suites`."""

    def __post_init__(self):
        check_installed(self.suite)


@dataclass(frozen=True)
class CustomConfig(OpenConfig):
    """See `envs.custom`."""

    def __post_init__(self):
        entry_point = self.params.get("entry_point")
        module, _, attribute = str(entry_point).partition(":")
        if not isinstance(entry_point, str) or not module or not attribute:
            raise ValueError(
                "entry_point must be module:name, where name is an environment's class "
                "or a function that returns (env, params), as in "
                f"entry_point=my_module:MyEnv; got {entry_point!r}."
            )

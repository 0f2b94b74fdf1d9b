"""What can be chosen about each environment. Free of JAX, and checked when made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from envs import values
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
        values.check_number("num_bits + 2", self.num_bits + 2)  # an observation's size
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

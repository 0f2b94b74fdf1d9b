"""What can be chosen about each environment. Free of JAX, and checked when made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class MemoryChainConfig:
    """See `envs.memory_chain`."""

    memory_length: int = 100  # steps between the context and the question
    num_bits: int = 1  # bits of context, of which one is asked for
    max_steps_in_episode: int | None = None  # None: as many as the memory length needs

    def __post_init__(self):
        for name in ("memory_length", "num_bits"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive; got {getattr(self, name)}.")
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


@dataclass(frozen=True)
class OpenConfig:
    """An environment whose own code knows its parameters and checks them."""

    id: str
    params: Mapping[str, Any] = field(default_factory=dict)


class GymnaxConfig(OpenConfig):
    """See `envs.gymnax_suite`."""


class PopgymConfig(OpenConfig):
    """See `envs.popgym`."""

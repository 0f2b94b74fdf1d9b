"""What can be chosen about any agent that learns from rollouts. Free of JAX."""

from dataclasses import dataclass, field, fields
from typing import Any


def number(default: float | None) -> Any:
    """A field that a program may be given while it runs: no shape hangs on its value.

    No `if` of Python may read it either (`is None` may). So learners that differ in it
    train side by side (`sweep.`, in docs/sweeps.md).
    """
    return field(default=default, metadata={"swept": True})


@dataclass(frozen=True)
class RolloutConfig:
    """Lanes stepped together, then epochs of gradient steps on what they met."""

    num_envs: int = 32  # B, lanes stepped together
    rollout_length: int = 256  # T, steps between updates
    epochs: int = 4  # passes over each rollout
    num_minibatches: int = 8  # of whole trajectories: splits B, never T

    learning_rate: float = number(5e-4)  # of Adam
    anneal_learning_rate: bool = False  # linearly to zero at the run's last update
    # of the whole gradient (optax.clip_by_global_norm)
    max_grad_norm: float = number(0.5)
    discount: float = number(0.99)  # of a reward one step later (gamma)

    encoder_sizes: tuple[int, ...] = (64,)  # dense layers before the core
    head_sizes: tuple[int, ...] = (64,)  # dense layers after it
    # of encoder and heads; vectors are read, logits and values made in float32
    dtype: str = field(default="float32", metadata={"choices": ("float32", "bfloat16")})
    # where an episode starts; to run on from one into the next is a baseline
    memory: str = field(default="reset", metadata={"choices": ("reset", "never_reset")})

    def __post_init__(self):
        for name in ("num_envs", "rollout_length", "epochs", "num_minibatches"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1; got {getattr(self, name)}."
                )
        for name in ("encoder_sizes", "head_sizes"):
            if any(size < 1 for size in getattr(self, name)):
                raise ValueError(
                    f"{name} must all be positive; got {list(getattr(self, name))}."
                )
        self.check_positive("learning_rate", "max_grad_norm")
        self.check_shares("discount")
        for part in fields(self):
            known, value = part.metadata.get("choices"), getattr(self, part.name)
            if known is not None and value not in known:
                raise ValueError(
                    f"{part.name} must be one of {', '.join(known)}; got {value!r}."
                )
        if self.num_envs % self.num_minibatches:
            raise ValueError(
                f"num_envs ({self.num_envs}) must be a multiple of num_minibatches "
                f"({self.num_minibatches}): minibatches are whole trajectories."
            )

    def check_positive(self, *names: str) -> None:
        """Refuses what is zero or less.

        Raises:
          ValueError: naming the first of them.
        """
        for name in names:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive; got {getattr(self, name)}.")

    def check_not_negative(self, *names: str) -> None:
        """Refuses what is less than zero.

        Raises:
          ValueError: naming the first of them.
        """
        for name in names:
            if not getattr(self, name) >= 0:
                raise ValueError(
                    f"{name} must not be negative; got {getattr(self, name)}."
                )

    def check_shares(self, *names: str) -> None:
        """Refuses what is below 0 or above 1.

        Raises:
          ValueError: naming the first of them.
        """
        for name in names:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"{name} must lie between 0 and 1; got {getattr(self, name)}."
                )

    @property
    def steps_per_update(self) -> int:
        """Environment steps that one update collects."""
        return self.num_envs * self.rollout_length

    def check_updates(self, num_updates: int) -> None:
        """Whether training can be so long.

        Raises:
          ValueError: if the rate is annealed over more steps of the optimiser than its
            counter, an int32, can count.
        """
        steps = num_updates * self.epochs * self.num_minibatches
        if self.anneal_learning_rate and steps > 2**31 - 1:
            raise ValueError(
                f"anneal_learning_rate counts steps of the optimiser in int32, at most "
                f"{2**31 - 1:,}; got {num_updates:,} updates x epochs ({self.epochs}) "
                f"x num_minibatches ({self.num_minibatches}) = {steps:,}."
            )

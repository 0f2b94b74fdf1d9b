"""The row of `leaky`: its configuration. Free of JAX."""

from dataclasses import dataclass

from s5rl.config.base import CoreConfig, check, core


@core(
    "leaky",
    "examples.adding.core:LeakyLayer",  # there "s5rl.cores.leaky:LeakyLayer"
    kind="diagonal, real",
    cost="O(H); O(log T) deep",
)
@dataclass(frozen=True)
class LeakyConfig(CoreConfig):  # num_layers, learned_initial_state, chunk_length, dtype
    """A stack of leaky integrators, one a feature."""

    time_min: float = 1.0  # steps that a unit remembers at first, the least
    time_max: float = 100.0  # and the most; between them, uniform in the logarithm

    def __post_init__(self):
        super().__post_init__()
        check(self, "time_min")
        if self.time_max < self.time_min:
            raise ValueError(
                f"time_max ({self.time_max}) must be at least time_min "
                f"({self.time_min})."
            )

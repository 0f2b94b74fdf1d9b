"""Linear recurrences whose states stand side by side, most with gates that read x."""

from dataclasses import dataclass

from s5rl.config.base import METHODS, CoreConfig, check, choice, core, initial


@core(
    "lru",
    "s5rl.cores.lru:LRULayer",
    kind="diagonal, complex",
    cost="O(P); O(log T) deep",
)
@dataclass(frozen=True)
class LRUConfig(CoreConfig):
    """A stack of linear recurrent units (Orvieto et al., 2023).

    Eigenvalues start in a ring of the unit disc. The paper's ring is the whole disc;
    here it is the part that remembers for 10 to 1,000 steps, turning slowly.
    """

    state_size: int = 128  # P, complex states
    r_min: float = initial(0.9)  # the least |eigenvalue| at first
    r_max: float = initial(0.999)  # the largest
    # the largest angle of an eigenvalue at first, in radians
    max_phase: float = initial(0.314)
    method: str = choice(*METHODS)  # of the recurrence

    def __post_init__(self):
        super().__post_init__()
        check(self, "state_size", "max_phase")
        if not 0 <= self.r_min < self.r_max <= 1:
            raise ValueError(
                "r_min and r_max must satisfy 0 <= r_min < r_max <= 1; "
                f"got {self.r_min} and {self.r_max}."
            )


@core(
    "mingru", "s5rl.cores.mingru:MinGRULayer", kind="gated", cost="O(H); O(log T) deep"
)
@dataclass(frozen=True)
class MinGRUConfig(CoreConfig):
    """A stack of minimal GRUs, whose gate reads the input (Feng et al., 2024)."""

    candidate: str = choice(
        "positive", "identity"
    )  # what passes the gate: g(Wx), or Wx
    # the shortest memory at first, in steps; log-uniform to
    time_min: float = initial(1.0)
    time_max: float = initial(1000.0)  # the longest
    method: str = choice(*METHODS)  # of the recurrence

    def __post_init__(self):
        super().__post_init__()
        check(self, "time_min", "time_max")
        if self.time_min > self.time_max:
            raise ValueError(
                f"time_min ({self.time_min}) must not exceed time_max "
                f"({self.time_max})."
            )


@core(
    "minlstm",
    "s5rl.cores.mingru:MinLSTMLayer",
    kind="gated",
    cost="O(H); O(log T) deep",
)
@dataclass(frozen=True)
class MinLSTMConfig(MinGRUConfig):
    """A stack of minimal LSTMs, whose gates read the input (Feng et al., 2024)."""


@core("rglru", "s5rl.cores.rglru:RGLRULayer", kind="gated", cost="O(H); O(log T) deep")
@dataclass(frozen=True)
class RGLRUConfig(CoreConfig):
    """A stack of Griffin's recurrent blocks, around the RG-LRU (De et al., 2024)."""

    num_heads: int = 4  # the gates' matrices are block-diagonal
    conv_width: int = 4  # taps of the causal convolution before the recurrence
    mlp_expansion: int = 3  # of the gated MLP behind each block; 0 leaves it out
    method: str = choice(*METHODS)  # of the recurrence

    def __post_init__(self):
        super().__post_init__()
        check(self, "num_heads", "conv_width", mlp_expansion=0)


@core(
    "ffm",
    "s5rl.cores.ffm:FFMLayer",
    kind="diagonal, complex",
    cost="O(m c); O(log T) deep",
)
@dataclass(frozen=True)
class FFMConfig(CoreConfig):
    """A stack of Fast and Forgetful Memory layers (Morad et al., 2023)."""

    memory_size: int = 32  # m, traces
    context_size: int = 4  # c, complex frequencies that each trace is kept at
    method: str = choice(*METHODS)  # of the recurrence

    def __post_init__(self):
        super().__post_init__()
        check(self, "memory_size", "context_size")


@core(
    "mamba", "s5rl.cores.mamba:MambaLayer", kind="gated", cost="O(H N); O(log T) deep"
)
@dataclass(frozen=True)
class MambaConfig(CoreConfig):
    """A stack of Mamba blocks, around a selective state space (Gu & Dao, 2023)."""

    state_size: int = 16  # N, states of each channel
    expansion: int = 2  # channels per feature
    conv_width: int = 4  # taps of the causal convolution before the recurrence
    dt_min: float = initial(1e-3)  # the least step at first
    dt_max: float = initial(1e-1)  # the largest
    method: str = choice(*METHODS)  # of the recurrence

    def __post_init__(self):
        super().__post_init__()
        check(self, "state_size", "expansion", "conv_width", "dt_min", "dt_max")
        if self.dt_min > self.dt_max:
            raise ValueError(
                f"dt_min ({self.dt_min}) must not exceed dt_max ({self.dt_max})."
            )

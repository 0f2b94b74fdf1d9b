"""Memories that are matrices: written by keys, read by queries, in several heads."""

from dataclasses import dataclass

from s5rl.config.base import METHODS, CoreConfig, check, choice, core, initial

COST = "O(h d^2); T / c deep"


@dataclass(frozen=True)
class MatrixConfig(CoreConfig):
    """What memories of several heads have in common."""

    num_heads: int = 4  # matrices side by side
    key_size: int = 32  # d_k, of each head
    value_size: int = 32  # d_v, of each head
    chunk: int = 64  # steps taken together in learning: no number depends on it

    def __post_init__(self):
        super().__post_init__()
        check(self, "num_heads", "key_size", "value_size", "chunk")


@core(
    "linear_attention",
    "s5rl.cores.linear_attention:LinearAttentionLayer",
    kind="matrix",
    cost=COST,
)
@dataclass(frozen=True)
class LinearAttentionConfig(MatrixConfig):
    """A stack of linear attention layers without decay (Katharopoulos et al., 2020)."""


@core("retnet", "s5rl.cores.retnet:RetNetLayer", kind="matrix", cost=COST)
@dataclass(frozen=True)
class RetNetConfig(MatrixConfig):
    """A stack of retention layers, whose heads decay steadily (Sun et al., 2023)."""

    def __post_init__(self):
        super().__post_init__()
        if self.key_size % 2:
            raise ValueError(
                f"key_size must be even, for keys turn in pairs; got {self.key_size}."
            )


@core("gla", "s5rl.cores.gla:GLALayer", kind="matrix", cost="O(h d^2); O(log T) deep")
@dataclass(frozen=True)
class GLAConfig(CoreConfig):
    """A stack of gated linear attention layers (Yang et al., 2023)."""

    num_heads: int = 4  # matrices side by side
    key_size: int = 16  # d_k, of each head
    value_size: int = 32  # d_v, of each head
    gate_rank: int = 16  # of the matrix that gives the decays
    method: str = choice(*METHODS)  # of the recurrence

    def __post_init__(self):
        super().__post_init__()
        check(self, "num_heads", "key_size", "value_size", "gate_rank")


@core(
    "mamba2", "s5rl.cores.mamba2:Mamba2Layer", kind="matrix", cost="O(H N); T / c deep"
)
@dataclass(frozen=True)
class Mamba2Config(CoreConfig):
    """A stack of Mamba-2 blocks, one decay a head (Dao & Gu, 2024)."""

    state_size: int = 64  # N, states of each channel
    head_size: int = 64  # channels of a head, which decay alike
    expansion: int = 2  # channels per feature
    conv_width: int = 4  # taps of the causal convolution before the recurrence
    dt_min: float = initial(1e-3)  # the least step at first
    dt_max: float = initial(1e-1)  # the largest
    chunk: int = 64  # steps taken together in learning: no number depends on it

    def __post_init__(self):
        super().__post_init__()
        check(self, "state_size", "head_size", "expansion", "conv_width", "chunk")
        check(self, "dt_min", "dt_max")
        if self.dt_min > self.dt_max:
            raise ValueError(
                f"dt_min ({self.dt_min}) must not exceed dt_max ({self.dt_max})."
            )


@core("deltanet", "s5rl.cores.deltanet:DeltaNetLayer", kind="matrix", cost=COST)
@dataclass(frozen=True)
class DeltaNetConfig(MatrixConfig):
    """A stack of delta rule layers, which overwrite by key (Yang et al., 2024)."""

    conv_width: int = 4  # taps of the causal convolutions of queries, keys and values
    # beta up to 2 in place of 1: eigenvalues down to -1, which can tell parity
    negative_eigenvalues: bool = False

    def __post_init__(self):
        super().__post_init__()
        check(self, "conv_width")


@core(
    "gated_deltanet", "s5rl.cores.deltanet:GatedDeltaNetLayer", kind="matrix", cost=COST
)
@dataclass(frozen=True)
class GatedDeltaNetConfig(DeltaNetConfig):
    """A stack of gated delta rule layers, which forget too (Yang et al., 2025)."""


@core("mlstm", "s5rl.cores.mlstm:MLSTMLayer", kind="matrix", cost=COST)
@dataclass(frozen=True)
class MLSTMConfig(CoreConfig):
    """A stack of mLSTM blocks, matrices with exponential gates (Beck et al., 2024)."""

    num_heads: int = 4  # matrices side by side
    expansion: int = 2  # channels per feature
    conv_width: int = 4  # taps of the causal convolution before queries and keys
    chunk: int = 64  # steps taken together in learning: no number depends on it

    def __post_init__(self):
        super().__post_init__()
        check(self, "num_heads", "expansion", "conv_width", "chunk")

"""Memories that are the last steps themselves: windows, and what attends to them."""

from dataclasses import dataclass

from s5rl.config.base import METHODS, CoreConfig, check, choice, core
from s5rl.config.spaces import S5Config


@core(
    "window_attention",
    "s5rl.cores.window_attention:WindowAttentionLayer",
    kind="window",
    cost="O(W H); O(1) deep",
)
@dataclass(frozen=True)
class WindowAttentionConfig(CoreConfig):
    """A stack of sliding-window attention blocks (Beltagy et al., 2020)."""

    num_heads: int = 4  # attend side by side
    head_size: int = 32  # d, of each head's queries, keys and values
    window: int = 64  # W, steps that are seen, the present one among them
    positions: str = choice("bias", "rotary")  # how distances in time are told
    mlp_expansion: int = 4  # of the MLP behind each attention; 0 leaves it out
    learned_rows: int = 0  # of a learned start; 0: as many as the window has past steps

    def __post_init__(self):
        super().__post_init__()
        check(self, "num_heads", "head_size", window=2, mlp_expansion=0)
        if not 0 <= self.learned_rows < self.window:
            raise ValueError(
                f"learned_rows ({self.learned_rows}) must be less than window "
                f"({self.window}), and not negative."
            )
        if self.positions == "rotary" and self.head_size % 2:
            raise ValueError(
                "head_size must be even where positions is rotary, for heads turn in "
                f"pairs; got {self.head_size}."
            )


@core("gtrxl", "s5rl.cores.gtrxl:GTrXLLayer", kind="window", cost="O(M H); O(1) deep")
@dataclass(frozen=True)
class GTrXLConfig(CoreConfig):
    """A stack of gated transformer-XL layers (Parisotto et al., 2020)."""

    num_heads: int = 2  # attend side by side
    head_size: int = 32  # d, of each head's queries, keys and values
    memory_length: int = 64  # M, past steps that each layer sees beside the present one
    mlp_expansion: int = 1  # of the MLP behind each attention
    gate_bias: float = 2.0  # how near the gates start to letting x through as it is

    def __post_init__(self):
        super().__post_init__()
        check(self, "num_heads", "head_size", "memory_length", "mlp_expansion")


@core(
    "frame_stack",
    "s5rl.cores.frame_stack:FrameStackLayer",
    kind="window",
    cost="O(k H^2); O(1) deep",
)
@dataclass(frozen=True)
class FrameStackConfig(CoreConfig):
    """The last few inputs side by side (Mnih et al., 2015): the honest control."""

    num_layers: int = 1  # one after another
    frames: int = 4  # k, steps that are seen, the present one among them

    def __post_init__(self):
        super().__post_init__()
        check(self, frames=2)


@core(
    "seqboat",
    "s5rl.cores.seqboat:SeqBoatLayer",
    kind="diagonal, and a window",
    cost="O(P + W H); O(log T) deep",
)
@dataclass(frozen=True)
class SeqBoatConfig(CoreConfig):
    """A stack of SeqBoat layers: a state space and attention at steps that it chooses.

    Sparse modular activation (Ren et al., 2023).
    """

    state_size: int = 64  # of the state space, as S5 has it
    window: int = 64  # W, chosen steps that are seen, the present one among them
    key_size: int = 32  # d, of queries and keys
    expansion: int = 2  # values per feature
    temperature: float = 1.0  # of the choice at first, by the root of the features
    method: str = choice(*METHODS)  # of the recurrence

    def __post_init__(self):
        super().__post_init__()
        check(self, "state_size", "key_size", "expansion", "temperature", window=2)
        _ = self.space

    @property
    def space(self) -> S5Config:
        """What its state space is told."""
        return S5Config(
            state_size=self.state_size, method=self.method, dtype=self.dtype
        )

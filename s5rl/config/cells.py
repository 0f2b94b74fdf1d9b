"""Cells that run one step after another, and the layers that remember nothing."""

from dataclasses import dataclass

from s5rl.config.base import CoreConfig, StackConfig, check, core


@core("gru", "s5rl.cores.gru:GRULayer", kind="cell", cost="O(H^2); T deep")
@dataclass(frozen=True)
class GRUConfig(CoreConfig):
    """A stack of gated recurrent units (Cho et al., 2014)."""

    num_layers: int = 1  # one after another


@core("lstm", "s5rl.cores.lstm:LSTMLayer", kind="cell", cost="O(H^2); T deep")
@dataclass(frozen=True)
class LSTMConfig(CoreConfig):
    """A stack of long short-term memory cells (Hochreiter & Schmidhuber, 1997)."""

    num_layers: int = 1  # one after another


@core("elman", "s5rl.cores.elman:ElmanLayer", kind="cell", cost="O(H^2); T deep")
@dataclass(frozen=True)
class ElmanConfig(CoreConfig):
    """A stack of simple recurrent cells without gates (Elman, 1990): a control."""

    num_layers: int = 1  # one after another


@core("slstm", "s5rl.cores.slstm:SLSTMLayer", kind="cell", cost="O(H^2 / h); T deep")
@dataclass(frozen=True)
class SLSTMConfig(CoreConfig):
    """A stack of sLSTM blocks, whose gates are exponential (Beck et al., 2024)."""

    num_heads: int = 4  # what was remembered is mixed within a head
    conv_width: int = 4  # taps of the causal convolution before two of the gates
    mlp_expansion: float = 1.3  # of the gated MLP behind each block; 0 leaves it out

    def __post_init__(self):
        super().__post_init__()
        check(self, "num_heads", "conv_width")
        if self.mlp_expansion < 0:
            raise ValueError(
                f"mlp_expansion must not be negative; got {self.mlp_expansion}."
            )


@core("mlp", "s5rl.cores.mlp:MLPLayer", kind="none", cost="O(1)")
@dataclass(frozen=True)
class MLPConfig(StackConfig):
    """Dense layers and no memory: the control that every claim about memory needs."""

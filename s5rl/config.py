"""What can be chosen about each core. Free of JAX: a command line reads it too.

Every class is frozen and checks itself when it is made, so a core that exists has sizes
that fit together.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class S5Config:
    """A stack of S5 layers (Smith et al., 2023), with the paper's defaults.

    `dt_min` decides how far memory reaches: at initialisation a state of step size dt
    halves every 1.4 / dt steps, so the slowest halves every 1,386 steps at 1e-3 and
    every 13,863 at 1e-4.
    """

    num_layers: int = 2
    state_size: int = 64  # N, states before conjugate symmetry halves them
    blocks: int = 1  # J, HiPPO-N blocks on the diagonal of the state matrix
    conjugate_symmetry: bool = True  # keep one of each conjugate pair: P = N / 2
    discretization: str = "zoh"
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    c_init: str = "lecun_normal"
    activation: str = "half_glu1"
    norm: str = "pre"
    method: str = "auto"  # of `s5rl.linear_recurrence`
    dtype: str = "float32"  # of the layers; states accumulate in float32 regardless

    def __post_init__(self):
        _positive(self, "num_layers", "state_size", "blocks", "dt_min", "dt_max")
        _one_of(self, "discretization", ("zoh", "bilinear"))
        _one_of(self, "c_init", ("lecun_normal", "complex_normal"))
        _one_of(self, "activation", ("full_glu", "half_glu1", "half_glu2", "gelu"))
        _one_of(self, "norm", ("pre", "post", "none"))
        _one_of(self, "method", ("auto", "associative", "sequential"))
        _one_of(self, "dtype", ("float32", "bfloat16"))
        if self.dt_min > self.dt_max:
            raise ValueError(
                f"dt_min ({self.dt_min}) must not exceed dt_max ({self.dt_max})."
            )
        per_block = 2 * self.blocks if self.conjugate_symmetry else self.blocks
        if self.state_size % per_block:
            pairs = " of conjugate pairs" if self.conjugate_symmetry else ""
            raise ValueError(
                f"state_size ({self.state_size}) must be a multiple of {per_block}: "
                f"blocks ({self.blocks}){pairs} must be whole."
            )

    @property
    def num_states(self) -> int:
        """P, the complex states that are computed."""
        return self.state_size // 2 if self.conjugate_symmetry else self.state_size


@dataclass(frozen=True)
class GRUConfig:
    """A stack of gated recurrent units (Cho et al., 2014)."""

    num_layers: int = 1

    def __post_init__(self):
        _positive(self, "num_layers")


@dataclass(frozen=True)
class LSTMConfig:
    """A stack of long short-term memory cells (Hochreiter & Schmidhuber, 1997)."""

    num_layers: int = 1

    def __post_init__(self):
        _positive(self, "num_layers")


@dataclass(frozen=True)
class MLPConfig:
    """Dense layers and no memory: the control that every claim about memory needs."""

    num_layers: int = 2

    def __post_init__(self):
        _positive(self, "num_layers")


def _positive(config: Any, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if not value > 0:
            raise ValueError(f"{name} must be positive; got {value}.")


def _one_of(config: Any, name: str, choices: tuple[str, ...]) -> None:
    value = getattr(config, name)
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}.")


CORE_CONFIGS = {"s5": S5Config, "gru": GRUConfig, "lstm": LSTMConfig, "mlp": MLPConfig}

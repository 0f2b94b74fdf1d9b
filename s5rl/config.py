"""What can be chosen about each core. Free of JAX: a command line reads it too.

Every class is frozen and checks itself when it is made, so a core that exists has sizes
that fit together.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any


def _choice(default: str, *others: str) -> Any:
    """A field that is one of some names; help lists them."""
    return dataclasses.field(default=default, metadata={"choices": (default, *others)})


@dataclass(frozen=True)
class S5Config:
    """A stack of S5 layers (Smith et al., 2023), with the paper's defaults.

    `dt_min` decides how far memory reaches: at initialisation a state of step size dt
    halves every 1.4 / dt steps, so the slowest halves every 1,386 steps at 1e-3 and
    every 13,863 at 1e-4.
    """

    num_layers: int = 2  # one after another
    state_size: int = 64  # N, states before conjugate symmetry halves them
    blocks: int = 1  # J, HiPPO-N blocks on the diagonal of the state matrix
    conjugate_symmetry: bool = True  # keep one of each conjugate pair: P = N / 2
    discretization: str = _choice("zoh", "bilinear")
    dt_min: float = 1e-3  # the least step at first: how far memory reaches
    dt_max: float = 1e-1  # the largest
    c_init: str = _choice("lecun_normal", "complex_normal")
    activation: str = _choice("half_glu1", "half_glu2", "full_glu", "gelu")
    norm: str = _choice("pre", "post", "none")  # where a layer normalises
    method: str = _choice(
        "auto", "associative", "sequential"
    )  # of `s5rl.linear_recurrence`
    # of the layers; states accumulate in float32 regardless
    dtype: str = _choice("float32", "bfloat16")

    def __post_init__(self):
        _positive(self, "num_layers", "state_size", "blocks", "dt_min", "dt_max")
        _one_of_its_choices(self)
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

    num_layers: int = 1  # one after another

    def __post_init__(self):
        _positive(self, "num_layers")


@dataclass(frozen=True)
class LSTMConfig:
    """A stack of long short-term memory cells (Hochreiter & Schmidhuber, 1997)."""

    num_layers: int = 1  # one after another

    def __post_init__(self):
        _positive(self, "num_layers")


@dataclass(frozen=True)
class MLPConfig:
    """Dense layers and no memory: the control that every claim about memory needs."""

    num_layers: int = 2  # one after another

    def __post_init__(self):
        _positive(self, "num_layers")


def _positive(config: Any, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if not value > 0:
            raise ValueError(f"{name} must be positive; got {value}.")


def _one_of_its_choices(config: Any) -> None:
    for field in dataclasses.fields(config):
        known, value = field.metadata.get("choices"), getattr(config, field.name)
        if known is not None and value not in known:
            raise ValueError(
                f"{field.name} must be one of {', '.join(known)}; got {value!r}."
            )


CORE_CONFIGS = {"s5": S5Config, "gru": GRUConfig, "lstm": LSTMConfig, "mlp": MLPConfig}

"""State spaces: linear systems in continuous time, made diagonal and discrete."""

from dataclasses import dataclass

from s5rl.config.base import CoreConfig, check, choice, core


@core(
    "s5", "s5rl.cores.s5:S5Layer", kind="diagonal, complex", cost="O(P); O(log T) deep"
)
@dataclass(frozen=True)
class S5Config(CoreConfig):
    """A stack of S5 layers (Smith et al., 2023), with the paper's defaults.

    `dt_min` decides how far memory reaches: at initialisation a state of step size dt
    halves every 1.4 / dt steps, so the slowest halves every 1,386 steps at 1e-3 and
    every 13,863 at 1e-4.
    """

    state_size: int = 64  # N, states before conjugate symmetry halves them
    blocks: int = 1  # J, HiPPO-N blocks on the diagonal of the state matrix
    conjugate_symmetry: bool = True  # keep one of each conjugate pair: P = N / 2
    discretization: str = choice("zoh", "bilinear")
    dt_min: float = 1e-3  # the least step at first: how far memory reaches
    dt_max: float = 1e-1  # the largest
    c_init: str = choice("lecun_normal", "complex_normal")
    activation: str = choice("half_glu1", "half_glu2", "full_glu", "gelu")
    norm: str = choice("pre", "post", "none")  # where a layer normalises
    method: str = choice(
        "auto", "associative", "sequential"
    )  # of `s5rl.linear_recurrence`

    def __post_init__(self):
        super().__post_init__()
        check(self, "state_size", "blocks", "dt_min", "dt_max")
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

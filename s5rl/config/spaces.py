"""State spaces: linear systems in continuous time, made diagonal and discrete."""

from dataclasses import dataclass

from s5rl.config.base import (
    METHODS,
    CoreConfig,
    check,
    check_matrix,
    choice,
    core,
    initial,
)


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
    blocks: int = 1  # J, equal blocks on the diagonal of the state matrix
    # what the state matrix starts as; legs_ptd has one step size a block
    init: str = choice("hippo_n", "legs_ptd", "s4d_lin", "s4d_inv", "fourier")
    epsilon: float = 3e-4  # of legs_ptd: how far it is from HiPPO-LegS, relatively
    # keep one of each conjugate pair: P = N / 2; null: wherever all are pairs, so
    # not with legs_ptd
    conjugate_symmetry: bool | None = None
    discretization: str = choice("zoh", "bilinear")
    dt_min: float = initial(1e-3)  # the least step at first: how far memory reaches
    dt_max: float = initial(1e-1)  # the largest
    c_init: str = choice("lecun_normal", "complex_normal")
    activation: str = choice("half_glu1", "half_glu2", "full_glu", "gelu")
    norm: str = choice("pre", "post", "none")  # where a layer normalises
    method: str = choice(*METHODS)  # of `s5rl.linear_recurrence`

    def __post_init__(self):
        super().__post_init__()
        check(self, "state_size", "blocks", "epsilon")
        check_matrix("state_size", self.state_size)
        _check_steps(self)
        self._check_init()
        paired = self.halved or self.init in ("s4d_lin", "s4d_inv", "fourier")
        per_block = 2 * self.blocks if paired else self.blocks
        if self.state_size % per_block:
            pairs = " of conjugate pairs" if paired else ""
            raise ValueError(
                f"state_size ({self.state_size}) must be a multiple of {per_block}: "
                f"blocks ({self.blocks}){pairs} must be whole."
            )

    def _check_init(self):
        if self.init != "legs_ptd":
            return
        if self.conjugate_symmetry:
            raise ValueError(
                "init legs_ptd has eigenvalues without a partner and keeps all states: "
                f"conjugate_symmetry must be false or left out; got "
                f"{self.conjugate_symmetry}."
            )
        if self.c_init != "lecun_normal":
            raise ValueError(
                "init legs_ptd must be read in its own basis, where large numbers "
                f"cancel: c_init must be lecun_normal; got {self.c_init}."
            )

    @property
    def halved(self) -> bool:
        """Whether one state of each conjugate pair is kept, and counts twice."""
        if self.conjugate_symmetry is None:
            return self.init != "legs_ptd"
        return self.conjugate_symmetry

    @property
    def num_states(self) -> int:
        """P, the complex states that are computed."""
        if self.halved:
            return self.state_size // 2
        # Fourier's sine of frequency 0 is dead, in every block.
        return self.state_size - (self.blocks if self.init == "fourier" else 0)

    @property
    def num_step_sizes(self) -> int:
        """One a state; of legs_ptd one a block, whose states cancel at equal steps."""
        return self.blocks if self.init == "legs_ptd" else self.num_states


@core(
    "s4d",
    "s5rl.cores.s4d:S4DLayer",
    kind="diagonal, complex",
    cost="O(H N); O(log T) deep",
)
@dataclass(frozen=True)
class S4DConfig(CoreConfig):
    """A stack of S4D layers, a state space for each feature (Gu et al., 2022).

    Memory is large, H N / 2 complex numbers, and features meet only between layers.
    """

    state_size: int = 64  # N, real states of each feature: N / 2 complex ones
    # Im Λ at first: πn; nearer to HiPPO-N's; or HiPPO-N's, with HiPPO's own read-in
    init: str = choice("lin", "inv", "legs")
    dt_min: float = initial(1e-3)  # the least step at first: how far memory reaches
    dt_max: float = initial(1e-1)  # the largest
    method: str = choice(*METHODS)  # of the recurrence

    def __post_init__(self):
        super().__post_init__()
        check(self, "state_size")
        if self.init == "legs":
            check_matrix("state_size", self.state_size)
        _check_steps(self)
        if self.state_size % 2:
            raise ValueError(
                f"state_size ({self.state_size}) must be even: one state of each "
                "conjugate pair is computed."
            )


def _check_steps(config: S5Config | S4DConfig) -> None:
    check(config, "dt_min", "dt_max")
    if config.dt_min > config.dt_max:
        raise ValueError(
            f"dt_min ({config.dt_min}) must not exceed dt_max ({config.dt_max})."
        )

"""What can be chosen about each meta-environment. Free of JAX, checked when made."""

from dataclasses import dataclass
from typing import ClassVar

from envs import fields, values
from envs.control.table import TABLE as CONTROL
from envs.meta.tasks import ALL_SPLITS, SPLITS, check_split
from envs.naming import unknown
from envs.suites.table import SUITES, check_installed

LARGEST_WORLD = 32  # a side
LAWS = ("identity", "permutation", "turned", "orthogonal", "gaussian")  # of a lens
MOST_SPREAD = 10.0  # beyond it steps of 0.01 s are too long for the lightest bodies


@dataclass(frozen=True)
class MetaConfig:
    """What all of them have; see `envs.meta.wrapper`."""

    # Which tasks can be had. Held-out tasks are of the training law and never trained
    # on, shifted ones of another law, and bodies are ones that were never seen.
    SPLITS: ClassVar[tuple[str, ...]] = SPLITS

    num_trials: int = 16  # of a meta-episode
    split: str = "train"  # which tasks
    num_tasks: int | None = None  # of the split's finite set; null: all there are
    trial_discount: float = 1.0  # of what comes after a trial's end, besides discount
    step_budget: int | None = None  # cuts a meta-episode; null: all trials fit in

    def __post_init__(self):
        sizes = ("trial_steps", "size", "num_arms")  # of those that have them
        for name in ("num_trials", "num_tasks", "step_budget", *sizes):
            value = getattr(self, name, None)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}.")
        for name in ("size", "num_arms", "projected_size"):
            values.check_size(name, getattr(self, name, 1))
        if not 0 <= self.trial_discount <= 1:
            raise ValueError(
                f"trial_discount must lie between 0 and 1; got {self.trial_discount}."
            )
        check_split(self.split, self.SPLITS)


@dataclass(frozen=True)
class MetaCartpoleConfig(MetaConfig):
    """Position-only CartPole behind a random projection (Lu et al., 2023, §4.3)."""

    trial_steps: int = 200  # of a trial, at most
    projected_size: int = 4  # of what is seen of 2 positions
    # The code released with the paper: every trial of a meta-episode from the same
    # start state, and no reward in the observation.
    released: bool = False

    def __post_init__(self):
        super().__post_init__()
        if self.projected_size < 2:
            raise ValueError(
                "projected_size must be at least 2, the positions there are; got "
                f"{self.projected_size}."
            )


@dataclass(frozen=True)
class MetaBanditConfig(MetaConfig):
    """Bernoulli arms; a trial is one pull (Duan et al., 2016)."""

    num_trials: int = 100
    num_arms: int = 10  # to choose among


@dataclass(frozen=True)
class MetaTabularMdpConfig(MetaConfig):
    """Random Markov decision processes; a trial is 10 steps (Duan et al., 2016)."""

    num_trials: int = 10


@dataclass(frozen=True)
class RandomWorldConfig(MetaConfig):
    """A goal in a world whose map is new in each meta-episode; rooms are shifted ones.

    See `envs.meta.random_world`.
    """

    num_trials: int = 20
    size: int = 5  # its square is the number of states
    trial_steps: int = 10  # of a trial

    def __post_init__(self):
        super().__post_init__()
        if self.size > LARGEST_WORLD:
            raise ValueError(
                f"size must be at most {LARGEST_WORLD}: a world of size^2 states is "
                f"drawn by the distances between all of them; got {self.size}."
            )


@dataclass(frozen=True)
class DarkRoomConfig(MetaConfig):
    """A goal that cannot be seen (Laskin et al., 2023)."""

    num_trials: int = 10
    size: int = 9  # squares along a side
    trial_steps: int = 20  # of a trial


@dataclass(frozen=True)
class DarkKeyToDoorConfig(MetaConfig):
    """A key, then a door, that cannot be seen (Laskin et al., 2023)."""

    num_trials: int = 10
    size: int = 9  # squares along a side
    trial_steps: int = 50  # of a trial, at most


@dataclass(frozen=True)
class ProjectedControlConfig(MetaConfig):
    """Bodies behind random projections (Lu et al., 2023, §4.4)."""

    SPLITS: ClassVar[tuple[str, ...]] = ALL_SPLITS
    SUITE: ClassVar[str] = "control"  # bodies are its environments

    num_trials: int = 2
    trial_steps: int = 500  # of a trial
    # of the projections; shifted tasks have orthogonal ones
    law: str = fields.choice(*reversed(LAWS))
    # of actions, where it is another; shifted tasks have orthogonal ones all the same
    action_law: str | None = fields.optional(*reversed(LAWS))
    train_bodies: tuple[str, ...] = (
        "cartpole_balance",
        "cartpole_swingup",
        "point_mass_easy",
        "reacher_easy",
    )
    # Bodies that were never seen, and not only tasks. (The paper holds out five tasks,
    # of which one, the pendulum's, is on such a body.)
    held_out_bodies: tuple[str, ...] = (
        "pendulum_swingup",
        "acrobot_swingup",
        "mountain_car",
    )

    def __post_init__(self):
        super().__post_init__()
        fields.check_choices(self)
        known = {"control": CONTROL, "playground": SUITES["playground"].environments}
        for name in (*self.train_bodies, *self.held_out_bodies):
            if name not in known[self.SUITE]:
                raise ValueError(unknown("unknown body", name, known[self.SUITE]))
        if not self.bodies:  # of the split that is played; the other may have none
            which = "held_out_bodies" if self.split == "bodies" else "train_bodies"
            raise ValueError(f"{which} must name at least one; got none.")
        both = set(self.train_bodies) & set(self.held_out_bodies)
        if both:
            raise ValueError(
                f"train_bodies and held_out_bodies must not share {', '.join(both)}: "
                "a body that was trained on is not held out."
            )

    @property
    def bodies(self) -> tuple[str, ...]:
        """Bodies of this split, as environments go by name."""
        held_out = self.split == "bodies"
        names = self.held_out_bodies if held_out else self.train_bodies
        return tuple(f"{self.SUITE}/{name}" for name in names)


@dataclass(frozen=True)
class ProjectedDmcConfig(ProjectedControlConfig):
    """The same of MuJoCo Playground's DM Control tasks: Lu et al.'s own split.

    Playground has no hard point mass, which the paper holds out; so four are held out.
    """

    SUITE: ClassVar[str] = "playground"

    train_bodies: tuple[str, ...] = (
        "BallInCup",
        "CartpoleSwingup",
        "FingerSpin",
        "FingerTurnHard",
        "PointMass",
        "ReacherEasy",
    )
    held_out_bodies: tuple[str, ...] = (
        "CartpoleBalance",
        "FingerTurnEasy",
        "PendulumSwingup",
        "ReacherHard",
    )

    num_trials: int = 1
    trial_steps: int = 1000  # of a trial

    def __post_init__(self):
        super().__post_init__()
        check_installed("playground")


@dataclass(frozen=True)
class RandomControlConfig(ProjectedControlConfig):
    """Bodies whose physical constants are drawn anew; no lens, unless `law` says so.

    Shifted tasks have every constant beyond those that are trained on.
    """

    law: str = fields.choice(*LAWS)
    spread: float = 2.0  # a constant is multiplied by between 1 / spread and spread

    def __post_init__(self):
        super().__post_init__()
        if not 1 < self.spread <= MOST_SPREAD:
            raise ValueError(
                f"spread must be more than 1 and at most {MOST_SPREAD}; got "
                f"{self.spread}."
            )


# Configuration and what it measures; what is earned is in `envs.meta.levels`.
TABLE: dict[str, tuple[type[MetaConfig], str]] = {
    "meta_cartpole": (
        MetaCartpoleConfig,
        "balance a pole through a lens that is new in each meta-episode",
    ),
    "meta_bandit": (MetaBanditConfig, "explore arms, then exploit"),
    "meta_tabular_mdp": (
        MetaTabularMdpConfig,
        "learn a small world's rules while acting in it",
    ),
    "random_world": (
        RandomWorldConfig,
        "find an unseen goal in a world without a map, and go back to it",
    ),
    "dark_room": (DarkRoomConfig, "find an unseen goal, and go back to it"),
    "dark_key_to_door": (
        DarkKeyToDoorConfig,
        "find an unseen key and its door, and go back to them",
    ),
    "projected_control": (
        ProjectedControlConfig,
        "control bodies through random projections",
    ),
    "random_control": (
        RandomControlConfig,
        "control bodies whose masses, lengths and motors are unknown",
    ),
    "projected_dmc": (
        ProjectedDmcConfig,
        "the same of DM Control's own tasks (extra: playground)",
    ),
}

"""What can be chosen about the agent. Free of JAX, and checked when made."""

from dataclasses import dataclass, field

from agents.acting.config import RolloutConfig, number

SOURCES = ("q_learning", "dyna", "ucb", "thompson")


@dataclass(frozen=True)
class DistillConfig(RolloutConfig):
    """Algorithm Distillation (Laskin et al., 2023): memory that predicts a learner.

    `num_envs` are the histories that an update fits, and the lanes in which the learner
    then plays, for its curve; `rollout_length` is the length of both.
    """

    rollout_length: int = 400  # T, recorded steps of a history
    epochs: int = 1  # passes over an update's histories
    learning_rate: float = number(1e-3)  # of Adam
    anneal_learning_rate: bool = True  # linearly to zero at the run's last update
    # of the whole gradient (optax.clip_by_global_norm)
    max_grad_norm: float = number(1.0)

    # a folder of histories that were stored (`python -m experiment.histories`); null:
    # every update makes its own
    histories: str | None = None
    # of that folder, so that a run knows its own; filled in when the run begins
    histories_digest: str | None = None

    num_bins: int = 21  # of each entry of a Box's action, the bounds among them

    # who learns each task: a table, or what is made for bandits
    source: str = field(default="q_learning", metadata={"choices": SOURCES})
    source_every: int = 10  # the first of so many of its trials is recorded
    source_learning_rate: float = 0.99  # of Q-learning
    source_discount: float = 0.62  # likewise
    # likewise, what values are at first; above what they come to, it tries everything
    source_optimism: float = 0.0
    # of a meta-episode's recorded trials, in which random actions fall from all to none
    source_epsilon_share: float = 1.0
    # learn the chances of a source's actions, where it tells them; else what it did
    soft_labels: bool = True

    def __post_init__(self):
        super().__post_init__()
        if self.source_every < 1:
            raise ValueError(
                f"source_every must be at least 1; got {self.source_every}."
            )
        if self.num_bins < 2:
            raise ValueError(f"num_bins must be at least 2; got {self.num_bins}.")
        self.check_positive("source_learning_rate")
        self.check_shares(
            "source_learning_rate", "source_discount", "source_epsilon_share"
        )
        if self.histories is not None and not self.histories.strip():
            raise ValueError("histories must name a folder; it is empty.")
        if self.histories_digest is not None and self.histories is None:
            raise ValueError(
                "histories_digest is of the folder that histories names; got null."
            )

"""What can be chosen about the agent. Free of JAX, and checked when made."""

from dataclasses import dataclass, field

from agents.acting.config import RolloutConfig, number


@dataclass(frozen=True)
class ImitateConfig(RolloutConfig):
    """Decision-pretrained memory (Lee et al., 2023) that makes its own contexts."""

    epochs: int = 2  # passes over each rollout
    learning_rate: float = number(1e-3)  # of Adam
    anneal_learning_rate: bool = True  # linearly to zero at the run's last update

    # chance, at a trial's start, that the expert plays it, at most one a meta-episode;
    # the actor is then taught to go on with what it began. 0: the learner plays alone
    expert_share: float = 0.0
    # chance, at each later step of a trial, that it plays the rest of it: what it was
    # to do where the learner has gone astray is then taught too
    expert_joins: float = 0.0
    # of an environment on several bodies: a run on each, RUN_DIR[,RUN_DIR...]
    experts: str | None = None
    value_weight: float = number(0.5)  # of the value loss, beside the imitation's
    detached_critic: bool = True  # its error does not reach memory
    # of its targets: 0 trusts values, 1 trusts returns
    gae_lambda: float = number(0.95)
    # of how wrongly memory foretells the next observation (`agents.acting.foresight`)
    foresight_weight: float = 0.0

    # of a Box; one Gaussian can only give the mean of several answers
    actions: str = field(
        default="bins", metadata={"choices": ("bins", "mixture", "gaussian")}
    )
    num_bins: int = 21  # of each entry of an action, the bounds among them
    num_components: int = 4  # of a mixture

    def __post_init__(self):
        super().__post_init__()
        self.check_shares("expert_share", "expert_joins", "gae_lambda")
        self.check_not_negative("value_weight", "foresight_weight")
        for name in ("num_bins", "num_components"):
            if getattr(self, name) < 2:
                raise ValueError(
                    f"{name} must be at least 2; got {getattr(self, name)}."
                )

    @property
    def expert_plays(self) -> bool:
        """At times; the actor is told when."""
        return self.expert_share > 0 or self.expert_joins > 0

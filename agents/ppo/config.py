"""What can be chosen about the agent. Free of JAX, and checked when made."""

from dataclasses import dataclass, field

from agents.acting.config import RolloutConfig, number


@dataclass(frozen=True)
class PPOConfig(RolloutConfig):
    """Proximal policy optimisation (Schulman et al., 2017) for policies with memory."""

    adam_epsilon: float = number(1e-5)  # added to the root that Adam divides by

    gae_lambda: float = number(0.95)  # of advantages: 0 trusts values, 1 trusts returns
    clip_epsilon: float = number(0.2)  # how far a probability ratio may count
    value_clip_epsilon: float | None = number(None)  # null: values are not clipped
    value_coefficient: float = number(0.5)  # of the value loss, beside the policy's
    entropy_coefficient: float = number(0.0)  # of entropy, which is encouraged
    normalize_advantage: bool = True  # to mean 0, standard deviation 1, per minibatch
    # added to the standard deviation divided by
    advantage_epsilon: float = number(1e-8)
    # where several bodies share the network: advantages by body, each its own
    group_advantages: bool = False

    normalize_obs: bool = False  # floats, by running mean and deviation, within 10
    scale_rewards: bool = False  # by the running deviation of discounted returns
    # what the critic learns of a return: itself, its symlog, a distribution over bins
    value_loss: str = field(
        default="squared", metadata={"choices": ("squared", "symlog", "two_hot")}
    )
    value_bins: int = 129  # of two_hot, odd: zero is the middle one

    head_sizes: tuple[int, ...] = (64,)  # dense layers of actor and of critic
    # of a Box: what the policy's distribution is
    actions: str = field(
        default="gaussian", metadata={"choices": ("gaussian", "bins", "mixture")}
    )
    num_bins: int = 21  # of each entry of an action, the bounds among them
    num_components: int = 4  # of a mixture
    squash_actions: bool = False  # tanh onto the bounds of a Box, instead of clipping
    privileged_critic: bool = False  # the critic, not the actor, sees the Markov state

    # of how wrongly memory foretells the next observation (`agents.acting.foresight`)
    foresight_weight: float = 0.0

    # with init=RUN_DIR: of the divergence KL(first policy || policy), falling linearly
    anchor_weight: float = 0.0
    anchor_share: float = 0.5  # of the run's updates, in which it falls to nothing

    def __post_init__(self):
        super().__post_init__()
        self.check_positive("adam_epsilon", "clip_epsilon", "advantage_epsilon")
        self.check_shares("gae_lambda", "anchor_share")
        self.check_not_negative("value_coefficient", "entropy_coefficient")
        self.check_not_negative("anchor_weight", "foresight_weight")
        for name in ("num_bins", "num_components"):
            if getattr(self, name) < 2:
                raise ValueError(
                    f"{name} must be at least 2; got {getattr(self, name)}."
                )
        if self.group_advantages and not self.normalize_advantage:
            raise ValueError(
                "group_advantages says how normalize_advantage=true does it; got "
                "normalize_advantage=false."
            )
        if self.value_bins < 3 or self.value_bins % 2 == 0:
            raise ValueError(
                f"value_bins must be odd and at least 3; got {self.value_bins}."
            )
        if self.squash_actions and self.actions != "gaussian":
            raise ValueError(
                "squash_actions is of actions=gaussian, for others never leave the "
                f"box; got actions={self.actions}."
            )
        if self.value_clip_epsilon is not None and self.value_loss != "squared":
            raise ValueError(
                "value_clip_epsilon is of value_loss=squared; got "
                f"value_loss={self.value_loss}."
            )
        if self.value_clip_epsilon is not None and not self.value_clip_epsilon > 0:
            raise ValueError(
                "value_clip_epsilon must be positive, or null for no clipping; got "
                f"{self.value_clip_epsilon}."
            )

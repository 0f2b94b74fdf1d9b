"""What can be chosen about the agent. Free of JAX, and checked when made."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PPOConfig:
    """Proximal policy optimisation (Schulman et al., 2017) for policies with memory."""

    num_envs: int = 32  # B, lanes stepped together
    rollout_length: int = 256  # T, steps between updates
    epochs: int = 4  # passes over each rollout
    num_minibatches: int = 8  # of whole trajectories: splits B, never T

    learning_rate: float = 5e-4  # of Adam
    anneal_learning_rate: bool = False  # linearly to zero at the run's last update
    max_grad_norm: float = 0.5  # of the whole gradient (optax.clip_by_global_norm)
    adam_epsilon: float = 1e-5  # added to the root that Adam divides by

    discount: float = 0.99  # of a reward one step later (gamma)
    gae_lambda: float = 0.95  # of advantages: 0 trusts values, 1 trusts returns
    clip_epsilon: float = 0.2  # how far a probability ratio may count
    value_clip_epsilon: float | None = None  # null: values are not clipped
    value_coefficient: float = 0.5  # of the value loss, beside the policy's
    entropy_coefficient: float = 0.0  # of entropy, which is encouraged
    normalize_advantage: bool = True  # to mean 0, standard deviation 1, per minibatch
    advantage_epsilon: float = 1e-8  # added to the standard deviation divided by

    squash_actions: bool = False  # tanh onto the bounds of a Box, instead of clipping
    encoder_sizes: tuple[int, ...] = (64,)  # dense layers before the core
    head_sizes: tuple[int, ...] = (64,)  # dense layers of actor and of critic
    # where an episode starts; to run on from one into the next is a baseline
    memory: str = field(default="reset", metadata={"choices": ("reset", "never_reset")})
    privileged_critic: bool = False  # the critic, not the actor, sees the Markov state

    def __post_init__(self):
        for name in ("num_envs", "rollout_length", "epochs", "num_minibatches"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1; got {getattr(self, name)}."
                )
        for name in ("encoder_sizes", "head_sizes"):
            if any(size < 1 for size in getattr(self, name)):
                raise ValueError(
                    f"{name} must all be positive; got {list(getattr(self, name))}."
                )
        positive = ("learning_rate", "max_grad_norm", "adam_epsilon", "clip_epsilon")
        for name in (*positive, "advantage_epsilon"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive; got {getattr(self, name)}.")
        for name in ("discount", "gae_lambda"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"{name} must lie between 0 and 1; got {getattr(self, name)}."
                )
        for name in ("value_coefficient", "entropy_coefficient"):
            if not getattr(self, name) >= 0:
                raise ValueError(
                    f"{name} must not be negative; got {getattr(self, name)}."
                )
        if self.memory not in ("reset", "never_reset"):
            raise ValueError(
                f"memory must be one of reset, never_reset; got {self.memory!r}."
            )
        if self.value_clip_epsilon is not None and not self.value_clip_epsilon > 0:
            raise ValueError(
                "value_clip_epsilon must be positive, or null for no clipping; got "
                f"{self.value_clip_epsilon}."
            )
        if self.num_envs % self.num_minibatches:
            raise ValueError(
                f"num_envs ({self.num_envs}) must be a multiple of num_minibatches "
                f"({self.num_minibatches}): minibatches are whole trajectories."
            )

    @property
    def steps_per_update(self) -> int:
        """Environment steps that one update collects."""
        return self.num_envs * self.rollout_length

    def check_updates(self, num_updates: int) -> None:
        """Whether training can be so long.

        Raises:
          ValueError: if the rate is annealed over more steps of the optimiser than its
            counter, an int32, can count.
        """
        steps = num_updates * self.epochs * self.num_minibatches
        if self.anneal_learning_rate and steps > 2**31 - 1:
            raise ValueError(
                f"anneal_learning_rate counts steps of the optimiser in int32, at most "
                f"{2**31 - 1:,}; got {num_updates:,} updates x epochs ({self.epochs}) "
                f"x num_minibatches ({self.num_minibatches}) = {steps:,}."
            )

"""What can be chosen about the agent. Free of JAX, and checked when made."""

from dataclasses import dataclass

from agents.acting.config import RolloutConfig, number


@dataclass(frozen=True)
class PQNConfig(RolloutConfig):
    """Recurrent PQN(lambda) (Gallici et al., 2025): Q-learning from rollouts alone."""

    rollout_length: int = 128  # T, steps between updates
    learning_rate: float = number(5e-4)  # of RAdam
    # of the whole gradient (optax.clip_by_global_norm)
    max_grad_norm: float = number(10.0)

    # of targets, Peng's Q(lambda): 0 trusts the next step's values, 1 trusts returns
    td_lambda: float = number(0.95)
    epsilon_start: float = number(1.0)  # share of random actions at first
    epsilon_end: float = number(0.01)  # likewise, once it has fallen
    epsilon_share: float = 0.1  # of the run's updates, in which it falls linearly
    # lane i of B acts by epsilon^(1 + spread * i / (B - 1)); 0: all lanes are alike
    epsilon_spread: float = number(1.0)

    def __post_init__(self):
        super().__post_init__()
        self.check_shares("td_lambda", "epsilon_start", "epsilon_end", "epsilon_share")
        if not 0 <= self.epsilon_spread < float("inf"):
            raise ValueError(
                "epsilon_spread must be finite and not negative; got "
                f"{self.epsilon_spread}."
            )

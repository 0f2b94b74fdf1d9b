"""The row of `a2c`, and its configuration. Free of JAX."""

from dataclasses import dataclass

from agents import Row
from agents.acting.config import RolloutConfig, number


@dataclass(frozen=True)
class A2CConfig(RolloutConfig):  # in agents/a2c/config.py
    """Advantage actor-critic: one gradient step on each rollout."""

    epochs: int = 1  # what was collected is of this policy once only
    num_minibatches: int = 1
    gae_lambda: float = number(0.95)  # of advantages: 0 trusts values, 1 trusts returns
    value_coefficient: float = number(0.5)  # of the value loss, beside the policy's
    entropy_coefficient: float = number(0.01)  # of entropy, which is encouraged

    def __post_init__(self):
        super().__post_init__()
        self.check_shares("gae_lambda")
        self.check_not_negative("value_coefficient", "entropy_coefficient")


ROW = Row(  # the row: `"a2c": Row(...)` in agents/__init__.py
    A2CConfig,
    "examples.adding.agent:make_a2c",  # there "agents.a2c.agent:make_a2c"
    "advantage actor-critic; discrete and continuous actions",
)

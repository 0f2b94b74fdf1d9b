"""What distillation minimises: how surprising a source's actions are."""

from typing import Any, Protocol

from jax import Array

from agents.acting.distributions import DiscreteHead
from agents.acting.fit import Minibatch
from agents.acting.rollout import Metrics
from agents.acting.situation import Policy
from agents.distill.record import History


class Predictor(Protocol):
    """What the objective needs of an agent."""

    def policy(self, params: Any) -> Policy: ...

    @property
    def network(self) -> Any:
        """Whose `head` says how actions are counted."""
        ...


def loss(
    params: Any, batch: Minibatch, key: Array, agent: Predictor
) -> tuple[Array, Metrics]:
    """Mean of - log pi(a[t] | all before it). There is nothing to draw with `key`.

    Where the law of a[t] is known, the mean is over it, and not of the one action that
    was drawn: the same in expectation, with less noise.

    `batch.extra` is a `History`. Memory is cleared where a meta-episode opens and
    nowhere else: the ends of trials are seen, and remembered.
    """
    history: History = batch.extra
    policy = agent.policy(params)
    _, distribution, _ = policy(batch.initial_carry, history.obs, history.reset)
    head = agent.network.head
    if history.law is not None:
        surprise = distribution.cross_entropy(history.law)
    elif isinstance(head, DiscreteHead):
        surprise = -distribution.log_prob(history.action)
    else:  # between two bins
        surprise = distribution.cross_entropy(head.place(history.action))
    surprise = surprise.mean()
    return surprise, {"loss/surprise": surprise}

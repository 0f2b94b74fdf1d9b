"""Learners of a single task, whose histories are distilled. Functions of one lane.

Each keeps a table of the rows of `envs.contract.tabular` and of actions, [S, A]. All
that is drawn is drawn by `act`; `vmap` makes thousands of them.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import Array

from agents.distill.config import DistillConfig
from envs.contract.tabular import Table


class Experience(NamedTuple):
    """One step of one lane, as its source sees it."""

    row: Array  # [] int32 before it
    action: Array  # [] int32
    reward: Array  # [] float32
    next_row: Array  # [] int32 after it; of the next trial, where it ended one
    ended: Array  # [] bool, it ended a trial
    terminated: Array  # [] bool, and not by the trial's clock


class Source(Protocol):
    """A learner of one task."""

    def begin(self) -> Any:
        """What it remembers before it has seen anything."""
        ...

    def act(
        self, memory: Any, row: Array, epsilon: Array, key: Array
    ) -> tuple[Array, Array]:
        """[] int32, an action, and [A], the law that it was drawn by.

        `epsilon` [] is the share of random actions. Where the law is not known, it is
        told as if it could only have been this action: right in expectation.
        """
        ...

    def learn(self, memory: Any, step: Experience) -> Any:
        """What it remembers after a step."""
        ...


@dataclass(frozen=True)
class _Values:
    size: int  # S
    num_actions: int  # A
    learning_rate: float
    discount: float
    optimism: float = 0.0  # what a value is before anything was seen of it

    def _hoped(self) -> Array:
        shape = self.size, self.num_actions
        return jnp.full(shape, self.optimism, jnp.float32)

    def _greedy(self, q: Array, epsilon: Array, key: Array) -> tuple[Array, Array]:
        """An action and its law; equal ones of the best are as likely."""
        best = q == q.max()
        law = epsilon / self.num_actions + (1 - epsilon) * best / best.sum()
        return drawn(law, key), law


class QLearning(_Values):
    """Epsilon-greedy tabular Q-learning (Watkins, 1989); equal actions are drawn.

        q[s, a] += lr (r + discount max_b q[s', b] - q[s, a])

    What a trial's clock cut off is worth what it would have been, which nobody saw:
    such a step teaches nothing. One that terminated is worth its reward.
    """

    def begin(self) -> Array:
        return self._hoped()

    def act(self, memory: Array, row: Array, epsilon: Array, key: Array):
        return self._greedy(memory[row], epsilon, key)

    def learn(self, memory: Array, step: Experience) -> Array:
        future = jnp.where(step.ended, 0, memory[step.next_row].max())
        error = step.reward + self.discount * future - memory[step.row, step.action]
        cut = step.ended & ~step.terminated
        change = jnp.where(cut, 0, self.learning_rate * error)
        return memory.at[step.row, step.action].add(change)


class Known(NamedTuple):
    """What a planner has seen, [S, A], and what it makes of it."""

    q: Array
    reward: Array  # of the last time that the action was taken
    next_row: Array  # int32, likewise
    terminated: Array  # bool, likewise
    seen: Array  # bool, it was taken


class Dyna(_Values):
    """Dyna-Q (Sutton, 1990) of what a deterministic world has shown, all of it a step.

    As `QLearning`, and after every step each action that was ever taken is learned once
    more, as it went the last time. So a reward that was found once is walked to in the
    next trial, where Q-learning has to come upon its way back again and again.
    """

    def begin(self) -> Known:
        q = self._hoped()
        no = jnp.zeros(q.shape, bool)
        return Known(q, jnp.zeros_like(q), jnp.zeros(q.shape, jnp.int32), no, no)

    def act(self, memory: Known, row: Array, epsilon: Array, key: Array):
        return self._greedy(memory.q[row], epsilon, key)

    def learn(self, memory: Known, step: Experience) -> Known:
        cut = step.ended & ~step.terminated
        at = jnp.where(cut, self.size, step.row), step.action  # nowhere, where cut
        memory = memory._replace(
            reward=memory.reward.at[at].set(step.reward, mode="drop"),
            next_row=memory.next_row.at[at].set(step.next_row, mode="drop"),
            terminated=memory.terminated.at[at].set(step.terminated, mode="drop"),
            seen=memory.seen.at[at].set(True, mode="drop"),
        )
        future = jnp.where(memory.terminated, 0, memory.q.max(-1)[memory.next_row])
        error = memory.reward + self.discount * future - memory.q
        change = jnp.where(memory.seen, self.learning_rate * error, 0)
        return memory._replace(q=memory.q + change)


class Pulls(NamedTuple):
    """What a bandit's arms have paid, [A]."""

    times: Array  # it was pulled
    total: Array  # sum of rewards


@dataclass(frozen=True)
class _Counting:
    num_actions: int  # A

    def begin(self) -> Pulls:
        nothing = jnp.zeros(self.num_actions, jnp.float32)
        return Pulls(nothing, nothing)

    def learn(self, memory: Pulls, step: Experience) -> Pulls:
        pulled = jax.nn.one_hot(step.action, self.num_actions, dtype=jnp.float32)
        total = memory.total + pulled * step.reward
        return Pulls(memory.times + pulled, total)


class UCB(_Counting):
    """UCB1 (Auer et al., 2002): the arm of the highest mean + sqrt(2 log t / n).

    Arms not pulled yet come first; equal ones are drawn.
    """

    def act(self, memory: Pulls, row: Array, epsilon: Array, key: Array):
        count = jnp.maximum(memory.times, 1)
        bonus = jnp.sqrt(2 * jnp.log(jnp.maximum(memory.times.sum(), 1)) / count)
        bound = jnp.where(memory.times > 0, memory.total / count + bonus, jnp.inf)
        best = bound == bound.max()
        law = best / best.sum()
        return drawn(law, key), law


class Thompson(_Counting):
    """Thompson sampling of Bernoulli arms, from a uniform prior."""

    def act(self, memory: Pulls, row: Array, epsilon: Array, key: Array):
        lost = memory.times - memory.total
        rate = jax.random.beta(key, 1 + memory.total, 1 + lost, dtype=jnp.float32)
        action = jnp.argmax(rate).astype(jnp.int32)
        return action, jax.nn.one_hot(action, self.num_actions, dtype=jnp.float32)


def drawn(law: Array, key: Array) -> Array:
    """[] int32: an action by its chances [A]."""
    return jax.random.categorical(key, jnp.log(law)).astype(jnp.int32)


def make_source(config: DistillConfig, table: Table, num_actions: int) -> Source:
    """The source that a configuration names.

    Raises:
      ValueError: if a bandit's is asked for where there is more than one state.
    """
    if config.source in ("q_learning", "dyna"):
        source = QLearning if config.source == "q_learning" else Dyna
        rates = config.source_learning_rate, config.source_discount
        return source(table.size, num_actions, *rates, config.source_optimism)
    if table.size != 1:
        raise ValueError(
            f"source={config.source} learns bandits, which have 1 state; got "
            f"{table.size}: take source=q_learning."
        )
    return {"ucb": UCB, "thompson": Thompson}[config.source](num_actions)

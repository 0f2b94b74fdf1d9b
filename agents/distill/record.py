"""Histories: what a source saw and did while it learned a task, on the record.

    trial of the source   0    1 ... k-1   k    k+1 ... 2k-1   2k
                       record  practice  record   practice   record

Of k = `source_every` trials the first is recorded; the others are practice in the same
task, off the record: they are played on a copy of the environment's state. So what is
recorded is one meta-episode of the environment, in which the source improves k times
as fast, and every observation is what an agent that acts would see: nothing is cut out
of it and glued together.

Lanes go on by themselves, for trials may take unequally long. A meta-episode that ends
before the record is full is followed by another, of a new task and a new source.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.axes import ALONE, Axes
from agents.distill.sources import Experience, Source
from envs.contract.tabular import Table


class History(NamedTuple):
    """T steps of B sources. Index t is the decision taken on obs[t]."""

    obs: Any  # [T, B, ...]
    reset: Array  # [T, B] bool, obs[t] opens a meta-episode: a new task and source
    action: Array  # [T, B] int32
    reward: Array  # [T, B] float32, caused by action[t], as is the next
    trial_ended: Array  # [T, B] bool
    law: Array | None = None  # [T, B, A] chances of actions; None: not known


@dataclass(frozen=True)
class Recorder:
    """Sources at work in an environment.

    Attributes:
      env: a meta-environment (`again(state)`, and `info` as `envs.meta.wrapper` has).
      env_params: its.
      source: who learns.
      table: of the environment's states.
      epsilon: from the number of a source's trial, [] int32, to its share of random
        actions, [].
      every: k.
    """

    env: Any
    env_params: Any
    source: Source
    table: Table
    epsilon: Callable[[Array], Array]
    every: int

    def record(
        self, key: Array, *, length: int, num_lanes: int, axes: Axes = ALONE
    ) -> History:
        """[T, B] histories of new sources on new tasks, each from its first step on.

        Args:
          key: consumed.
          length: T, steps on the record.
          num_lanes: B.
          axes: over which this call is mapped.
        """
        begin_key, play_key = jax.random.split(key)
        keys = jax.random.split(begin_key, num_lanes)
        lanes = jax.vmap(self._begun)(keys)
        _, shapes = jax.eval_shape(jax.vmap(self._step), lanes, keys)
        empty = jax.tree.map(lambda x: jnp.zeros((length, *x.shape), x.dtype), shapes)
        lane_of = jnp.arange(num_lanes, dtype=jnp.int32)

        def go_on(state: _Recording) -> _Recording:
            keys = jax.random.split(
                jax.random.fold_in(play_key, state.number), num_lanes
            )
            # Practice has no place of its own: the next recorded step is written over
            # it. After the end there is no place.
            place = state.lanes.at
            lanes, seen = jax.vmap(self._step)(state.lanes, keys)
            kept = jax.tree.map(
                lambda all, new: all.at[place, lane_of].set(new, mode="drop"),
                *(state.kept, seen),
            )
            return _Recording(lanes, kept, state.number + 1)

        state = _Recording(lanes, empty, jnp.zeros((), jnp.int32))
        unfinished = partial(_unfinished, length=length, axes=axes)
        return jax.lax.while_loop(unfinished, go_on, state).kept

    def _begun(self, key: Array) -> "_Lane":
        obs, state = self.env.reset(key, self.env_params)
        zero, opens = jnp.zeros((), jnp.int32), jnp.ones((), bool)
        memory = self.source.begin()
        return _Lane(state, obs, opens, state, zero, zero, memory, zero)

    def _step(self, lane: "_Lane", key: Array) -> tuple["_Lane", History]:
        """One step of the source, on the record or off."""
        action_key, env_key = jax.random.split(key)
        recorded = lane.left == 0
        state = _where(recorded, lane.env_state, self.env.again(lane.practice))
        row = self.table.row(state, self.env_params)
        epsilon = self.epsilon(lane.trial * self.every - lane.left)
        action, law = self.source.act(lane.memory, row, epsilon, action_key)
        obs, state, reward, terminated, truncated, info = self.env.step(
            env_key, state, action, self.env_params
        )
        reward, ended = reward.astype(jnp.float32), info["trial_ended"]
        next_row = self.table.row(state, self.env_params)
        ends = ended, info["trial_terminated"]
        step = Experience(row, action, reward, next_row, *ends)
        learned = self.source.learn(lane.memory, step)
        seen = History(lane.obs, lane.reset, action, reward, ended, law)
        moved = _Moved(state, obs, terminated | truncated, ended, learned)
        return self._after(lane, moved, recorded), seen

    def _after(self, lane: "_Lane", moved: "_Moved", recorded: Array) -> "_Lane":
        """Where a lane stands; after practice, the record goes on where it stopped."""
        over, ended = recorded & moved.over, recorded & moved.trial_ended
        practised = ~recorded & moved.trial_ended
        left = jnp.where(ended, self.every - 1, lane.left - practised)
        return _Lane(
            env_state=_where(recorded, moved.env_state, lane.env_state),
            obs=_where(recorded, moved.obs, lane.obs),
            reset=jnp.where(recorded, over, lane.reset),
            practice=moved.env_state,
            left=jnp.where(over, 0, left).astype(jnp.int32),
            trial=jnp.where(over, 0, lane.trial + ended).astype(jnp.int32),
            memory=_where(over, self.source.begin(), moved.memory),
            at=(lane.at + recorded).astype(jnp.int32),
        )


class _Lane(NamedTuple):
    env_state: Any  # of the meta-episode that is recorded
    obs: Any
    reset: Array  # [] bool, `obs` opens it
    practice: Any  # of the practice, another such state
    left: Array  # [] int32, trials of practice that are still to be played
    trial: Array  # [] int32, recorded trials of this meta-episode that have ended
    memory: Any  # of the source
    at: Array  # [] int32, steps on the record


class _Moved(NamedTuple):
    env_state: Any
    obs: Any
    over: Array  # [] bool, the meta-episode ended
    trial_ended: Array  # [] bool
    memory: Any  # of the source, after it learned


class _Recording(NamedTuple):
    lanes: _Lane  # [B]
    kept: History  # [T, B]
    number: Array  # [] int32, steps so far, practice included


def _unfinished(state: _Recording, length: int, axes: Axes) -> Array:
    # The same for all that is vmapped, or `vmap` would select between whole records.
    return axes.any((state.lanes.at < length).any())


def _where(chosen: Array, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda x, y: jnp.where(chosen, x, y), new, old)


def falling(num_trials: int, every: int, share: float) -> Callable[[Array], Array]:
    """Epsilon by the number of a source's trial: 1 at first, linearly to 0.

    Args:
      num_trials: K, recorded trials of a meta-episode.
      every: k, trials of the source for each of them.
      share: of the recorded trials, in which it falls; the last of them has 0.
    """
    last = max((num_trials - 1) * every * share, 1)

    def epsilon(number: Array) -> Array:
        return jnp.maximum(1 - number.astype(jnp.float32) / last, 0)

    return epsilon

"""Gymnasium's vector environments, as they live on the host; NumPy, and no JAX.

A batch of environments has a number, which states on the device carry, and a clock. A
batch that is not there (the process that made it has ended) or whose clock says another
time (a state was kept and stepped again) cannot go on: its episodes are cut where they
stand, and new ones begin.
"""

import itertools
import secrets
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

Read = Callable[[Any], Any]


class Stepped(NamedTuple):
    """What a step of [B] lanes came to."""

    number: Any  # [B] int32 of the batch that each lane is in
    clock: Any  # [B] int32
    obs: Any  # [B, ...] after an automatic reset
    final_obs: Any  # [B, ...] before it
    reward: Any  # [B] float32
    terminated: Any  # [B] bool
    truncated: Any  # [B] bool


class _Batch:
    """A vector environment, and how many steps it has taken."""

    def __init__(self, made: VectorEnv, clock: int = 0):
        self.made, self.clock = made, clock


class Host:
    """Every batch of one environment in this process."""

    def __init__(
        self, name: str, make: Callable[[int], VectorEnv], read: Read, write: Read
    ):
        """Keeps what makes a batch.

        Args:
          name: ours, for what is said.
          make: of B; resets in the step that ends an episode (SAME_STEP).
          read: observations as the device has them.
          write: actions as Gymnasium has them.
        """
        self._name, self._make, self._read, self._write = name, make, read, write
        # Not from a count: a number of another process must be unknown here.
        self._numbers = itertools.count(secrets.randbits(30))
        self._batches: dict[int, _Batch] = {}
        self._one_at_a_time, self._told = threading.Lock(), False

    def reset(self, seeds: np.ndarray) -> tuple[np.ndarray, Any]:
        """A new batch: the number [B] and observations [B, ...].

        Args:
          seeds: [B] uint32, of each lane.
        """
        with self._one_at_a_time:
            number, obs = self._begun(np.asarray(seeds))
            return np.full(len(seeds), number, np.int32), obs

    def step(
        self, number: Any, clock: Any, last: Any, action: Any, seeds: Any
    ) -> Stepped:
        """A step of lanes [B], which belong to one batch or to several whole ones.

        Args:
          number: [B] of their batches.
          clock: [B] of their states.
          last: [B, ...] observations that the actions answer.
          action: [B, ...] as the device has them.
          seeds: [B] uint32, for lanes whose batch cannot go on.

        Raises:
          RuntimeError: for some lanes of a batch without the others.
        """
        with self._one_at_a_time:
            number, clock = np.asarray(number), np.asarray(clock)
            parts, found = [], []
            for one in dict.fromkeys(number.tolist()):
                lanes = np.flatnonzero(number == one)
                mine, theirs, chosen, drawn = (
                    _taken(x, lanes) for x in (clock, last, action, seeds)
                )
                parts.append(lanes)
                found.append(self._stepped(one, int(mine[0]), theirs, chosen, drawn))
            order = np.argsort(np.concatenate(parts), kind="stable")
            return Stepped(*(_joined(x, order) for x in zip(*found, strict=True)))

    def _stepped(self, number: int, clock: int, last: Any, action: Any, seeds: Any):
        batch, lanes = self._batches.get(number), len(seeds)
        if batch is None or batch.clock != clock:
            self._say(lanes)
            number, obs = self._begun(seeds)
            no = np.zeros(lanes, bool)
            whole = np.full(lanes, number, np.int32), np.zeros(lanes, np.int32)
            return Stepped(*whole, obs, last, no.astype(np.float32), no, ~no)
        if lanes != batch.made.num_envs:
            raise RuntimeError(
                f"{self._name} steps {batch.made.num_envs} environments at a time, all "
                f"that were reset together; got {lanes}."
            )
        obs, reward, terminated, truncated, infos = batch.made.step(self._write(action))
        batch.clock += 1
        seen = self._read(obs)
        final = self._final(seen, infos)
        numbers = np.full(lanes, number, np.int32)
        clocks = np.full(lanes, batch.clock, np.int32)
        reward = np.asarray(reward, np.float32)
        return Stepped(
            numbers, clocks, seen, final, reward, terminated.copy(), truncated.copy()
        )

    def _final(self, seen: Any, infos: dict[str, Any]) -> Any:
        """`seen`, but what was seen last where an episode ended."""
        ended = infos.get("_final_obs")
        if ended is None:
            return seen
        final = _each(np.copy, seen)
        for lane in np.flatnonzero(ended):
            one = _each(lambda x: np.asarray(x)[None], infos["final_obs"][lane])
            _put(final, int(lane), self._read(one))
        return final

    def _begun(self, seeds: np.ndarray) -> tuple[int, Any]:
        made = self._make(len(seeds))
        each: Any = [int(seed) for seed in seeds]  # which Gymnasium does not declare
        obs, _ = made.reset(seed=each)
        number = next(self._numbers) % 2**31
        self._batches[number] = _Batch(made)
        return number, self._read(obs)

    def _say(self, lanes: int) -> None:
        if not self._told:
            print(
                f"{self._name}: its episodes lived in another process or at another "
                f"time; {lanes} environments begin new ones, and what was interrupted "
                "does not go on exactly.",
                flush=True,
            )
        self._told = True


def vector(id: str, num_envs: int, mode: str, options: dict[str, Any]) -> VectorEnv:
    """Gymnasium's own, which resets in the step that ends an episode."""
    return gymnasium.make_vec(
        id,
        num_envs=num_envs,
        vectorization_mode=mode,
        vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
        **options,
    )


def _each(function: Callable[[Any], Any], x: Any) -> Any:
    """Over the leaves of dicts and tuples."""
    if isinstance(x, dict):
        return {key: _each(function, one) for key, one in x.items()}
    if isinstance(x, tuple):
        return tuple(_each(function, one) for one in x)
    return function(x)


def _taken(x: Any, lanes: np.ndarray) -> Any:
    return _each(lambda one: np.asarray(one)[lanes], x)


def _put(into: Any, lane: int, one: Any) -> None:
    if isinstance(into, dict | tuple):
        for key in into if isinstance(into, dict) else range(len(into)):
            _put(into[key], lane, one[key])
    else:
        into[lane] = one[0]


def _joined(parts: tuple[Any, ...], order: np.ndarray) -> Any:
    first = parts[0]
    if isinstance(first, dict):
        return {k: _joined(tuple(p[k] for p in parts), order) for k in first}
    if isinstance(first, tuple):
        return tuple(_joined(one, order) for one in zip(*parts, strict=True))
    return np.concatenate(parts)[order]

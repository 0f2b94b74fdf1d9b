"""One episode, as a sequence of moments, played at random or by an actor.

    obs[0] -> action[0] -> reward[0], terminated[0], truncated[0], obs[1] -> ...

Moment t is seen before action t and says what led to it. The last moment is the end of
the episode itself, not the beginning of the next one that `step` returns: its
observation is `info["final_observation"]`, its state that of `step_env`. Where a trial
of a meta-episode ends, the next one begins in the same step: there the state is the
next decision's, and `end` is where the trial's last action led.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


@dataclass(frozen=True)
class Moment:
    """What there is at step `time`; the middle fields are of the step that led here."""

    time: int
    obs: Any  # numpy arrays
    state: Any  # None where it is not kept or cannot be had
    action: Any = None  # None at the start, like reward
    reward: float | None = None
    terminated: bool = False
    truncated: bool = False
    total: float = 0.0  # sum of rewards up to here
    trial: int | None = None  # of a meta-episode, from 0; None where there are none
    trial_ended: bool = False  # the state is the next trial's first
    end: Any = None  # the state in which it ended, if it did and this can be had
    memory: float | None = None  # norm of what the actor remembered as it acted

    @property
    def ended(self) -> bool:
        """Whether the episode is over."""
        return self.terminated or self.truncated

    @property
    def led_to(self) -> Any:
        """The state that the action led to; None where it is not there."""
        return self.state if self.end is None else self.end


class Actor(Protocol):
    """Who plays. `act` is traced, for one environment."""

    memory: Any  # before anything was read

    def act(self, memory: Any, obs: Any, opens: Array, key: Array) -> tuple[Any, Any]:
        """`(memory, action)`; `opens` [] bool: `obs` opens an episode."""
        ...


class AtRandom:
    """Actions drawn from their space."""

    memory = ()

    def __init__(self, env: Any, params: Any):
        self._space = env.action_space(params)

    def act(self, memory: Any, obs: Any, opens: Array, key: Array) -> tuple[Any, Any]:
        """Looks at nothing."""
        return memory, self._space.sample(key)


def play(
    env: Any, params: Any, *, seed: int, max_steps: int, actor: Actor | None = None
) -> Iterator[Moment]:
    """Plays until the episode ends, or for `max_steps` steps.

    Keys: `key, reset_key = split(key(seed))` and, for each step, `key, act_key,
    step_key = split(key, 3)`. So the actions alone are enough to play it again.

    Args:
      env: an environment in the gymnax 1.x contract.
      params: its parameters.
      seed: the episode, and what is drawn to act, follow from it alone.
      max_steps: at least 1.
      actor: who plays; None: `AtRandom`.

    Yields:
      At most `max_steps + 1` moments, the first at time 0.
    """
    chosen = actor or AtRandom(env, params)
    key, reset_key = jax.random.split(jax.random.key(seed))
    decide, step = jax.jit(_deciding(chosen)), jax.jit(env.step)
    lead = jax.jit(_trial_end(env))
    obs, state = jax.jit(env.reset)(reset_key, params)
    memory = chosen.memory
    moment = Moment(0, _host(obs), state)
    yield moment
    while not moment.ended and moment.time < max_steps:
        key, act_key, step_key = jax.random.split(key, 3)
        opens = jnp.asarray(moment.time == 0)
        memory, action, norm = decide(memory, obs, opens, act_key)
        before = moment.state
        obs, state, reward, terminated, truncated, info = step(
            step_key, before, action, params
        )
        shown, reward = _host(info["final_observation"]), float(reward)
        trial_ended = bool(info.get("trial_ended", False))
        end = lead(step_key, before, action, params) if trial_ended else None
        if terminated or truncated:
            state = _last_state(env, step_key, before, action, params, shown)
        moment = Moment(
            time=moment.time + 1,
            obs=shown,
            state=state,
            action=_host(action),
            reward=reward,
            terminated=bool(terminated),
            truncated=bool(truncated),
            total=moment.total + reward,
            trial=int(info["trial"]) if "trial" in info else None,
            trial_ended=trial_ended,
            end=end,
            memory=None if norm is None else float(norm),
        )
        yield moment


def _deciding(actor: Actor) -> Any:
    """`actor.act`, and the norm of all numbers in memory; None where there are none."""

    def decide(memory, obs, opens, key):
        memory, action = actor.act(memory, obs, opens, key)
        leaves = [jnp.asarray(leaf) for leaf in jax.tree.leaves(memory)]
        leaves = [x for x in leaves if jnp.issubdtype(x.dtype, jnp.inexact)]
        if not leaves:
            return memory, action, None
        squares = [jnp.sum(jnp.abs(x).astype(jnp.float32) ** 2) for x in leaves]
        return memory, action, jnp.sqrt(jnp.stack(squares).sum())

    return decide


class Recording:
    """Moments as they come, with the states of evenly spaced ones to be drawn.

    How long an episode will be is not known while it is played. So every state is kept
    until there are more than `max_frames`; then every second one is dropped, and from
    then on only every second one is kept. The first and the last that a trial is played
    from are always kept.
    """

    def __init__(self, max_frames: int):
        self.max_frames = max_frames
        self.stride = 1
        self.moments: list[Moment] = []
        self._ends: set[int] = set()  # of trials, whose states are kept

    def add(self, moment: Moment) -> None:
        """Takes the next moment."""
        if moment.trial_ended:
            self._ends |= {moment.time - 1, moment.time}
        if len(self._to_keep(moment.time)) > self.max_frames - 1:
            self.stride *= 2
            self.moments = [self._thinned(m) for m in self.moments]
        if self.moments:
            self.moments[-1] = self._thinned(self.moments[-1])
        self.moments.append(moment)

    def watch(self, moments: Iterable[Moment]) -> Iterator[Moment]:
        """Passes moments on and keeps them."""
        for moment in moments:
            self.add(moment)
            yield moment

    def frames(self, at_most: int | None = None) -> list[Moment]:
        """The moments to draw, evenly spaced, the first and the last among them."""
        last = self.moments[-1].time
        kept = [self.moments[t] for t in self._to_keep(last)] + [self.moments[-1]]
        if at_most is None or len(kept) <= at_most:
            return kept
        return [kept[round(i)] for i in np.linspace(0, len(kept) - 1, at_most)]

    def step(self, moment: Moment) -> str:
        """Which step led to a moment: "trial 2    step 7 of 20", or "step 7 of 20".

        Counted from 1 in each trial, or in the episode where there are none. How many
        there are is said where they came to an end.
        """
        trial = moment.trial
        if moment.time == 0 and len(self.moments) > 1:  # nothing has led there
            trial = self.moments[1].trial
        own = [other for other in self.moments[1:] if other.trial == trial]
        line = f"step {moment.time - own[0].time + 1 if own else 0}"
        if own and (own[-1].trial_ended or own[-1].ended):
            line += f" of {len(own)}"
        return line if trial is None else f"trial {trial + 1}    {line}"

    def past(self, moment: Moment) -> list[tuple[Any, float]]:
        """`(action, reward)` of every step that led to a moment."""
        steps = self.moments[1 : moment.time + 1]
        return [(step.action, step.reward or 0.0) for step in steps]

    def _to_keep(self, last: int) -> range:
        return range(0, last, self.stride)

    def _thinned(self, moment: Moment) -> Moment:
        drop = moment.time % self.stride and moment.time not in self._ends
        return replace(moment, state=None) if drop else moment


def _trial_end(env: Any) -> Any:
    """Where a step leads before the next trial; None if the environment cannot say."""

    def lead(key, state, action, params):
        if not hasattr(env, "led_to"):
            return None
        # `step` gives `step_env`, and so this, the first half of its key.
        return env.led_to(jax.random.split(key)[0], state, action, params)

    return lead


def _last_state(env, key, state, action, params, final_obs) -> Any:
    """The state in which an episode ended; None if it cannot be had.

    `step` returns the next episode's. gymnax's environments, and those made like them,
    step by `step_env` with the first half of the key; it has to see `final_obs` too.
    """
    if not hasattr(env, "step_env"):
        return None
    obs, state, *_ = jax.jit(env.step_env)(
        jax.random.split(key)[0], state, action, params
    )
    mine, theirs = jax.tree.leaves(_host(obs)), jax.tree.leaves(final_obs)
    same = len(mine) == len(theirs) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)
        for a, b in zip(mine, theirs, strict=True)
    )
    return state if same else None


def _host(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)

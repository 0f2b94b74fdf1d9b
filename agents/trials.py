"""Playing meta-episodes trial by trial, with memory as it is or tampered with.

The controls are what makes an adaptation curve believable: if clearing or swapping an
agent's memory does not hurt it, it was not learning in context.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from agents.rollout import Policy, Situation, advance, begin, read

CONTROLS = ("none", "cleared", "swapped", "never_reset")
RANDOM = "random"  # uniformly random actions, in place of the policy's


class Trials(NamedTuple):
    """K trials of each of N meta-episodes."""

    trial_return: Array  # [N, K] undiscounted
    length: Array  # [N, K] steps


class _Play(NamedTuple):
    now: Situation
    trial: Array  # [N] int32, trials that have ended
    fresh: Array  # [N] bool, a trial after the first starts here
    trials: Trials
    kept: Any  # [N, ...] memory as it was when trial `swap_at` began
    key: Array


def play_trials(
    policy: Policy,
    carry: Any,
    key: Array,
    *,
    num_tasks: int,
    num_trials: int,
    swap_at: int,
    control: str,
    env: Any,
    env_params: Any,
    to_env: Callable[[Array], Array],
    greedy: bool,
) -> Trials:
    """Plays one meta-episode on each of N tasks.

    With the same `key`, tasks, start states and the environment's draws are the same
    under every control.

    Args:
      policy: `(carry, obs, reset) -> (carry, distribution, value)` over [T, N].
      carry: [N, ...] memory that has read nothing.
      key: consumed.
      num_tasks: N.
      num_trials: K; of a meta-episode of `env`.
      swap_at: the trial, from 1 to K - 1, that "swapped" begins with wrong memory.
      control: "none": memory as the agent keeps it. "cleared": nothing is remembered
        from one trial to the next. "swapped": one trial begins with what was
        remembered, at that very point, of the next lane's task. "never_reset": the
        meta-episode begins with the memory of one on another task. "random": uniformly
        random actions, whatever the policy.
      env: a meta-environment (`info` as `envs.meta.wrapper` gives it).
      env_params: its.
      to_env: what the environment gets for an action of the distribution.
      greedy: take the mode of the distribution instead of a sample.
    """
    known = (*CONTROLS, RANDOM)
    if control not in known:
        raise ValueError(f"control must be one of {', '.join(known)}; got {control!r}.")
    begin_key, play_key = jax.random.split(key)
    empty = carry

    def start(key: Array, carry: Any, reset: bool) -> _Play:
        now = begin(env, env_params, carry, key, num_tasks)
        now = now._replace(reset=jnp.full(num_tasks, reset))
        return _nothing_played(now, num_trials, empty, play_key)

    run = partial(
        _run,
        act=_actor(policy, control, env, env_params, to_env, greedy),
        env=env,
        env_params=env_params,
        swap_at=swap_at,
    )
    if control == "cleared":

        def cleared(state: _Play) -> Any:
            return _where(state.fresh, empty, state.now.carry)

        return run(start(begin_key, empty, True), cleared).trials
    if control == "never_reset":
        other = run(start(jax.random.fold_in(begin_key, 1), empty, True), _as_it_is)
        return run(start(begin_key, other.now.carry, False), _as_it_is).trials
    first = run(start(begin_key, empty, True), _as_it_is)
    if control in ("none", RANDOM):
        return first.trials
    wrong = jax.tree.map(lambda x: jnp.roll(x, -1, axis=0), first.kept)

    def swapped(state: _Play) -> Any:
        return _where(state.fresh & (state.trial == swap_at), wrong, state.now.carry)

    return run(start(begin_key, empty, True), swapped).trials


def tasks_of(key: Array, *, num_tasks: int, env: Any, env_params: Any) -> Any:
    """[N, ...] the hidden tasks that `play_trials` plays with the same `key`."""
    begin_key, _ = jax.random.split(key)
    return begin(env, env_params, (), begin_key, num_tasks).env_state.task


def _nothing_played(now: Situation, num_trials: int, empty: Any, key: Array) -> _Play:
    """Where a meta-episode begins. `key` is for what is drawn in it."""
    n = len(now.reset)
    zeros = jnp.zeros((n, num_trials))
    trials = Trials(zeros, zeros.astype(jnp.int32))
    never = jnp.zeros(n, bool)
    return _Play(now, jnp.zeros(n, jnp.int32), never, trials, empty, key)


def _actor(policy, control, env, env_params, to_env, greedy):
    """`(now, key) -> (carry, action [N, ...])`, the environment's action."""

    def at_random(now: Situation, key: Array) -> tuple[Any, Array]:
        draw = jax.vmap(env.action_space(env_params).sample)
        return now.carry, draw(jax.random.split(key, len(now.reset)))

    def as_the_policy(now: Situation, key: Array) -> tuple[Any, Array]:
        carry, distribution, _ = read(policy, now.carry, now.obs, now.reset)
        drawn = distribution.mode() if greedy else distribution.sample(key)
        return carry, to_env(drawn[0])

    return at_random if control == RANDOM else as_the_policy


def _run(state: _Play, tamper: Callable, *, act, env, env_params, swap_at) -> _Play:
    """Plays until every lane has played all trials.

    `tamper` gives the memory [N, ...] that a step begins with, `act` is an `_actor`.
    """
    num_trials = state.trials.length.shape[1]

    def step(state: _Play) -> _Play:
        now = state.now._replace(carry=tamper(state))
        key, action_key, env_key = jax.random.split(state.key, 3)
        carry, action = act(now, action_key)
        now, outcome = advance(
            *(now, carry, action, env_key),
            env=env,
            env_params=env_params,
            to_env=lambda action: action,
        )
        return _count(state, now, outcome.info, swap_at, key)

    def unfinished(state: _Play) -> Array:
        return (state.trial < num_trials).any()

    return jax.lax.while_loop(unfinished, step, state)


def _as_it_is(state: _Play) -> Any:
    """Memory that nobody tampers with."""
    return state.now.carry


def _count(state: _Play, now: Situation, info: Any, swap_at: int, key: Array) -> _Play:
    """Writes down trials that ended, in the lanes that have not played all of them."""
    ended = info["trial_ended"]
    num_trials = state.trials.length.shape[1]
    here = ended[:, None] & (jnp.arange(num_trials)[None] == state.trial[:, None])
    reached = Trials(info["trial_return"], info["trial_length"])
    trials = jax.tree.map(
        lambda kept, new: jnp.where(here, new[:, None], kept), state.trials, reached
    )
    trial = jnp.minimum(state.trial + ended.astype(jnp.int32), num_trials)
    kept = _where(ended & (trial == swap_at), now.carry, state.kept)
    return _Play(now, trial, ended & ~now.reset, trials, kept, key)


def _where(lanes: Array, new: Any, old: Any) -> Any:
    """`new` [N, ...] in some lanes, `old` in the rest."""

    def choose(x, y):
        return jnp.where(lanes.reshape(-1, *(1,) * (x.ndim - 1)), x, y)

    return jax.tree.map(choose, new, old)

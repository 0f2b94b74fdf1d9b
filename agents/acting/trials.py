"""Playing meta-episodes trial by trial, with memory as it is or tampered with.

The controls are what makes an adaptation curve believable: if clearing or swapping an
agent's memory does not hurt it, it was not learning in context. One program plays them
all, for a meta-episode takes far longer to compile than to play.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.controls import CONTROLS, RANDOM
from agents.acting.situation import Policy, Situation, advance, begin, decide
from envs.contract.expert import Expert, Led

_KNOWN = (*CONTROLS, RANDOM)


class Trials(NamedTuple):
    """K trials of each of N meta-episodes."""

    trial_return: Array  # [N, K] undiscounted
    length: Array  # [N, K] steps


class Played(NamedTuple):
    """A meta-episode on each of N tasks, and the memory it left."""

    trials: Trials
    at_swap: Any  # [N, ...] memory as it was when trial `swap_at` began
    at_end: Any  # [N, ...]


class _Play(NamedTuple):
    now: Situation
    trial: Array  # [N] int32, trials that have ended
    fresh: Array  # [N] bool, a trial after the first starts here
    trials: Trials
    at_swap: Any  # [N, ...] memory as it was when trial `swap_at` began
    key: Array


def number(control: str) -> int:
    """What `play_trials` calls a control.

    Raises:
      ValueError: for an unknown one.
    """
    if control not in _KNOWN:
        raise ValueError(
            f"control must be one of {', '.join(_KNOWN)}; got {control!r}."
        )
    return _KNOWN.index(control)


def play_controls(
    play: Callable[[Array, int, Any], Played], key: Array, empty: Any, axis: int = 0
) -> dict[str, Trials]:
    """Trials under every control and of random play, on the same tasks.

    Args:
      play: `(key, control, foreign) -> Played`, a compiled `play_trials`.
      key: consumed.
      empty: memory that has read nothing, with tasks along `axis`.
      axis: likewise, of what `play` returns.
    """
    own = play(key, number("none"), empty)
    other = play(jax.random.fold_in(key, 1), number("none"), empty)
    foreign = {
        "swapped": jax.tree.map(lambda x: jnp.roll(x, -1, axis), own.at_swap),
        "never_reset": other.at_end,
    }
    rest = {
        control: play(key, number(control), foreign.get(control, empty)).trials
        for control in _KNOWN[1:]
    }
    return {"none": own.trials, **rest}


def play_trials(
    policy: Policy,
    carry: Any,
    key: Array,
    control: Array,
    foreign: Any,
    *,
    num_tasks: int,
    num_trials: int,
    swap_at: int,
    env: Any,
    env_params: Any,
    to_env: Callable[[Array], Array],
    greedy: bool,
) -> Played:
    """Plays one meta-episode on each of N tasks.

    With the same `key`, tasks, start states and the environment's draws are the same
    under every control.

    Args:
      policy: `(carry, obs, reset) -> (carry, distribution, value)` over [T, N].
      carry: [N, ...] memory that has read nothing.
      key: consumed.
      control: [] int32, the `number` of one. "none": memory as the agent keeps it.
        "cleared": nothing is remembered from one trial to the next. "swapped": one
        trial begins with `foreign` memory. "never_reset": the meta-episode begins with
        `foreign` memory. "random": uniformly random actions, whatever the policy.
      foreign: [N, ...] memory of other tasks.
      num_tasks: N.
      num_trials: K; of a meta-episode of `env`.
      swap_at: the trial, from 1 to K - 1, that "swapped" begins with wrong memory.
      env: a meta-environment (`info` as `envs.meta.wrapper` gives it).
      env_params: its.
      to_env: what the environment gets for an action of the distribution.
      greedy: take the mode of the distribution instead of a sample.
    """
    cleared, swapped, never_reset, random = (
        control == number(name)
        for name in ("cleared", "swapped", "never_reset", RANDOM)
    )

    def tampered(state: _Play) -> Any:
        swap = swapped & state.fresh & (state.trial == swap_at)
        clear = cleared & state.fresh
        return _where(swap, foreign, _where(clear, carry, state.now.carry))

    def act(now: Situation, key: Array) -> tuple[Any, Array]:
        memory, drawn = decide(policy, now, key, greedy=greedy)
        action = to_env(drawn)
        draw = jax.vmap(env.action_space(env_params).sample)
        anything = draw(jax.random.split(key, num_tasks))
        return memory, jnp.where(random, anything.astype(action.dtype), action)

    def step(state: _Play) -> _Play:
        now = state.now._replace(carry=tampered(state))
        key, action_key, env_key = jax.random.split(state.key, 3)
        memory, action = act(now, action_key)
        now, outcome = advance(
            *(now, memory, action, env_key),
            env=env,
            env_params=env_params,
            to_env=lambda action: action,
        )
        return _count(state, now, outcome.info, swap_at, key)

    def unfinished(state: _Play) -> Array:
        return (state.trial < num_trials).any()

    begin_key, play_key = jax.random.split(key)
    starts_foreign = jnp.full(num_tasks, never_reset)
    memory = _where(starts_foreign, foreign, carry)
    now = begin(env, env_params, memory, begin_key, num_tasks)
    now = now._replace(reset=~starts_foreign)
    state = _nothing_played(now, num_trials, play_key)
    state = jax.lax.while_loop(unfinished, step, state)
    return Played(state.trials, state.at_swap, state.now.carry)


class _Anything(NamedTuple):
    """A distribution that is asked for an action which nobody takes."""

    action: Array  # [1, N, ...]

    def mode(self) -> Array:
        return self.action


def play_expert(
    act: Expert,
    key: Array,
    *,
    num_tasks: int,
    num_trials: int,
    env: Any,
    env_params: Any,
) -> Trials:
    """Trials of an expert, on the tasks that `play_trials` plays with the same `key`.

    Args:
      act: `(state, params) -> action` of one state.
      key: consumed.
      num_tasks: N.
      num_trials: K.
      env: a meta-environment, with its `env_params`.
    """
    sample = env.action_space(env_params).sample(key)
    anything = _Anything(jnp.zeros((1, num_tasks, *sample.shape), sample.dtype))

    def policy(carry: Any, obs: Any, reset: Array) -> tuple[Any, Any, Array]:
        return carry, anything, jnp.zeros(reset.shape, jnp.float32)

    played = play_trials(
        *(policy, (), key, jnp.int32(number("none")), ()),
        num_tasks=num_tasks,
        num_trials=num_trials,
        swap_at=num_trials,  # never
        env=Led(env, act),
        env_params=env_params,
        to_env=lambda action: action,
        greedy=True,
    )
    return played.trials


def tasks_of(key: Array, *, num_tasks: int, env: Any, env_params: Any) -> Any:
    """[N, ...] the hidden tasks that `play_trials` plays with the same `key`."""
    begin_key, _ = jax.random.split(key)
    return begin(env, env_params, (), begin_key, num_tasks).env_state.task


def _nothing_played(now: Situation, num_trials: int, key: Array) -> _Play:
    """Where a meta-episode begins. `key` is for what is drawn in it."""
    n = len(now.reset)
    zeros = jnp.zeros((n, num_trials), jnp.float32)
    trials = Trials(zeros, zeros.astype(jnp.int32))
    never = jnp.zeros(n, bool)
    return _Play(now, jnp.zeros(n, jnp.int32), never, trials, now.carry, key)


def _count(state: _Play, now: Situation, info: Any, swap_at: int, key: Array) -> _Play:
    """Writes down trials that ended, in the lanes that have not played all of them."""
    ended = info["trial_ended"]
    num_trials = state.trials.length.shape[1]
    here = ended[:, None] & (
        jnp.arange(num_trials, dtype=jnp.int32)[None] == state.trial[:, None]
    )
    reached = Trials(info["trial_return"], info["trial_length"])
    trials = jax.tree.map(
        lambda kept, new: jnp.where(here, new[:, None], kept), state.trials, reached
    )
    trial = jnp.minimum(state.trial + ended.astype(jnp.int32), num_trials)
    at_swap = _where(ended & (trial == swap_at), now.carry, state.at_swap)
    return _Play(now, trial, ended & ~now.reset, trials, at_swap, key)


def _where(lanes: Array, new: Any, old: Any) -> Any:
    """`new` [N, ...] in some lanes, `old` in the rest."""

    def choose(x, y):
        return jnp.where(lanes.reshape(-1, *(1,) * (x.ndim - 1)), x, y)

    return jax.tree.map(choose, new, old)

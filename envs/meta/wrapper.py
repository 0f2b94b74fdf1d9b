"""Several trials of one hidden task: any gymnax 1.x environment as a meta-environment.

    meta-episode   a task is drawn, and hidden; memory lives from here to the end
      trial 0        one episode of the environment, in that task
      trial 1        another, from a fresh start state
      ...

The observation is [D' + A + 3], float32: what the task shows of the environment's
observation; the previous action (one-hot, or as it is); the previous reward; 1 where a
trial ended just before; 1 where a meta-episode starts. The last reward of a trial is
seen with the first observation of the next. At the start of a meta-episode, a reset's
or an automatic one's, action and reward are zero.

The end of a trial is neither `terminated` nor `truncated`. `info` tells of it: `trial`,
the number of the trial played, from 0; `trial_ended`, and `trial_terminated` where its
clock was not why; `trial_return` and `trial_length` so far, this step included. The
last trial's end is `terminated`; a budget of steps (`max_steps_in_episode`) ends a
meta-episode with `truncated`. `info["continuation"]` is what the future is multiplied
by besides the agent's discount: `trial_discount` where a trial ended, else 1. With 0,
each trial is valued alone, and memory lives on.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment, spaces
from jax import Array

from envs.contract import expert, groups, tabular
from envs.contract.auto_reset import AutoReset, reset_where
from envs.contract.spaces import flat_size, flatten
from envs.drawing.picture import drawn
from envs.meta.tasks import ALL_SPLITS, check_split
from envs.meta.variations import Variation, task_key

RELEASED = "released"


@struct.dataclass(kw_only=True)
class MetaParams(environment.EnvParams):
    """The budget of steps, and the environment's own params."""

    max_steps_in_episode: int = 1
    inner: Any


@struct.dataclass
class MetaState(environment.EnvState):
    """Where a meta-episode stands."""

    time: Array  # [] int32, steps of the meta-episode
    inner: Any  # the environment's state
    task: Any  # hidden
    start_key: Any  # whose second half the first trial was reset with; or None
    trial: Array  # [] int32, trials that have ended
    trial_return: Array  # [] of the trial that is being played
    trial_length: Array  # [] int32, likewise


class Meta(AutoReset):
    """`num_trials` episodes of `env` in a task that `variation` draws.

    Args:
      env: a gymnax 1.x environment (with `reset_env` and `step_env`).
      variation: what differs between tasks.
      num_trials: of a meta-episode.
      split: which tasks: "train", "held_out", "shifted" or "bodies".
      num_tasks: size of the split's finite set of tasks; None for all there are.
      trial_discount: see the module's docstring.
      fresh_starts: whether trials start anew; False starts all trials of a meta-episode
        from the same state, as the code released with Lu et al. (2023) does.
      layout: "full", as above; "released": that code's [obs, index of the previous
        action, trial ended, start], without the reward.
    """

    reset_is_costly = True

    def __init__(
        self,
        env: Any,
        variation: Variation,
        *,
        num_trials: int,
        split: str = "train",
        num_tasks: int | None = None,
        trial_discount: float = 1.0,
        fresh_starts: bool = True,
        layout: str = "full",
    ):
        super().__init__()
        check_split(split, ALL_SPLITS)
        self.env, self.variation, self.num_trials = env, variation, num_trials
        self.split, self.num_tasks = split, num_tasks
        self.trial_discount, self.fresh_starts = trial_discount, fresh_starts
        self.layout = layout
        # Variations learn the sizes here, so that a misfit is refused when it is built.
        params = env.default_params
        self._seen = variation.observed_size(flat_size(env.observation_space(params)))
        self._actions = variation.action_space(env.action_space(params))
        # Experts are asked for by name: there is one where the environment has one.
        if expert.best_actions(env) is not None:
            self.best_actions = self._best_actions
        if groups.count(env) > 1:
            self.num_groups, self.group = groups.count(env), self._group
        rows = tabular.table(env)
        if rows is not None:
            self.table_size, self.table_row = rows.size, self._table_row

    @property
    def name(self) -> str:
        return f"meta {self.env.name}"

    @property
    def ends_together(self) -> bool:
        return getattr(self.env, "ends_together", False)

    def params_for(self, inner: Any, max_steps: int | None = None) -> MetaParams:
        """Params around the environment's own; without a budget, all trials fit in."""
        limit = self.num_trials * inner.max_steps_in_episode
        return MetaParams(
            max_steps_in_episode=limit if max_steps is None else max_steps, inner=inner
        )

    @property
    def default_params(self) -> MetaParams:
        return self.params_for(self.env.default_params)

    def reset_env(self, key, params):
        draw_key, start_key = jax.random.split(key)
        task = self.variation.draw(
            task_key(draw_key, self.split, self.num_tasks), self.split
        )
        inner_params = self.variation.params(task, params.inner)
        obs, inner = self.env.reset_env(start_key, inner_params)
        state = MetaState(
            time=jnp.zeros((), jnp.int32),
            inner=inner,
            task=task,
            start_key=None if self.fresh_starts else key,
            trial=jnp.zeros((), jnp.int32),
            trial_return=jnp.zeros((), jnp.float32),
            trial_length=jnp.zeros((), jnp.int32),
        )
        action = jnp.zeros(flat_size(self._actions), jnp.float32)
        flags = jnp.array([0.0, 0.0, 1.0], jnp.float32)  # reward, trial ended, start
        return self._show(task, obs, action, flags, params), state

    def step_env(self, key, state, action, params):
        inner_params = self.variation.params(state.task, params.inner)
        obs, inner, reward, terminated = self._stepped(key, state, action, inner_params)
        reward = jnp.asarray(reward, jnp.float32)
        ended = terminated | self.env.is_truncated(inner, inner_params)
        info = {
            "trial": state.trial,
            "trial_ended": ended,
            "trial_terminated": terminated,
            "trial_return": state.trial_return + reward,
            "trial_length": state.trial_length + 1,
            "continuation": jnp.where(ended, jnp.float32(self.trial_discount), 1.0),
        }
        start_key = key if self.fresh_starts else state.start_key
        obs, inner = reset_where(self.env, ended, start_key, inner_params, (obs, inner))
        state = state.replace(
            time=state.time + 1,
            inner=inner,
            trial=state.trial + ended.astype(jnp.int32),
            trial_return=jnp.where(ended, 0, info["trial_return"]),
            trial_length=jnp.where(ended, 0, info["trial_length"]),
        )
        action = flatten(self._actions, action)
        flags = jnp.stack([reward, ended, jnp.zeros((), bool)], dtype=jnp.float32)
        obs = self._show(state.task, obs, action, flags, params)
        return obs, state, reward, self.is_terminated(state, params), info

    def led_to(self, key, state: Any, action, params: MetaParams) -> Any:
        """Where `step_env` leads with the same key, but no next trial is begun.

        Of a trial's last step this is the end, which `step_env` never shows. For
        pictures: `trial` and the sums are those of before the step.
        """
        inner_params = self.variation.params(state.task, params.inner)
        _, inner, *_ = self._stepped(key, state, action, inner_params)
        return state.replace(time=state.time + 1, inner=inner)

    def _stepped(self, key, state, action, inner_params) -> tuple:
        """`(obs, state, reward, terminated)` of the environment itself."""
        action = self.variation.act(state.task, action)
        step_key = jax.random.split(key)[0]
        return self.env.step_env(step_key, state.inner, action, inner_params)[:4]

    def is_terminated(self, state, params):
        return state.trial >= self.num_trials

    def is_truncated(self, state, params):
        # Trials that all take their longest end the meta-episode, and not the clock.
        out_of_time = state.time >= params.max_steps_in_episode
        return out_of_time & ~self.is_terminated(state, params)

    def markov_state(self, state: MetaState, params: MetaParams) -> Array:
        """[M] everything hidden: the task, the environment's state, the trial.

        For privileged critics. The environment's own state is in it if the environment
        has a `markov_state`.
        """
        inner_params = self.variation.params(state.task, params.inner)
        inner = jnp.zeros(0, jnp.float32)
        if hasattr(self.env, "markov_state"):
            inner = self.env.markov_state(state.inner, inner_params)
        task = [jnp.ravel(x) for x in jax.tree.leaves(state.task)]
        share = state.trial[None] / self.num_trials
        parts = [inner, share, *task]
        return jnp.concatenate([jnp.asarray(x, jnp.float32) for x in parts])

    def again(self, state: Any) -> Any:
        """The same task and trial, as if nothing had been played before.

        Who asks before every step plays in this task for as long as they like.
        """
        zero = jnp.zeros_like(state.trial)
        return state.replace(trial=zero, time=zero)

    def inner_params(self, state: MetaState, params: MetaParams) -> Any:
        """The environment's params in the hidden task, its clock cut by the budget."""
        inner = self.variation.params(state.task, params.inner)
        last = state.inner.time + params.max_steps_in_episode - state.time
        limit = jnp.minimum(inner.max_steps_in_episode, last)
        return inner.replace(max_steps_in_episode=limit)

    def _group(self, state: MetaState, params: MetaParams) -> Array:
        """[] int32: the environment's group in this task."""
        return self.env.group(state.inner, self.inner_params(state, params))

    def _best_actions(self, state: MetaState, params: MetaParams) -> Array:
        """[A] bool: those that stand for the environment's best ones in this task."""
        inner = self.inner_params(state, params)
        best = self.env.best_actions(state.inner, inner)
        every = jnp.arange(len(best), dtype=jnp.int32)
        return best[jax.vmap(lambda a: self.variation.act(state.task, a))(every)]

    def _table_row(self, state: MetaState, params: MetaParams) -> Array:
        """[] int32: the row of the environment's state in this task."""
        inner_params = self.variation.params(state.task, params.inner)
        return self.env.table_row(state.inner, inner_params)

    def render(self, state: MetaState, params: MetaParams, past: Any = ()):
        """The environment's picture of the trial, in the hidden task; or None.

        `past` is `(action, reward)` of every step, of all trials, where it is drawn.
        """
        draw = getattr(self.env, "render", None)
        if draw is None:
            return None
        task_params = self.variation.params(state.task, params.inner)
        # As made out in the hidden task, where a picture is of that: it takes a while.
        past = ((self.variation.act(state.task, action), paid) for action, paid in past)
        return drawn(draw, state.inner, task_params, past)

    def action_space(self, params=None):
        return self._actions

    @property
    def num_actions(self) -> int:
        return flat_size(self._actions)

    def observation_space(self, params=None):
        extra = flat_size(self._actions) + 3
        if self.layout == RELEASED:
            extra = 3
        return spaces.Box(-jnp.inf, jnp.inf, (self._seen + extra,), jnp.float32)

    def _show(self, task, obs, action, flags, params) -> Array:
        obs = flatten(self.env.observation_space(params.inner), obs)
        obs = self.variation.observe(task, obs)
        if self.layout == RELEASED:
            action = jnp.argmax(action)[None].astype(jnp.float32)
            flags = flags[1:]
        return jnp.concatenate([obs, action, flags])

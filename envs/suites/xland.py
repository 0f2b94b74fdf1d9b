"""XLand-MiniGrid as `xland/<id>`: grid worlds whose rules are part of the task.

`xland/MiniGrid-...` are ports of MiniGrid's tasks. `xland/XLand-MiniGrid-...` are rooms
(R1 to R9) without a task of their own: goal, rules and objects are a ruleset, drawn at
every reset from a benchmark and never shown. Name one of the suite's with
`benchmark=small-1m` (see `envs.suites.xland_tasks`, which also splits it), or give
your own file as `benchmark_path=`.

Observation: what the agent sees ahead of it, `[view, view, 2]` uint8, tile and colour;
with `show_direction` or `show_task` a dict of that (`img`) and `direction` [4] one-hot,
or `goal_encoding` [5] and `rule_encoding` [R, 7], which the suite's wrappers give.
Reward: 1 - 0.9 * steps / max_steps_in_episode on success, else 0; Playground has none.

Parameters: `max_steps_in_episode` (by default the suite's formula for the grid's size),
the sizes that the environment has (`height`, `width`, `view_size`, `num_objects`), the
two above, and for XLand those of `xland_tasks.choose`.

A goal reached in the very last step is both terminated and truncated. The suite draws
nothing in a step, so `step` does not use its key.
"""

import dataclasses
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from gymnax.environments import environment, spaces
from jax import Array

from envs.config import SuiteConfig
from envs.suites import options, xland_tasks
from envs.suites.adapter import Adapter


@struct.dataclass
class Params(environment.EnvParams):
    """What `step` and `reset` are told."""

    suite: Any = None  # xminigrid's EnvParams; max_steps_in_episode is its max_steps
    tasks: Any = None  # xminigrid's Benchmark, N rulesets; None: suite.ruleset, if any


class XLand(Adapter):
    """One environment of the suite, in gymnax's contract."""

    def begin(self, key: Array, params: Params) -> tuple[Any, Any]:
        suite = _limited(params)
        if params.tasks is not None:
            key, task_key = jax.random.split(key)
            suite = suite.replace(ruleset=params.tasks.sample_ruleset(task_key))
        timestep = self.bare.reset(suite, key)
        return timestep.observation, timestep

    def advance(self, key: Array, inner: Any, action: Any, params: Params) -> tuple:
        action = jnp.asarray(action, jnp.int32)
        timestep = self.bare.step(_limited(params), inner, action)
        terminated = timestep.last() & (timestep.discount == 0)
        cut = timestep.last() & ~terminated
        return timestep.observation, timestep, timestep.reward, terminated, cut

    def action_space(self, params: Params) -> spaces.Discrete:
        return spaces.Discrete(self.bare.num_actions(params.suite))

    def observation_space(self, params: Params) -> spaces.Space:
        obs, _ = jax.eval_shape(self.reset_env, jax.random.key(0), params)
        if not isinstance(obs, dict):
            return _categories(obs.shape, _view_highs())
        parts = {"img": _categories(obs["img"].shape, _view_highs())}
        if "direction" in obs:
            parts["direction"] = spaces.Box(0.0, 1.0, (4,), jnp.float32)
        if "goal_encoding" in obs:
            goal, rule = _task_highs(params.suite)
            parts["goal_encoding"] = _categories(obs["goal_encoding"].shape, goal)
            parts["rule_encoding"] = _categories(obs["rule_encoding"].shape, rule)
        return spaces.Dict(parts)


def make(config: SuiteConfig) -> tuple[XLand, Params]:
    """Builds the environment and its parameters.

    Raises:
      ValueError: for a parameter that is not known or cannot work, or a benchmark that
        is missing or cannot be had.
    """
    xminigrid = import_module("xminigrid")
    wrappers = import_module("xminigrid.wrappers")
    env, suite = xminigrid.make(config.id)
    sizes = {
        field.name: getattr(suite, field.name)
        for field in dataclasses.fields(suite)
        if type(getattr(suite, field.name)) is int and field.name != "max_steps"
    }
    with_tasks = hasattr(suite, "ruleset")
    chosen = options.choose(
        config,
        {
            "max_steps_in_episode": None,
            "show_direction": False,
            "show_task": False,
            **sizes,
            **(xland_tasks.DEFAULTS if with_tasks else {}),
        },
    )
    _check_sizes(config.name, {name: chosen[name] for name in sizes})
    # Through default_params, so that the limit follows the size.
    fixed = {"grid_type": suite.grid_type} if with_tasks else {}
    suite = env.default_params(**fixed, **{name: chosen[name] for name in sizes})
    if chosen["show_direction"]:
        env = wrappers.DirectionObservationWrapper(env)
    if chosen["show_task"]:
        env = wrappers.RulesAndGoalsObservationWrapper(env)
    limit = chosen["max_steps_in_episode"] or suite.max_steps
    tasks = xland_tasks.choose(config, chosen) if with_tasks else None
    params = Params(limit, suite, tasks)
    return XLand(env, config.id, params), params


def _limited(params: Params) -> Any:
    # The limit is also in the reward, so the suite has to know the one that counts.
    return params.suite.replace(max_steps=params.max_steps_in_episode)


def _check_sizes(name: str, sizes: dict[str, int]) -> None:
    for size, value in sizes.items():
        if value < (1 if size == "num_objects" else 3):
            raise ValueError(f"{name}: {size} is too small; got {value}.")
    if sizes["view_size"] % 2 == 0:
        raise ValueError(
            f"{name}: view_size must be odd, for the agent stands in the middle; got "
            f"{sizes['view_size']}."
        )


def _categories(shape: tuple[int, ...], highs: tuple[int, ...]) -> spaces.Box:
    """A uint8 box [*shape] whose last axis runs over `highs`, categories less one."""
    high: Any = np.broadcast_to(np.array(highs, np.uint8), shape)
    return spaces.Box(0, high, shape, jnp.uint8)


def _view_highs() -> tuple[int, int]:
    constants = import_module("xminigrid.core.constants")
    return constants.NUM_TILES - 1, constants.NUM_COLORS - 1


def _task_highs(suite: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of a goal and of a rule: its kind, then tiles with colours, or positions."""
    goals = import_module("xminigrid.core.goals")
    rules = import_module("xminigrid.core.rules")
    tile, colour = _view_highs()
    first, second = max(tile, suite.height - 1), max(colour, suite.width - 1)
    goal = (goals.NUM_GOALS - 1, first, second, first, second)
    return goal, (rules.NUM_RULES - 1, *(tile, colour) * 3)

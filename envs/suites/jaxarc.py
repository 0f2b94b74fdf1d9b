"""JaxARC as `jaxarc/<id>`: draw the grid that a task of ARC's asks for.

A task is a few pairs of grids, input and output, which one hidden rule makes. At every
reset a task and one pair of it are drawn; an episode turns the working grid into that
pair's output, and ends when it is submitted. Tasks come from a folder of yours (see
`envs.suites.jaxarc_tasks`): Mini (5 by 5), Concept, AGI1 and AGI2 (30 by 30).

Observation: [H, W, channels] uint8, 0 outside of a grid, else colour + 1 (the suite's
number + 1). Channels: the working grid, then what is asked for of `show_clipboard`,
`show_input` (the pair's), `show_target` (the answer), and `show_demonstrations` other
pairs of the task, input and output each, empty where the task has fewer.

Action: Discrete. Row-major, the last part varies fastest: (operation, row, column) with
`selection=point`, (operation, row, column, row, column), two opposite corners, with
`selection=box`; the suite's own FlattenActionWrapper numbers them so. `operations` says
which of its 35 there are, in order: 0-9 fill with a colour, 10-19 flood fill from one
cell, 20-23 move up, down, left, right, 24-25 turn right, left, 26-27 flip, 28 copy, 29
paste, 30 cut, 31 clear, 32 copy the input, 33 resize to the selection, 34 submit.
Nothing outside of the working grid can be selected, and nothing selected is, to moves,
turns, flips and clearing, all of it.

Reward: what a step adds to the share of right cells, times `similarity_weight` (1);
`step_penalty` (-0.005); when submitted `success_bonus` (10) if all are right, else
`unsolved_submission_penalty` (-1). These are the suite's for training, and
`max_steps_in_episode` is 100, as its registry says. A submission terminates, the clock
truncates, and the last step can be both. `info` has `similarity` and `solved`.

The suite begins with the input of a pair that it draws apart from the pair to be
solved; `start_from_input=true` takes the same. `pairs=tests` plays the tests, with
demonstrations beside them. Only `grid_size`, `tasks` and `split` choose among tasks:
the suite's other starts, which permute grids or draw them, are left out, for they move
what is outside of a grid into it. A step draws nothing, so `step` does not use its key.
"""

import dataclasses
import math
from importlib import import_module
from typing import Any

import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment, spaces
from jax import Array

from envs.config import SuiteConfig
from envs.suites import jaxarc_options, jaxarc_tasks
from envs.suites.adapter import Adapter

COLOURS = 10


@struct.dataclass
class Params(environment.EnvParams):
    """What `step` and `reset` are told."""

    tasks: Any = None  # jaxarc's buffer, N tasks with the pairs to play
    demonstrations: Any = None  # of the same tasks, what is shown


class JaxARC(Adapter):
    """One environment of the suite, in gymnax's contract.

    Args:
      bare: the suite's Environment.
      name: ours.
      default_params: see `Params`.
      chosen: of the parameters, what holds for every step.
    """

    def __init__(
        self, bare: Any, name: str, default_params: Params, chosen: dict[str, Any]
    ):
        super().__init__(bare, name, default_params)
        self._chosen = chosen
        self._operations = chosen["operations"]
        size = bare.observation_shape()[:2]
        cells = size if chosen["selection"] == "point" else size * 2
        self._parts = (len(self._operations), *cells)

    def begin(self, key: Array, params: Params) -> tuple[Array, Any]:
        state, _ = self.bare.reset(key, self._told(params))
        # No step draws, and the suite's checks in a step cannot take a typed key.
        state = dataclasses.replace(state, key=jnp.zeros(2, jnp.uint32))
        if self._chosen["start_from_input"]:
            state = _started_from_input(state)
        return self._observe(state, params), state

    def advance(self, key: Array, inner: Any, action: Any, params: Params) -> tuple:
        state, timestep = self.bare.step(inner, self.parts(action), self._told(params))
        # Not weakly typed, as a reset's is: the next step would be compiled again.
        similarity = jnp.asarray(state.similarity_score, jnp.float32)
        state = dataclasses.replace(state, similarity_score=similarity)
        terminated = (
            timestep.step_type == import_module("jaxarc.types").StepType.TERMINATED
        )
        cut = jnp.zeros((), bool)
        return self._observe(state, params), state, timestep.reward, terminated, cut

    def step_env(self, key, state, action, params):
        obs, state, reward, terminated, info = super().step_env(
            key, state, action, params
        )
        similarity = state.inner.similarity_score
        solved = terminated & (similarity >= 1)
        info = {**info, "similarity": similarity, "solved": solved}
        return obs, state, reward, terminated, info

    def parts(self, action: Any) -> Any:
        """The suite's action for one of `action_space`."""
        create_action = import_module("jaxarc.envs.actions").create_action
        index, *corners = jnp.unravel_index(jnp.asarray(action), self._parts)
        rows, columns = (jnp.stack(corners[start::2]) for start in (0, 1))
        height, width = self._parts[1:3]
        row, column = jnp.arange(height)[:, None], jnp.arange(width)[None, :]
        mask = (rows.min() <= row) & (row <= rows.max())
        mask &= (columns.min() <= column) & (column <= columns.max())
        return create_action(jnp.asarray(self._operations)[index], mask)

    def action_space(self, params: Params) -> spaces.Discrete:
        return spaces.Discrete(math.prod(self._parts))

    def observation_space(self, params: Params) -> spaces.Box:
        told = self._chosen
        single = ("show_clipboard", "show_input", "show_target")
        channels = 1 + sum(told[name] for name in single)
        channels += 2 * told["show_demonstrations"]
        shape = (*self._parts[1:3], channels)
        return spaces.Box(0, COLOURS, shape, jnp.uint8)

    def _told(self, params: Params) -> Any:
        # Its limit is left as it is: the suite's clock changes no state and no reward.
        return dataclasses.replace(self.bare.params, buffer=params.tasks)

    def _observe(self, state: Any, params: Params) -> Array:
        told = self._chosen
        channels = [state.working_grid[None]]
        for name, grid in (
            ("show_clipboard", state.clipboard),
            ("show_input", state.input_grid),
            ("show_target", state.target_grid),
        ):
            channels += [grid[None]] if told[name] else []
        if told["show_demonstrations"]:
            channels.append(self._demonstrations(state, params.demonstrations))
        stacked = jnp.moveaxis(jnp.concatenate(channels), 0, -1)
        return (stacked + 1).astype(jnp.uint8)

    def _demonstrations(self, state: Any, shown: Any) -> Array:
        """[2 K, H, W] int32, of K pairs without the one that is played."""
        pair = jnp.arange(self._chosen["show_demonstrations"])
        if self._chosen["pairs"] == "demonstrations":
            pair += pair >= state.pair_idx
        there = (pair < shown.count[state.task_idx])[:, None, None, None]
        inputs, outputs = shown.inputs[state.task_idx], shown.outputs[state.task_idx]
        grids = jnp.stack([inputs, outputs], 1).at[pair].get(mode="clip")
        grids = jnp.where(there, grids, -1)
        return grids.reshape(-1, *grids.shape[2:])


def make(config: SuiteConfig) -> tuple[JaxARC, Params]:
    """Builds the environment and its parameters.

    Raises:
      ValueError: for a parameter that is not known or cannot work, or tasks that are
        not there.
    """
    prepare = import_module("jaxarc.registration.config_prep")
    configs = import_module("jaxarc.configs")
    dataset = prepare.load_dataset_config(config.id)
    chosen, size = jaxarc_options.choose(config, dataset)
    tasks, demonstrations = jaxarc_tasks.choose(config, chosen, dataset, size)
    dataset = dataclasses.replace(
        dataset, max_grid_height=size[0], max_grid_width=size[1]
    )
    suite = configs.JaxArcConfig(
        dataset=dataset,
        reward=configs.RewardConfig(
            **{name: chosen[name] for name in jaxarc_options.REWARDS}
        ),
        grid_initialization=configs.GridInitializationConfig(
            demo_weight=1.0, permutation_weight=0.0, empty_weight=0.0, random_weight=0.0
        ),
    )
    bare = import_module("jaxarc.envs").Environment(suite, tasks)
    shown = demonstrations if chosen["show_demonstrations"] else None
    params = Params(chosen["max_steps_in_episode"], tasks, shown)
    return JaxARC(bare, config.id, params, chosen), params


def _started_from_input(state: Any) -> Any:
    """A state whose working grid is the input of the pair to be solved."""
    similarity = import_module("jaxarc.utils.grid_utils").compute_grid_similarity
    grid, mask = state.input_grid, state.input_grid_mask
    return dataclasses.replace(
        state,
        working_grid=grid,
        working_grid_mask=mask,
        similarity_score=similarity(
            grid, mask, state.target_grid, state.target_grid_mask
        ),
    )

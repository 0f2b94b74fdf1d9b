"""Learners on devices: the one file that knows of a mesh.

    mesh ("seeds", "envs")      [S, ...] parameters, optimiser, keys    P(seeds)
                                [S, B, ...] environments, memory        P(seeds, envs)

An update is written for one learner (what it shares is said in `agents.acting.axes`).
Here it is mapped: by `vmap` over the learners, and over the blocks of lanes, that lie
on one device; by `shard_map` over devices. Outside, learners look as they do on a
single device, so checkpoints know nothing of this.

`shard_map` goes without checks of what varies: inside are `pmax` and `pmean` over axes
of `vmap`, which it refuses where it checks (jax 0.10.2). So a gradient is that of
a block's own loss, and the mean over blocks is taken of it, once, in
`agents.acting.fit`.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from agents.acting.axes import Axes
from experiment.errors import InputError
from experiment.setup import devices, settings
from experiment.setup.building import SEED_AXIS, keys_from
from experiment.setup.config import RunConfig
from experiment.setup.devices import ALL, Layout

SEEDS, ENVS = "seeds", "envs"  # of the mesh
BESIDE = "block"  # of a vmap over blocks on one device


def settled(config: RunConfig) -> tuple[RunConfig, Layout]:
    """A configuration that says how lanes are cut, and where its learners lie now.

    Raises:
      InputError: if there are not as many devices as were asked for.
    """
    available = len(jax.devices())
    wanted = config.schedule.devices
    if wanted != ALL:
        if int(wanted) > available:
            kind = jax.devices()[0].device_kind
            raise InputError(
                f"devices={wanted} asks for more than there are: {available} ({kind})."
            )
        available = int(wanted)
    try:
        found = devices.layout(config.mesh, available, **config.sizes)
    except ValueError as error:
        raise InputError(str(error)) from error
    count = jax.process_count()
    if found.devices % count:
        raise InputError(
            f"{count} processes must have as many devices of the run each, and it can "
            f"use {found.devices} ({found}): choose another number of processes, of "
            "num_seeds or of agent.num_envs."
        )
    mesh = dataclasses.replace(config.mesh, envs=found.blocks)
    return dataclasses.replace(config, mesh=mesh), found


class Placement:
    """The programs of a run, and where what they compute lies."""

    def __init__(
        self,
        agent: Any,
        config: RunConfig,
        layout: Layout,
        alive: Sequence[int] | None = None,
    ):
        """Nothing is computed yet.

        Args:
          agent: of one learner, mapped over `SEED_AXIS`.
          config: of the run.
          layout: of its learners.
          alive: numbers of those that train, where some have stopped.
        """
        self.layout, self._agent, self._config = layout, agent, config
        used = np.array(_devices(layout.devices))
        used = used.reshape(layout.seeds, layout.envs)
        axis_types = AxisType.Auto, AxisType.Auto
        self._mesh = jax.sharding.Mesh(used, (SEEDS, ENVS), axis_types=axis_types)
        every = range(config.num_learners)
        self._alive = np.array(every if alive is None else alive)
        self._numbers = jax.tree.map(lambda x: x[self._alive], _numbers(config))
        self._drawing: Any = jax.jit(self._drawn)
        self.shapes = self._placed_shapes()

    def draw(self) -> Any:
        """Learners of all seeds [S, ...], each drawn where it lies.

        One after another, and not under `vmap`: initialisers draw orthogonal matrices,
        and jaxlib's batched QR waits, inside the CPU's thread pool, for threads of that
        same pool. On two cores, two of them at once wait forever (seen with jaxlib
        0.10.2, within 300 draws).
        """
        return self._drawing(np.uint32(self._config.schedule.seed))

    def update(self, seen: Callable[[Mapping[str, Any]], None]) -> Callable[[Any], Any]:
        """The update of all learners, to be compiled; it takes what it is given.

        Args:
          seen: is told the metrics of one learner, in the agent's order, while it is
            traced: a program gives them back sorted by name.
        """

        def one(agent: Any, learner: Any, numbers: Any) -> Any:
            # What its core has by itself counts where it begins, and no more.
            told = _told(agent, {**numbers, "core": {}})
            learner, metrics = told.update(learner)
            seen(metrics)
            return learner, metrics

        if self._alone:
            update = jax.vmap(partial(one, self._agent), axis_name=SEED_AXIS)
        else:
            specs, alike = self._specs, PartitionSpec(SEEDS)
            update = jax.shard_map(
                partial(self._beside, one),
                mesh=self._mesh,
                in_specs=(specs, alike),
                out_specs=(specs, alike),
                check_vma=False,
            )
        return lambda learners: update(learners, self._numbers)

    def shown(self, update: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """An update, compiled, whose metrics this process can read.

        Of several processes each has those of its own learners alone. They are sent by
        a program of its own, so that the update is the one of a single process.
        """
        if jax.process_count() == 1:
            return update
        everywhere = NamedSharding(self._mesh, PartitionSpec())
        send = jax.jit(lambda metrics: metrics, out_shardings=everywhere)

        def updated(learners: Any) -> Any:
            learners, metrics = update(learners)
            return learners, send(metrics)

        return updated

    def place(self, learners: Any) -> Any:
        """Learners [S, ...] that lie elsewhere, where they belong."""
        if self._alone:
            return learners
        return jax.device_put(learners, jax.tree.map(lambda x: x.sharding, self.shapes))

    @property
    def copies(self) -> int:
        """Devices of this process that share one memory: those of a host do."""
        if jax.devices()[0].platform != "cpu":
            return 1
        return self.layout.devices // jax.process_count()

    @property
    def _alone(self) -> bool:
        """Nothing is to be mapped that one device does not map."""
        return self.layout.devices == 1 and self.layout.blocks == 1

    def _mapped(self, axes: Axes) -> Any:
        return dataclasses.replace(self._agent, axes=axes)

    def _beside(self, one: Any, learners: Any, numbers: Any) -> Any:
        """The learners, and blocks of their lanes, of one device."""
        if self.layout.blocks == 1:
            mapped = jax.vmap(partial(one, self._agent), axis_name=SEED_AXIS)
            return mapped(learners, numbers)
        axes = Axes(seeds=SEED_AXIS, beside=BESIDE, devices=ENVS)
        here = self.layout.blocks // self.layout.envs
        cut = self._over(lambda x: x.reshape(x.shape[0], here, -1, *x.shape[2:]))
        joined = self._over(lambda x: x.reshape(x.shape[0], -1, *x.shape[3:]))
        by_block = jax.tree.map(lambda has: 0 if has else None, self._agent.lanes)
        blocks = jax.vmap(
            partial(one, self._mapped(axes)),
            in_axes=(by_block, None),
            out_axes=(by_block, None),
            axis_name=BESIDE,
        )
        mapped = jax.vmap(blocks, axis_name=SEED_AXIS)
        learners, metrics = mapped(cut(learners), numbers)
        return joined(learners), metrics

    def _over(self, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Changes the parts of learners that have lanes."""

        def changed(has: bool, part: Any) -> Any:
            return jax.tree.map(change, part) if has else part

        return lambda learners: jax.tree.map(changed, self._agent.lanes, learners)

    def _drawn(self, seed: Any) -> Any:
        keys = keys_from(seed, self._config)[self._alive]
        agent = self._agent
        if self.layout.blocks > 1:
            agent = self._mapped(Axes(devices=ENVS))

        def one(key_and_numbers: Any) -> Any:
            key, numbers = key_and_numbers
            return _told(agent, numbers).initialise(key)

        draw = partial(jax.lax.map, one)
        if not self._alone:
            draw = jax.shard_map(
                draw,
                mesh=self._mesh,
                in_specs=PartitionSpec(SEEDS),
                out_specs=self._specs,
                check_vma=False,
            )
        return draw((keys, self._numbers))

    @property
    def _specs(self) -> Any:
        """Of learners [S, ...]: a tree above their leaves."""
        by_lane, alike = PartitionSpec(SEEDS, ENVS), PartitionSpec(SEEDS)
        return jax.tree.map(lambda has: by_lane if has else alike, self._agent.lanes)

    def _placed_shapes(self) -> Any:
        shapes = self._drawing.eval_shape(np.uint32(0))
        if self._alone:
            return shapes

        def over(spec: PartitionSpec, part: Any) -> Any:
            at = NamedSharding(self._mesh, spec)
            return jax.tree.map(
                lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=at), part
            )

        is_spec = lambda x: isinstance(x, PartitionSpec)  # noqa: E731
        return jax.tree.map(over, self._specs, shapes, is_leaf=is_spec)


def _told(agent: Any, numbers: Mapping[str, Mapping[str, Any]]) -> Any:
    """An agent of a run's setting; of a run that has one, itself."""
    return agent.told(**numbers) if any(numbers.values()) else agent


def _numbers(config: RunConfig) -> dict[str, dict[str, np.ndarray]]:
    """[S] in what learners differ, as `Agent.told` takes it of one."""
    num_seeds = config.schedule.num_seeds
    return {
        section: {
            name: np.array(values, np.float32)
            for name, values in config.sweep.numbers(section, num_seeds).items()
        }
        for section in settings.SECTIONS
    }


def _devices(count: int) -> list[Any]:
    """The first ones, as many of each process, one process after another."""
    each = count // jax.process_count()
    by_process: dict[int, list[Any]] = {}
    for device in jax.devices():
        by_process.setdefault(device.process_index, []).append(device)
    return [one for index in sorted(by_process) for one in by_process[index][:each]]

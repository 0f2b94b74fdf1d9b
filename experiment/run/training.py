"""The host's side of training: it compiles once, then hands over to the loop."""

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import jax

from experiment import compiled, memory, signals
from experiment.errors import OK, InputError
from experiment.run import (
    books,
    compiling,
    divergence,
    ending,
    halving,
    hosts,
    mesh,
    unchanged,
    windows,
)
from experiment.run.checkpoints import Checkpoints, NoCheckpoint
from experiment.run.initial import beginning
from experiment.run.learners import Learners
from experiment.run.loop import Loop, Origin
from experiment.run.mesh import Placement
from experiment.run.metrics_file import MetricsFile
from experiment.run.progress import waiting
from experiment.run.run_folder import RunFolder
from experiment.setup import every, needs, scale, settings
from experiment.setup.building import computing
from experiment.setup.config import RunConfig
from experiment.setup.devices import Layout

# What is said of a signal while it compiles.
_BEFORE = "stopped before training began; nothing is saved."
_BEFORE_GOING_ON = "stopped before training went on; what was saved stays."


def train(agent: Any, config: RunConfig, folder: RunFolder, *, resume: bool) -> int:
    """Trains from the start, or from the newest good checkpoint, to `total_steps`.

    The host gets control every `log_every` updates. Logging, saving and stopping all
    happen there, so where a run was interrupted leaves no trace in what it computes.
    What a run folder holds is checked before anything compiles.

    Returns:
      The exit status (`experiment.errors`).

    Raises:
      InputError: if another process owns the folder, or what is there cannot be used.
      MachineError: if something cannot be written; what was good is untouched.
    """
    with folder.owned(new=not resume), computing(config):
        return _train(agent, config, folder, resume=resume)


def _train(agent: Any, config: RunConfig, folder: RunFolder, *, resume: bool) -> int:
    began = time.perf_counter()
    config, layout = mesh.settled(config)
    _check_halving(config, layout)
    hosts.here().same("the configuration", json.dumps(unchanged.plain(config)))
    placement = Placement(agent, config, layout)
    needs.check_run(config, placement.shapes)
    origin = Origin(placement.shapes, placement.draw)
    done, learners, whole = 0, None, None
    if resume:
        done, learners = _restored(config, folder, origin)
    sick = divergence.known(folder.diverged, done)
    cuts = halving.known(folder.halving, done)
    file = _prepared(config, folder, done, sick, cuts)
    _hint(config, resume=resume)
    alive = halving.learners(config, halving.going_on(config, cuts))
    if cuts:
        whole, learners = learners, halving.part(learners, alive)
        placement = Placement(agent, config, layout, alive)
    if learners is None and config.schedule.init is not None:
        begun = beginning(agent, config, origin.shapes)
        origin = origin._replace(draw=lambda: placement.place(begun(placement.draw())))
    update, order, learners = _begun(placement, file, origin, learners)
    compile_seconds = time.perf_counter() - began
    weights = jax.tree.leaves(agent.weights(learners.params))
    num_parameters = sum(x.size for x in weights) // len(alive)
    most = memory.expected(
        update, beside=2 * memory.size(origin.shapes), copies=placement.copies
    )
    print(
        f"compiled in {compile_seconds:.1f} s; {num_parameters:,} parameters, "
        f"{_said(config)} on {jax.devices()[0].device_kind}{_devices(layout)}"
        + (f"; {memory.shown(most)} of memory at most" if most is not None else ""),
        flush=True,
    )
    update = placement.shown(update)
    config, learners, metrics = _paced(config, folder, update, learners)
    checkpoints = Checkpoints(folder.checkpoints, config)
    with closing(books.opened(config, folder, done, began)) as kept:
        loop = Loop(
            config, folder, checkpoints, kept, origin, order, done, sick, alive, whole
        )
        with closing(loop):
            first = halving.ends(config)[len(cuts)]
            status = loop.run(update, learners, metrics, first)
            if status == OK and not loop.complete:
                status = _halved(loop, agent, layout, file, cuts)
        costs = {
            "wall_seconds": time.perf_counter() - began,
            "compile_seconds": compile_seconds,
            "steps_per_second": kept.speed,
            "num_parameters": num_parameters,
        }
        _ended(loop, file, costs)
    return status


def _halved(
    loop: Loop,
    agent: Any,
    layout: Layout,
    file: MetricsFile,
    cuts: Sequence[halving.Cut],
) -> int:
    """Goes on with fewer and fewer settings; gives the exit status."""
    config, ends, status = loop.config, halving.ends(loop.config), OK
    while status == OK and not loop.complete:
        cuts = _cut(config, loop.folder, file, cuts, loop.done)
        alive = halving.learners(config, halving.going_on(config, cuts))
        learners = loop.halved(alive)
        update, _ = compiling.compile_update(Placement(agent, config, layout, alive))
        status = loop.run(update, learners, (), ends[len(cuts)])
    return status


def _ended(loop: Loop, file: MetricsFile, costs: Mapping[str, Any]) -> None:
    """What this process, if it writes, leaves of the run as it is now."""
    if not hosts.here().writes:
        return
    sick = [one.seed for one in loop.sick]
    came = costs if loop.complete else None
    summary = ending.write(loop.config, loop.folder, file.read(), sick, came)
    if loop.complete:
        loop.books.sum_up(summary)


def _begun(
    placement: Placement, file: MetricsFile, origin: Origin, learners: Any
) -> tuple[Any, list[str], Any]:
    """The compiled update, its metrics' names, and learners: these, or new ones."""
    said = _BEFORE if learners is None else _BEFORE_GOING_ON
    with signals.saying(said), waiting("compiling"), ThreadPoolExecutor(1) as beside:
        lowered, order = compiling.lowered(placement)
        if hosts.here().writes:
            file.check_columns(order)
        # XLA needs no Python, which the program that draws the learners is made with.
        program = beside.submit(compiling.compiled, lowered, placement)
        if learners is None:
            learners = jax.block_until_ready(origin.draw())
        update = program.result()
    compiled.publish()
    # The first message between processes is waited for half a minute, on CPUs, and one
    # of them may have found its program compiled.
    hosts.here().wait("compiled")
    return update, order, learners


def _restored(config: RunConfig, folder: RunFolder, origin: Origin) -> tuple[int, Any]:
    """Updates that are done, and the learners [S, ...]; None if it begins anew."""
    try:
        return Checkpoints(folder.checkpoints, config).restore(origin.shapes, own=True)
    except NoCheckpoint:
        if folder.summary.exists():
            raise
        return 0, None  # it stopped before its first


def _prepared(
    config: RunConfig,
    folder: RunFolder,
    done: int,
    sick: Sequence[divergence.Divergence],
    cuts: Sequence[halving.Cut],
) -> MetricsFile:
    """The folder, as it must be to go on after `done` updates, and its rows."""
    file = MetricsFile(folder.metrics, Learners.of(config))
    ended = halving.stopped(config, cuts) | {one.seed: one.update for one in sick}
    if hosts.here().writes:
        file.cut(done, num_seeds=config.num_learners, ended=ended)
    folder.create(config)
    folder.write_manifest()
    print(f"run folder: {folder.path}", flush=True)
    return file


def _hint(config: RunConfig, *, resume: bool) -> None:
    """Says what a device is too large for; who goes on cannot change it."""
    device = jax.devices()[0]
    lanes = config.agent.options.num_envs * config.num_learners
    hint = scale.idle(device.platform, device.device_kind, lanes)
    if hint and not resume:
        print(hint, flush=True)


def _check_halving(config: RunConfig, layout: Layout) -> None:
    """Refuses settings that stop where learners are spread."""
    if config.sweep.halve_at and layout.devices > 1:
        raise InputError(
            f"sweep.{settings.HALVE_AT} stops learners on one device; they lie on "
            f"{layout.devices}: say devices=1."
        )


def _cut(
    config: RunConfig,
    folder: RunFolder,
    file: MetricsFile,
    cuts: Sequence[halving.Cut],
    done: int,
) -> list[halving.Cut]:
    """The next cut behind those before, decided, said and written down."""
    found = [*cuts, halving.cut(config, file.read(), cuts, done)]
    halving.keep(folder.halving, found)
    stopped = ", ".join(map(str, found[-1].stopped))
    print(f"after update {done}, settings {stopped} stop", flush=True)
    return found


def _said(config: RunConfig) -> str:
    """How many learners there are."""
    seeds = f"{config.schedule.num_seeds} seed(s)"
    count = len(config.sweep.settings)
    return f"{seeds} of each of {count} settings" if count else seeds


def _devices(layout: Layout) -> str:
    """What to say of them, where there are several."""
    return f", {layout.devices} devices ({layout})" if layout.devices > 1 else ""


def _paced(
    config: RunConfig, folder: RunFolder, update: Any, learners: Any
) -> tuple[RunConfig, Any, Sequence[windows.Metrics]]:
    """A number of updates for a `log_every` in time, so that rows depend on none.

    It is measured when a run begins, and written into config.yaml: whoever goes on with
    the run has it from there.

    Returns:
      The configuration, the learners, and the metrics of updates that were done.
    """
    schedule = config.schedule
    if isinstance(schedule.log_every, int):
        return config, learners, ()
    seconds = every.seconds(schedule.log_every)
    length, learners, begun = windows.paced(
        update, learners, seconds, config.num_updates
    )
    print(f"a row every {length} updates, which take about {schedule.log_every}")
    config = replace(config, schedule=replace(schedule, log_every=length))
    folder.create(config)
    return config, learners, begun

"""The host's side of training: it compiles once, then hands over to the loop."""

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jax

import envs
from experiment import compiled, memory
from experiment.run import books, divergence, hosts, mesh, unchanged, windows
from experiment.run.checkpoints import Checkpoints, NoCheckpoint
from experiment.run.initial import beginning
from experiment.run.loop import Loop, Origin
from experiment.run.mesh import Placement
from experiment.run.metrics import Row
from experiment.run.metrics_file import MetricsFile
from experiment.run.progress import waiting
from experiment.run.run_folder import RunFolder
from experiment.setup import every, scale
from experiment.setup.building import computing
from experiment.setup.config import RunConfig
from experiment.setup.devices import Layout

UNITS = {
    "env_steps": "environment steps of each learner",
    "steps_per_second": "environment steps of all learners together, of this start",
    "wall_seconds": "of this start; clock.csv has those of all starts",
}


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
    hosts.here().same("the configuration", json.dumps(unchanged.plain(config)))
    placement = Placement(agent, config, layout)
    shapes = placement.shapes
    memory.check(memory.size(shapes), "the learners of this run take")
    origin = Origin(shapes, placement.draw)
    checkpoints = Checkpoints(folder.checkpoints, config)
    done, learners = 0, None
    if resume:
        try:
            done, learners = checkpoints.restore(origin.shapes, own=True)
        except NoCheckpoint:
            if folder.summary.exists():
                raise
            # It stopped before its first, and so begins anew.
    sick = divergence.known(folder.diverged, done)
    file = MetricsFile(folder.metrics)
    ended = {one.seed: one.update for one in sick}
    if hosts.here().writes:
        file.cut(done, num_seeds=config.schedule.num_seeds, ended=ended)
    folder.create(config)
    folder.write_manifest()
    print(f"run folder: {folder.path}", flush=True)
    device = jax.devices()[0]
    lanes = config.agent.options.num_envs * config.schedule.num_seeds
    hint = scale.idle(device.platform, device.device_kind, lanes)
    if hint and not resume:  # which cannot change it
        print(hint, flush=True)
    if learners is None and config.schedule.init is not None:
        begun = beginning(agent, config, origin.shapes)
        origin = origin._replace(draw=lambda: placement.place(begun(placement.draw())))
    with waiting("compiling"), ThreadPoolExecutor(1) as beside:
        lowered, order = _lowered_update(placement)
        if hosts.here().writes:
            file.check_columns(order)
        # XLA needs no Python, which the program that draws the learners is made with.
        compiling = beside.submit(_compiled, lowered, placement)
        if learners is None:
            learners = jax.block_until_ready(origin.draw())
        update = compiling.result()
    compiled.publish()
    # The first message between processes is waited for half a minute, on CPUs, and one
    # of them may have found its program compiled.
    hosts.here().wait("compiled")
    compile_seconds = time.perf_counter() - began
    num_seeds = config.schedule.num_seeds
    weights = jax.tree.leaves(agent.weights(learners.params))
    num_parameters = sum(x.size for x in weights) // num_seeds
    most = memory.expected(
        update, beside=2 * memory.size(origin.shapes), copies=placement.copies
    )
    print(
        f"compiled in {compile_seconds:.1f} s; {num_parameters:,} parameters, "
        f"{num_seeds} seed(s) on {device.device_kind}{_devices(layout)}"
        + (f"; {memory.shown(most)} of memory at most" if most is not None else ""),
        flush=True,
    )
    update = placement.shown(update)
    config, learners, metrics = _paced(config, folder, update, learners)
    checkpoints = Checkpoints(folder.checkpoints, config)
    kept = books.opened(config, folder, done, began)
    loop = Loop(config, folder, checkpoints, kept, origin, order, done, sick)
    try:
        status = loop.run(update, learners, metrics)
    finally:
        loop.close()
    if not hosts.here().writes:
        return status
    rows = file.read()
    if loop.complete:
        wall_seconds = time.perf_counter() - began
        summary = summarise(rows, config, [one.seed for one in loop.sick]) | {
            "wall_seconds": wall_seconds,
            "compile_seconds": compile_seconds,
            "steps_per_second": kept.speed,
            "num_parameters": num_parameters,
            "units": UNITS,
        }
        folder.write_summary(summary)
        print(f"final_return {summary['final_return']} in {wall_seconds:.1f} s")
    _draw(rows, config, folder)
    return status


def compile_update(placement: Placement) -> tuple[Any, list[str]]:
    """The compiled update of all seeds, and its metrics' names in the agent's order."""
    lowered, order = _lowered_update(placement)
    return _compiled(lowered, placement), order


def _devices(layout: Layout) -> str:
    """What to say of them, where there are several."""
    return f", {layout.devices} devices ({layout})" if layout.devices > 1 else ""


def _lowered_update(placement: Placement) -> tuple[Any, list[str]]:
    order: list[str] = []

    def seen(metrics: Mapping[str, Any]) -> None:
        order[:] = metrics

    shapes, program = placement.shapes, placement.update(seen)

    def one_update(learners: Any) -> Any:  # a name that profiles and caches show
        return program(learners)

    # From shapes, or a resumed run would compile another program than a new one.
    update = jax.jit(one_update, donate_argnums=0)
    # Somebody debugs: nothing can be compiled.
    if jax.config.jax_disable_jit:  # type: ignore[attr-defined]
        jax.eval_shape(program, shapes)
        return update, order
    traced = update.trace(shapes)
    memory.check_program(traced)
    return traced.lower(), order


def _compiled(lowered: Any, placement: Placement) -> Any:
    if jax.config.jax_disable_jit:  # type: ignore[attr-defined]
        return lowered
    update = lowered.compile()
    # A checkpoint's copy, and the one before it, are there beside it.
    beside, copies = 2 * memory.size(placement.shapes), placement.copies
    memory.check_compiled(update, beside=beside, copies=copies)
    return update


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


def _draw(rows: Sequence[Row], config: RunConfig, folder: RunFolder) -> None:
    from experiment.report import plots  # at the end: SciPy takes a second

    plots.learning_curve(
        rows,
        folder.learning_curve,
        title=f"{config.env.name} · {config.core.name} · {config.agent.name}",
        levels=envs.levels(config.env.name, config.env.params)._asdict(),
    )


def summarise(
    rows: Sequence[Row], config: RunConfig, diverged: Sequence[int] = ()
) -> dict[str, Any]:
    """The outcome, read from metrics.csv and nothing else.

    `final_return` is the mean over seeds of the mean return of the episodes that ended
    in the last tenth of training; None if in some seed none did, or one diverged: the
    mean of those that are left would say too much.
    """
    total = rows[-1]["env_steps"]
    late = [row for row in rows if row["env_steps"] > 0.9 * total]
    per_seed = [
        None
        if seed in diverged
        else _mean_return([row for row in late if row["seed"] == seed])
        for seed in range(config.schedule.num_seeds)
    ]
    known = [value for value in per_seed if value is not None]
    complete = len(known) == len(per_seed)
    return {
        "env": config.env.name,
        "core": config.core.name,
        "agent": config.agent.name,
        "num_seeds": config.schedule.num_seeds,
        "env_steps": total,
        "final_return": sum(known) / len(known) if complete else None,
        "final_return_per_seed": per_seed,
        "diverged_seeds": list(diverged),
    }


def _mean_return(rows: Sequence[Row]) -> float | None:
    ended = [row for row in rows if row["episode/return"] is not None]
    count = sum(row["episode/count"] for row in ended)
    if not count:
        return None
    return sum(row["episode/return"] * row["episode/count"] for row in ended) / count

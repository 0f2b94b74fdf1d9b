"""What does a step of training cost, and how much memory, as rollouts get longer?

    python -m benchmarks.length                        # all, into results/speed
    python -m benchmarks.length --lengths 8 16 --features 4 --states 4 --out DIR
    python -m benchmarks.length --draw                 # the picture of what is there

One update of PPO on `memory_chain` with S5 of the paper's size (four layers of 256,
256 states, full GLU), 4 lanes in one minibatch, one epoch; plain, in chunks
(`core.chunk_length`), and in chunks of layers that are computed again (`core.remat`
and `core.scan_layers`). Each in a process of its own, whose peak of resident memory is
the operating system's. Seconds are the best of `--repeat` updates after the first: on
the clock, and of the processors, which other load lengthens far less. A row of
`length.csv` each, as soon as it is known; what is there is not measured again.
"""

import argparse
import csv
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax

from benchmarks.measure import machine, positive, rounded
from benchmarks.trainer import Trainer
from experiment import memory

OUT = Path(__file__).parents[1] / "results" / "speed"
LENGTHS = (64, 256, 1024, 4096, 16384)
CHUNK, LANES = 256, 4
WAYS = {
    "plain": (),
    "chunks": ("core.chunk_length={chunk}",),
    "chunks, remat": ("core.chunk_length={chunk}", "core.remat=true",
                      "core.scan_layers=true"),
}  # fmt: skip
KEY = ("way", "T", "features", "states", "chunk")


def arguments_of(way: str, T: int, features: int, states: int, chunk: int):
    """Of train.py."""
    return (
        *("env=memory_chain", f"env.memory_length={T - 1}", "core=s5"),
        *(f"core.features={features}", f"core.state_size={states}"),
        *("core.num_layers=4", "core.activation=full_glu"),
        *(f"agent.num_envs={LANES}", "agent.num_minibatches=1", "agent.epochs=1"),
        *(f"total_steps={1000 * LANES * T}",),
        *(option.format(chunk=chunk) for option in WAYS[way]),
    )


def measured(repeat: int, **sizes: Any) -> dict[str, Any]:
    """A row, of this process: it must not have done anything else."""
    trainer = Trainer(arguments_of(**sizes))
    expected = trainer.expected_bytes
    held, _ = memory.process()
    seconds, of_cpu = [], []
    for _ in range(repeat + 1):
        start, cpu = time.perf_counter(), time.process_time()
        jax.block_until_ready(trainer())
        seconds.append(time.perf_counter() - start)
        of_cpu.append(time.process_time() - cpu)
    row = sizes | {
        "seconds": min(seconds[1:]),
        "cpu_seconds": min(of_cpu[1:]),
        "cpu_microseconds_a_step": 1e6 * min(of_cpu[1:]) / trainer.steps,
        "compile_seconds": trainer.compile_seconds,
        "program_gb": trainer.gigabytes,
        "process_gb": held / 1e9,  # compiled, and nothing run
        "expected_gb": None if expected is None else expected / 1e9,  # as train.py says
        "peak_gb": memory.process()[1] / 1e9,
        "repeat": repeat,
    }
    return {key: rounded(value) for key, value in row.items()} | machine()


def apart(repeat: int, **sizes: Any) -> dict[str, Any]:
    """`measured`, in a process of its own."""
    asked = json.dumps({"repeat": repeat, **sizes})
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.length", "--one", asked],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{asked}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def read(path: Path) -> list[dict[str, str]]:
    """Rows that are there, as text."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def append(path: Path, row: dict[str, Any]) -> None:
    """One row more, at once."""
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row)
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def draw(path: Path) -> None:
    """Writes the picture of the rows beside them."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = read(path)
    panels = {
        "cpu_seconds": "seconds of CPU, an update",
        "program_gb": "GB, of the program",
        "peak_gb": "GB, peak of the process",
    }
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    for axis, (name, title) in zip(axes, panels.items(), strict=True):
        for way, colour in zip(WAYS, ("#0072B2", "#D55E00", "#009E73"), strict=True):
            its = sorted((int(r["T"]), float(r[name])) for r in rows if r["way"] == way)
            if its:
                axis.plot(*zip(*its, strict=True), "o-", ms=4, color=colour, label=way)
        lengths = sorted({int(r["T"]) for r in rows})
        last = [float(r[name]) for r in rows if int(r["T"]) == lengths[-1]]
        line = [max(last) * length / lengths[-1] for length in lengths]
        axis.plot(lengths, line, ":", color="#666666", label="proportional to T")
        axis.set(xscale="log", yscale="log", xlabel="steps of a rollout, T")
        axis.set_title(title, fontsize=10)
        axis.set_xticks(lengths, [f"{length:,}" for length in lengths])
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(path.with_suffix(".png"), dpi=120)
    plt.close(figure)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=positive, nargs="+", default=LENGTHS)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=[*WAYS])
    for name, size in {"features": 256, "states": 256, "chunk": CHUNK}.items():
        parser.add_argument(f"--{name}", type=positive, default=size)
    parser.add_argument("--repeat", type=positive, default=2)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    parser.add_argument("--one", type=json.loads, help=argparse.SUPPRESS)
    flags = parser.parse_args(argv)
    if flags.one is not None:
        print(json.dumps(measured(**flags.one)))
        return
    flags.out.mkdir(parents=True, exist_ok=True)
    path = flags.out / "length.csv"
    known = {tuple(row[key] for key in KEY) for row in read(path)}
    alike = {name: getattr(flags, name) for name in ("features", "states", "chunk")}
    for length in [] if flags.draw else flags.lengths:
        for way in flags.ways:
            sizes = {"way": way, "T": length, **alike}
            if tuple(str(sizes[key]) for key in KEY) in known:
                continue
            row = apart(flags.repeat, **sizes)
            append(path, row)
            print(json.dumps(row), flush=True)
    if read(path):
        draw(path)


if __name__ == "__main__":
    main()

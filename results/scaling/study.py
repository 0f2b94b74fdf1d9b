"""Several devices, measured where there are none: `python -m results.scaling.study`.

Simulated devices of one CPU share its cores, so speed here says what spreading costs
and not what it gives; bytes and differences are what they are anywhere. A row of
results/scaling/measured.csv is one core, spread one way over 1, 2, 4 or 8 devices, a
process of its own; what is known is not measured again. `python -m
results.scaling.study one CORE WAY DEVICES` measures one of them and prints it. The
table of docs/scaling.md is made of the rows.

    seeds    8 learners of 32 lanes, as many on each device
    lanes    one learner of 256 lanes in 8 blocks, as many on each device
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from results import common
from results.documents import put, table

PATH = Path(__file__).parent / "measured.csv"
DOCUMENT = common.ROOT / "docs" / "scaling.md"
FIELDS = (
    *("core", "way", "devices", "parameters", "steps_per_update", "steps_per_second"),
    *("bytes_per_update", "messages_per_update", "largest_difference"),
)
CORES, COUNTS = ("s5", "gru"), (1, 2, 4, 8)
WAYS = {
    "seeds": ("num_seeds=8", "agent.num_envs=32"),
    "lanes": ("num_seeds=1", "agent.num_envs=256", "mesh.envs=8"),
}
BASE = (
    *("env=memory_chain", "agent.rollout_length=64", "agent.num_minibatches=4"),
    *("agent.epochs=2", "core.features=64"),
)
UPDATES, TIMED = 3, 7
HEADS = (
    *("core", "what is spread", "devices", "steps a second", "of one device's"),
    *("bytes an update", "messages an update", "largest difference"),
)


def one(core: str, way: str, devices: str) -> dict[str, object]:
    """What one of them gives; parameters after some updates go to a file beside."""
    import jax
    import numpy as np

    from benchmarks.collectives import sent
    from benchmarks.trainer import Trainer

    trainer = Trainer((*BASE, *WAYS[way], f"core={core}", f"devices={devices}"))
    for _ in range(UPDATES):
        jax.block_until_ready(trainer())
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(trainer.params)]
    times = []
    for _ in range(TIMED):
        began = time.perf_counter()
        jax.block_until_ready(trainer())
        times.append(time.perf_counter() - began)
    messages = sent(trainer.text)
    kept = common.ROOT / "runs" / "scaling"
    kept.mkdir(parents=True, exist_ok=True)
    path = kept / f"{core}-{way}.npz"
    if devices == "1":
        np.savez(path, *leaves)
    first = list(np.load(path).values())
    apart = max(float(np.abs(a - b).max()) for a, b in zip(leaves, first, strict=True))
    return {
        "core": core,
        "way": way,
        "devices": devices,
        "parameters": trainer.parameters,
        "steps_per_update": trainer.steps,
        "steps_per_second": f"{trainer.steps / statistics.median(times):.0f}",
        "bytes_per_update": sum(m.size * m.times for m in messages),
        "messages_per_update": sum(m.times for m in messages),
        "largest_difference": f"{apart:.1e}",
    }


def lines() -> list[list[str]]:
    """Of the table, one for each row that is known."""
    rows = common.read(PATH)
    speed = {(r["core"], r["way"], r["devices"]): r["steps_per_second"] for r in rows}
    told = []
    for row in rows:
        first = speed[row["core"], row["way"], "1"]
        own = row["steps_per_second"]
        sent = (f"{int(row[f'{x}_per_update']):,}" for x in ("bytes", "messages"))
        told.append(
            [
                *(f"`{row['core']}`", row["way"], row["devices"], f"{int(own):,}"),
                *(f"{int(own) / int(first):.2f}", *sent, row["largest_difference"]),
            ]
        )
    return told


TABLES = {"scaling": lambda: table(HEADS, lines())}


def main() -> None:
    """Measures what is not known yet, and writes the table."""
    known = {(r["core"], r["way"], r["devices"]) for r in common.read(PATH)}
    flags = "--xla_force_host_platform_device_count=8"
    for core in CORES:
        for way in WAYS:
            for count in map(str, COUNTS):
                if (core, way, count) in known:
                    continue
                done = subprocess.run(
                    [sys.executable, "-m", "results.scaling.study", "one",
                     core, way, count],
                    cwd=common.ROOT, check=True, stdout=subprocess.PIPE, text=True,
                    env=os.environ | {"XLA_FLAGS": flags},
                )  # fmt: skip
                row = json.loads(done.stdout.splitlines()[-1])
                common.append(PATH, FIELDS, [row])
                print(*row.values(), flush=True)
    put(DOCUMENT, "scaling", TABLES["scaling"]())


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        print(json.dumps(one(*sys.argv[2:5])))
    else:
        main()

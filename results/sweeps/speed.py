"""Sixteen settings in one program against as many runs: python -m results.sweeps.speed.

Two learning rates, four discounts and two steps of S5 on memory_chain, 32 lanes. The
one run with settings, and one after another the same settings alone, each a process.
What each took is kept in results/sweeps/speed.csv, a row as soon as it is known; who
starts it again goes on. Processor seconds are those of the whole process and wall
seconds its own, compiling and importing among both; programs are compiled anew. Give it
one thread of one core (`taskset -c 0`, XLA_FLAGS=--xla_cpu_multi_thread_eigen=false):
what else the machine does then changes wall seconds alone.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from results import common

HERE = Path(__file__).parent
FIELDS = (
    *("what", "settings", "env_steps", "cpu_seconds", "wall_seconds"),
    *("compile_seconds", "final_return"),
)
VALUES = {
    "agent.learning_rate": ("5e-4", "2e-3"),
    "agent.discount": ("0.9", "0.95", "0.99", "0.999"),
    "core.dt_min": ("3e-4", "3e-3"),
}
STEPS = 200_000
BASE = (
    *("env=memory_chain", "env.memory_length=32", f"total_steps={STEPS}"),
    *("agent.num_envs=32", "agent.num_minibatches=4", "compilation_cache=off"),
    *("log_every=5", "checkpoint_every=1000"),
)


def runs() -> dict[str, list[str]]:
    """Arguments by name: the one with all settings, and each alone."""
    found = {"together": [f"sweep.{k}=[{','.join(v)}]" for k, v in VALUES.items()]}
    pairs = [[]]
    for key, values in VALUES.items():
        pairs = [[*told, f"{key}={value}"] for told in pairs for value in values]
    return found | {f"alone-{k}": told for k, told in enumerate(pairs)}


def measured(name: str, told: list[str]) -> dict[str, object]:
    """What a run took."""
    folder = common.ROOT / "runs" / "sweeps" / name
    shutil.rmtree(folder, ignore_errors=True)
    before, began = common.processor_seconds(), time.perf_counter()
    subprocess.run(
        [sys.executable, "train.py", *BASE, *told, f"run_dir={folder}"],
        cwd=common.ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    wall, cpu = time.perf_counter() - began, common.processor_seconds() - before
    summary = json.loads((folder / "summary.json").read_text())
    return {
        "what": name,
        "settings": len(summary.get("settings", [None])),
        "env_steps": summary["env_steps"],
        "cpu_seconds": f"{cpu:.1f}",
        "wall_seconds": f"{wall:.1f}",
        "compile_seconds": f"{summary['compile_seconds']:.1f}",
        "final_return": f"{summary['final_return']:.4f}",
    }


def main() -> None:
    """Measures what is not known yet, and says the ratio."""
    path = HERE / "speed.csv"
    for name, told in runs().items():
        if name not in {row["what"] for row in common.read(path)}:
            common.append(path, FIELDS, [measured(name, told)])
    rows = common.read(path)
    for column in ("cpu_seconds", "wall_seconds"):
        (one,) = (float(r[column]) for r in rows if r["what"] == "together")
        alone = sum(float(r[column]) for r in rows if r["what"] != "together")
        print(f"{column}: {one:.0f} together, {alone:.0f} alone, {one / alone:.2f}")


if __name__ == "__main__":
    main()

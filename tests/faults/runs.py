"""What the faults happen to: a small run in a process of its own, and its outcome."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.fresh import FOREGROUND, ROOT

# 20 steps an update; the same program as that of tests/experiment.
SMALL = (
    *("env=memory_chain", "env.memory_length=4", "core=s5", "core.features=8"),
    *("core.num_layers=1", "core.state_size=4", "agent.num_envs=4"),
    *("agent.num_minibatches=2", "agent.epochs=1", "agent.encoder_sizes=[8]"),
    *("agent.anneal_learning_rate=false", "agent.head_sizes=[]", "num_seeds=2"),
    *("total_steps=20_000", "log_every=10", "checkpoint_every=50"),
)
UPDATES = 1_000


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    status: int  # as a shell says it: 128 + n where signal n ended it
    out: str
    errors: str

    @property
    def sentence(self) -> str:
        """What the user reads last, without what XLA logs."""
        said = [x for x in self.errors.splitlines() if x.startswith("error: ")]
        return said[-1] if said else self.out.strip().splitlines()[-1]


class Place:
    """A folder for runs, which share what is compiled."""

    def __init__(self, path: Path):
        self.path = path
        self.environment = {
            **os.environ,
            "JAX_PLATFORMS": "cpu",
            "JAX_COMPILATION_CACHE_DIR": str(path / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }

    def begin(self, *arguments: str, fault: str = "", **options) -> subprocess.Popen:
        """`python train.py` with these arguments, in a process group of its own."""
        return subprocess.Popen(
            [*FOREGROUND, sys.executable, str(ROOT / "train.py"), *arguments],
            cwd=self.path,
            env=self.environment | ({"S5RL_FAULT": fault} if fault else {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )

    def end(self, process: subprocess.Popen, *, after: float | None = None) -> Ended:
        """Waits; or kills it after so many seconds, if it still runs."""
        try:
            out, errors = process.communicate(timeout=after or 600)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, errors = process.communicate()
        code = process.returncode
        return Ended(128 - code if code < 0 else code, out, errors)

    def train(self, *arguments: str, fault: str = "") -> Ended:
        """The whole of it."""
        return self.end(self.begin(*arguments, fault=fault))

    def go_on(self, folder: Path) -> tuple[str, ...]:
        """Arguments that begin a run, or go on with it where it was begun."""
        if (folder / "config.yaml").exists():
            return (f"resume={folder}",)
        return (*SMALL, f"run_dir={folder}")

    def base(self) -> Path:
        """A run that nothing happened to; made once."""
        folder = self.path / "base"
        if not (folder / "summary.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            ended = self.train(*SMALL, f"run_dir={folder}")
            assert ended.status == 0, ended
        return folder

    def copy(self, name: str) -> Path:
        """A copy of the base run."""
        folder = self.path / name
        shutil.rmtree(folder, ignore_errors=True)
        return shutil.copytree(self.base(), folder)


def reached(folder: Path) -> tuple[int, int]:
    """Updates behind the last row, and behind the newest checkpoint."""
    rows = [0]
    if (folder / "metrics.csv").exists():
        for line in (folder / "metrics.csv").read_text().splitlines()[1:]:
            parts = line.split(",")
            rows += [int(parts[1])] if len(parts) > 2 and parts[1].isdigit() else []
    saved = [
        int(p.name) for p in (folder / "checkpoints").glob("*") if p.name.isdigit()
    ]
    return max(rows), max(saved, default=0)


def outcome(folder: Path) -> tuple[str, str]:
    """Digests of metrics.csv and of the final checkpoint's values."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.runs", str(folder)],
        cwd=ROOT,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    rows, values = (done.stdout.split() or [done.stderr, ""])[:2]
    return rows, values


def digests(folder: Path) -> tuple[str, str]:
    """Likewise, in this process."""
    import jax
    import numpy as np

    from experiment.run.checkpoints import Checkpoints
    from experiment.run.run_folder import RunFolder
    from experiment.setup.building import build_agent, learner_shapes

    config = RunFolder(folder).load_config()
    like = learner_shapes(build_agent(config), config)
    update, learners = Checkpoints(folder / "checkpoints").restore(like)
    learners = learners._replace(key=jax.random.key_data(learners.key))
    values = hashlib.sha256(str(update).encode())
    for leaf in jax.tree.leaves(learners):
        values.update(np.asarray(leaf).tobytes())
    rows = hashlib.sha256((folder / "metrics.csv").read_bytes())
    return rows.hexdigest(), values.hexdigest()


if __name__ == "__main__":
    print(*digests(Path(sys.argv[1])))

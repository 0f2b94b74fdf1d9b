"""Train, resume, evaluate and compare under conditions that a user may have.

Slow: each runs four real commands. `JAX_DISABLE_JIT` runs every step of Python, so its
run is of one update.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.runs import SMALL
from tests.fresh import ROOT

pytestmark = pytest.mark.slow

SHORT = (*SMALL, "total_steps=60", "log_every=1")
CONDITIONS = {
    "64 bits": {"env": {"JAX_ENABLE_X64": "1"}},
    "strict promotion": {"env": {"JAX_NUMPY_DTYPE_PROMOTION": "strict"}},
    "no compiler": {"env": {"JAX_DISABLE_JIT": "1"}, "steps": 20},
    "no asserts": {"flags": ["-O"]},
    "an ASCII locale": {"env": {"LC_ALL": "C", "PYTHONUTF8": "0"}},
    "no git": {"env": {"PATH": "/nowhere"}},
    "a read-only checkout": {"checkout": "read-only"},
    "a checkout with a space": {"checkout": "a checkout, é"},
    "folders with spaces and accents": {"runs": "my rüns/a b"},
}


def checkout(tmp_path: Path, name: str) -> Path:
    """A copy of what is under version control, without its history."""
    place = tmp_path / name
    for part in ("s5rl", "agents", "envs", "experiment", "configs"):
        shutil.copytree(
            ROOT / part, place / part, ignore=shutil.ignore_patterns("__pycache__")
        )
    for file in ("train.py", "evaluate.py", "compare.py"):
        shutil.copy(ROOT / file, place / file)
    if name == "read-only":
        for path in [place, *place.rglob("*")]:
            path.chmod(path.stat().st_mode & ~0o222)
    return place


@pytest.mark.parametrize("name", CONDITIONS)
def test_everything_works_under(name, tmp_path):
    condition = CONDITIONS[name]
    root = checkout(tmp_path, where) if (where := condition.get("checkout")) else ROOT
    here = tmp_path / "elsewhere"  # the working directory is never the checkout
    here.mkdir()
    run = here / condition.get("runs", "run")
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", **condition.get("env", {})}
    steps = condition.get("steps", 60)

    def command(program: str, *arguments: str) -> str:
        flags = condition.get("flags", [])
        done = subprocess.run(
            [sys.executable, *flags, str(root / program), *arguments],
            cwd=here,
            env=environment,
            capture_output=True,
        )
        said = done.stderr.decode(errors="replace")
        assert done.returncode == 0, said[-2000:]
        assert "Traceback" not in said, said
        return done.stdout.decode(errors="replace")

    command("train.py", *SHORT, f"total_steps={steps}", f"run_dir={run}")
    command("train.py", f"resume={run}", f"total_steps={steps + 20}")
    assert "mean return" in command("evaluate.py", f"run={run}", "episodes=4")
    command("compare.py", f"runs={run}", "out=compared")
    assert (run / "summary.json").exists()
    assert (here / "compared" / "report.html").exists()
    assert (run / "metrics.csv").read_text().count("\n") == 1 + 2 * (steps // 20 + 1)

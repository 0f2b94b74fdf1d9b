"""What a Python of its own has imported: a command line must not wait for JAX."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def imported(code: str, modules) -> str:
    """Those of `modules` that are there after `code`, with blanks between them."""
    program = (
        f"{code}\nimport sys\nprint(*[m for m in {list(modules)} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()

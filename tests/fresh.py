"""What a Python of its own has imported: a command line must not wait for JAX."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Before a command: signals act as for a shell's foreground job, whatever they do here.
# By an exec, for a fork of a process that runs JAX's threads may hang.
FOREGROUND = (
    *(sys.executable, "-c"),
    "import os, signal, sys\n"
    "for name in ('INT', 'TERM', 'HUP', 'USR1'):\n"
    "    signal.signal(getattr(signal, f'SIG{name}'), signal.SIG_DFL)\n"
    "os.execv(sys.argv[1], sys.argv[1:])",
)


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

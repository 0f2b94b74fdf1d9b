"""What trains in the background while a card answers questions, and is worth keeping.

A run after another, each gone on with where it stopped. Stopped (SIGSTOP) while others
are timed; asked to save and end (SIGTERM) when time is out.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gpu.answers import FINAL, Answers
from benchmarks.gpu.worker import MEMORY

ROOT = Path(__file__).parents[2]
# The paper's five of POPGym (Lu et al., 2023), by the names that popgym has for them.
HARD = ("repeat_previous", "position_only_cartpole", "noisy_position_only_cartpole",
        "position_only_pendulum", "noisy_position_only_pendulum")  # fmt: skip
GRACE = 30  # seconds to save in


@dataclass(frozen=True)
class Work:
    """A run of train.py, and what is evaluated of it."""

    name: str
    arguments: tuple[str, ...]  # of train.py
    evaluate: tuple[str, ...] | None = None  # of evaluate.py


def works(*, tiny: bool = False) -> list[Work]:
    """In order of value."""
    if tiny:
        few = ("env.memory_length=2", "core=mlp", "core.features=4", "total_steps=24")
        agent = ("num_envs=4", "num_minibatches=1", "epochs=1", "head_sizes=[]")
        options = tuple(f"agent.{option}" for option in agent)
        return [Work("science/memory_chain", (*few, *options))]
    cart = ("env=meta_cartpole", "scale=gpu", "num_seeds=3", "log_every=5")
    found = [Work("science/meta_cartpole", cart, ("transfer=true",))]
    for game in HARD:
        arguments = (f"env=popgym_{game}_hard", "scale=gpu", "num_seeds=3")
        history = ("env.history=true", "log_every=5")
        found.append(Work(f"science/popgym_{game}_hard", (*arguments, *history)))
    return found


class Science:
    """Runs works in a thread; its child's process group can be stopped for a while."""

    def __init__(self, listed: Sequence[Work], answers: Answers, runs: Path):
        self._listed, self._answers, self._runs = listed, answers, runs
        self._lock = threading.Lock()  # of the child, and of whether one may start
        self._child: subprocess.Popen | None = None
        self._begun = self._ended = False
        self._may_go_on = threading.Event()
        self._may_go_on.set()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begins, or does nothing if it has."""
        if not self._begun:
            self._begun = True
            self._thread.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing of it runs inside."""
        with self._lock:
            self._may_go_on.clear()
            self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            with self._lock:
                self._signal(signal.SIGCONT)
                self._may_go_on.set()

    def wait(self, seconds: float) -> None:
        """Until all of it is done, or for so long."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def end(self) -> None:
        """Asks what runs to save and end, and waits for it."""
        with self._lock:
            self._ended = True
            self._may_go_on.set()
            self._signal(signal.SIGTERM)
            child = self._child
        if child is not None:
            try:
                child.wait(GRACE)
            except subprocess.TimeoutExpired:
                with self._lock:
                    self._signal(signal.SIGKILL)
        self.wait(GRACE)

    def _signal(self, number: int) -> None:
        if self._child is not None and self._child.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, number)

    def _work(self) -> None:
        for work in self._listed:
            if self._answers.status().get(work.name) in FINAL:
                continue
            folder = self._runs / work.name.replace("/", "-")
            for command in self._commands(work, folder):
                status = self._run(command)
                if self._ended:
                    return
                if status:
                    said = f"{' '.join(command)} ended with status {status}."
                    self._answers.write(work.name, status="failed", said=said)
                    break
            else:
                summary = json.loads((folder / "summary.json").read_text())
                self._answers.write(work.name, status="done", **summary)

    def _commands(self, work: Work, folder: Path) -> Iterator[list[str]]:
        if not (folder / "summary.json").exists():
            begun = (folder / "config.yaml").exists()
            rest = [f"resume={folder}"] if begun else [
                *work.arguments, f"run_dir={folder}"
            ]  # fmt: skip
            yield ["train.py", *rest]
        if work.evaluate is not None:
            yield ["evaluate.py", f"run={folder}", *work.evaluate]

    def _run(self, command: Sequence[str]) -> int:
        """Exit status; does not begin while paused."""
        while True:
            self._may_go_on.wait()
            with self._lock:
                if self._ended:
                    return 1
                if not self._may_go_on.is_set():
                    continue
                self._child = subprocess.Popen(
                    [sys.executable, *command],
                    cwd=ROOT,
                    env=os.environ | MEMORY,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                )
            return self._child.wait()

"""Jobs on their way to a launcher and back: named, checked, and how each ended."""

import sys
from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn, JobStatus

from experiment import entry
from experiment.errors import InputError
from experiment.multirun.task import Outcome, Task
from experiment.setup import sweep


class Jobs:
    """Stands where a sweeper has its launcher: names jobs, and notes how they end."""

    def __init__(self, task: Task, inner: Any, fixed: Sequence[str] = ()):
        self.task, self.inner, self.fixed = task, inner, fixed
        self.ended: dict[str, tuple[int, str]] = {}
        self.refused: list[InputError] = []

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Has those that a sweeper chose run; each result is the job's objective."""
        chosen = [
            sweep.job(sweep.name_of(own), self.task.parent, self.fixed, own)
            for own in job_overrides
        ]
        outcomes = self.all(chosen)
        return [record(outcomes[job.name]) for job in chosen]

    def all(self, jobs: Sequence[sweep.Job]) -> dict[str, Outcome]:
        """Has jobs run, equal ones once; returns what each came to, by name."""
        found: dict[str, Outcome] = {}
        first = len(self.task.jobs)
        for job in {job.name: job for job in jobs}.values():
            config = sweep.tried(lambda _, job=job: self.task.load(job), job)
            if isinstance(config, InputError):
                self.refused.append(config)
                found[job.name] = (config.status, entry.sentence(config), None)
            else:
                self.task.jobs.append(job)
        new = self.task.jobs[first:]
        found |= zip((job.name for job in new), self._launched(first), strict=True)
        self.ended |= {name: outcome[:2] for name, outcome in found.items()}
        return found

    def _launched(self, first: int) -> list[Outcome]:
        """What the jobs from this number on came to."""
        new = self.task.jobs[first:]
        numbers = [[f"job={first + index}"] for index in range(len(new))]
        if not new:
            return []
        try:
            ended = self.inner.launch(numbers, initial_job_idx=first)
            return [one.return_value for one in ended]
        except Exception as error:
            # A worker was killed, or a queue gave up. Jobs are in their folders.
            said = f"the launcher failed: {entry.sentence(error)}"
            print(said, file=sys.stderr)
            return [self.task.outcome(job, said=said) for job in new]


def record(outcome: Outcome) -> JobReturn:
    """As a sweeper wants it; no objective is a failed trial."""
    found = JobReturn(status=JobStatus.COMPLETED)
    found.return_value = outcome[2]
    return found

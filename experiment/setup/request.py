"""What an evaluation is asked for. Free of JAX."""

from dataclasses import dataclass, field
from typing import Any

from experiment.setup.figures import formats


def _seed() -> Any:
    return field(default=0, metadata={"most": 2**32 - 1})


@dataclass(frozen=True)
class Request:
    """What to play."""

    episodes: int = 1000  # of each of the run's seeds
    seed: int = _seed()  # of the evaluation: episodes, not parameters
    greedy: bool = False  # the likeliest action instead of a drawn one
    setting: int | None = None  # of a run that has several; null: the best

    def __post_init__(self):
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1; got {self.episodes}.")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must lie in [0, 2**32); got {self.seed}.")


@dataclass(frozen=True)
class TransferRequest:
    """What to play to measure transfer."""

    tasks: int = 256  # of each split, the same for every learner and control
    trials: int | None = None  # of a meta-episode; null: twice as many as in training
    swap_at: int | None = None  # trial that begins with wrong memory; null: middle
    seed: int = _seed()  # of the evaluation: tasks and episodes, not parameters
    greedy: bool = False  # the likeliest action instead of a drawn one
    setting: int | None = None  # of a run that has several; null: the best
    # Where no formula says what an expert earns, one is trained on each bare body:
    expert_steps: int = 2_000_000  # for so long; 0: no experts
    experts: str | None = None  # the folder they are kept in; else, that of the run
    figures: str | None = None  # svg, pdf or svg,pdf, as wide as a paper's column

    def __post_init__(self):
        if self.expert_steps < 0:
            raise ValueError(
                f"expert_steps must not be negative; got {self.expert_steps}."
            )
        if self.tasks < 2:
            raise ValueError(f"tasks must be at least 2; got {self.tasks}.")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must lie in [0, 2**32); got {self.seed}.")
        if self.trials is not None and self.trials < 2:
            raise ValueError(f"trials must be at least 2; got {self.trials}.")
        if self.swap_at is not None and self.swap_at < 1:
            raise ValueError(
                "swap_at must be at least 1, for trials are counted from 0 and the "
                f"first has no memory to swap; got {self.swap_at}."
            )
        if self.experts is not None and not self.experts.strip():
            raise ValueError("experts must name a folder; it is empty.")
        formats(self.figures)


@dataclass(frozen=True)
class FilmRequest:
    """What to play to be watched."""

    episodes: int = 1  # one after another; of a meta-environment, meta-episodes
    trials: int | None = None  # of a meta-episode; null: as many as in training
    seed: int = _seed()  # of the first episode; each further one has the next
    greedy: bool = False  # the likeliest action instead of a drawn one
    learner: int | None = None  # which of the run's; null: the best by final return
    memory_norm: bool = False  # say the norm of its memory as well
    steps: int = 5_000  # of an episode that has not ended, at most
    setting: int | None = None  # of a run that has several; null: the best

    def __post_init__(self):
        for name, most in (("episodes", 100), ("steps", 100_000)):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(
                    f"{name} must lie in [1, {most:,}]; got {getattr(self, name)}."
                )
        if not 0 <= self.seed < 2**32 - 100:
            raise ValueError(f"seed must lie in [0, 2**32 - 100); got {self.seed}.")
        if self.trials is not None and self.trials < 1:
            raise ValueError(f"trials must be at least 1; got {self.trials}.")
        if self.learner is not None and self.learner < 0:
            raise ValueError(f"learner must not be negative; got {self.learner}.")


@dataclass(frozen=True)
class MemoryRequest:
    """What to play to look into memory."""

    episodes: int = 256  # of each learner; half of them train a probe
    steps: int = 256  # of an episode, at most; of longer ones the first
    seed: int = _seed()  # of the evaluation: episodes, not parameters
    greedy: bool = False  # the likeliest action instead of a drawn one
    setting: int | None = None  # of a run that has several; null: the best

    def __post_init__(self):
        for name, least, most in (("episodes", 16, 1024), ("steps", 2, 4096)):
            if not least <= getattr(self, name) <= most:
                raise ValueError(
                    f"{name} must lie in [{least}, {most:,}]; "
                    f"got {getattr(self, name)}."
                )
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must lie in [0, 2**32); got {self.seed}.")

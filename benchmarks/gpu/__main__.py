"""What can this card do? Everything that is asked of one, in few minutes.

    python -m benchmarks.gpu --minutes 10
    python -m benchmarks.gpu --tiny --minutes 3 --out DIR

Answers go to results/gpu/answers.jsonl, a JSON object a line, as soon as they are
known; started again, it goes on where it stopped. Questions are asked in order of
value: whether it runs and the laws hold there; the paper's setting; the recurrence's
methods beside the floor; the presets; launches in a step of a rollout. Meanwhile, and
paused while they are timed, runs train under runs/gpu. Stops itself after `--minutes`.
"""

import argparse
import fnmatch
import os
from pathlib import Path

from benchmarks.gpu import science
from benchmarks.gpu.answers import Answers
from benchmarks.gpu.coordinator import Clock, ask_all
from benchmarks.gpu.questions import questions

ROOT = Path(__file__).parents[2]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="then it stops")
    parser.add_argument("--tiny", action="store_true", help="sizes for a test on a CPU")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "gpu")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "gpu")
    parser.add_argument("--only", nargs="+", default=["*"], help="questions, as globs")
    parser.add_argument(
        "--processes",
        type=int,
        default=max(1, (os.cpu_count() or 2) * 3 // 4),
        help="that compile side by side",
    )
    flags = parser.parse_args(argv)
    clock, answers = Clock(flags.minutes), Answers(flags.out)

    def chosen(name: str) -> bool:
        return any(fnmatch.fnmatch(name, glob) for glob in flags.only)

    listed = [one for one in questions(tiny=flags.tiny) if chosen(one.name)]
    works = [one for one in science.works(tiny=flags.tiny) if chosen(one.name)]
    background = science.Science(works, answers, flags.runs)
    try:
        # What decides whether the rest is worth anything comes first, and alone.
        urgent = [
            one for one in listed if one.name.startswith(("runs", "laws", "paper"))
        ]
        rest = [one for one in listed if one not in urgent]
        for part in (urgent, rest):
            ask_all(
                part,
                answers,
                clock,
                side_by_side=flags.processes,
                quiet=background.paused,
            )
            background.start()
        background.wait(clock.left)
    finally:
        background.end()
    status = answers.status()
    left = [one.name for one in (*listed, *works) if one.name not in status]
    print(f"{len(status)} answered, in {answers.path}; not yet: {left or 'nothing'}")


if __name__ == "__main__":
    main()

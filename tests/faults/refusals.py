"""Command lines that cannot be meant, and whether each is refused as it should be.

    python -m tests.faults.refusals [count=1000] [seed=0]

Lines are drawn from the schema: every key of every entry point with values of other
kinds, keys that do not exist, and other ways to write than key=value. Each runs in a
process of its own, forked after the imports, in an empty working directory. It should
end with status 2 and one sentence on stderr, in less than five seconds, and leave
nothing. What does not is printed; the last line counts. Exit status 0: none was wrong.

Free of JAX, so that forking is safe. A test's own process is not: `refuse` starts one.
"""

import csv
import dataclasses
import importlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from agents import CONFIGS as AGENTS
from envs import table
from envs.config import MemoryChainConfig
from envs.meta.config import DarkRoomConfig, ProjectedControlConfig
from experiment import entry, errors
from experiment.setup import cli, plain
from experiment.setup import config as run_config
from experiment.setup.config import Schedule
from experiment.setup.request import Request, TransferRequest
from s5rl.config import CORE_CONFIGS

SECONDS = 5.0
LONG = "x" * 300
NOWHERE = ("", " ", "/dev/null/x", "/proc/nothing/run", f"/tmp/{LONG}", LONG)
ANY = ("${x}", "${oc.env:HOME}", "a\x07b", "\udcff", "[[1]", "{a: 1", "[1", "{a}")
WRONG = {
    int: ("x", "1.5", "nan", "inf", "true", "[1]", "{a: 1}", "", "1e39", "9" * 400,
          "99999999999999999999", "-5", "1 2", "é", "0x10", "1,5"),
    float: ("x", "nan", "-inf", "1e39", "1e-60", "true", "[0.5]", "", "{a: 1}", "-7",
            "9" * 200, "1,5", "0.1.2", "1e"),
    bool: ("x", "1", "0", "yes", "[true]", "", "{a: 1}", "1.0", "null"),
    str: ("x", "1", "[a]", "", "null", "true", "{a: 1}", LONG),
    tuple: ("x", "3", "[x]", "[[]]", "[nan]", "{a: 1}", "[1.5]", "[true]", "", "[-1]"),
}  # fmt: skip


class Line(NamedTuple):
    """What is typed behind `python`."""

    program: str  # a module with a `main`
    arguments: tuple[str, ...]


class Refused(NamedTuple):
    """What became of them."""

    trials: int
    wrong: list[str]  # what was typed, and what came of it


def refuse(count: int, seed: int = 0) -> Refused:
    """Runs so many lines, from a process that has threads."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, f"count={count}", f"seed={seed}"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    *wrong, last = done.stdout.splitlines() or [""]
    assert last.startswith("{"), done.stderr
    return Refused(json.loads(last)["lines"], wrong)


def drawn(count: int, seed: int, runs: Path) -> Iterator[Line]:
    """So many different lines, of all kinds in turn.

    Args:
      count: of lines.
      seed: which ones.
      runs: of `make_runs`.
    """
    rng = random.Random(seed)
    kinds = [list(kind) for kind in (_values(runs), _forms(runs), _unknown(runs, rng))]
    for kind in kinds:
        rng.shuffle(kind)
    # Values make up most of it.
    values, forms, unknown = (iter(kind) for kind in kinds)
    turn = itertools.cycle((values, values, values, forms, unknown))
    seen: set[Line] = set()
    empty: set[int] = set()
    while len(seen) < count and len(empty) < 3:
        source = next(turn)
        line = next(source, None)
        if line is None:
            empty.add(id(source))
        elif line not in seen:
            seen.add(line)
            yield line


def _values(runs: Path) -> Iterator[Line]:
    """Every key of every entry point with values of other kinds."""
    for cls, before, prefix in _train_sections():
        yield from _of_class("train", cls, before, prefix)
    for group in ("env", "core", "agent", "memory", "scale"):
        for text in ("[1,2]", "", "null", "{a: 1}", "s7x", LONG, *ANY, "'s5", "a/b/c"):
            yield Line("train", (f"{group}={text}",))
        yield Line("train", (f"~{group}",))
    for text in (*NOWHERE, *ANY, "no/such"):
        yield Line("train", (f"resume={text}",))
        yield Line("evaluate", (f"run={text}",))
        yield Line("compare", (f"runs={text}",))
        yield Line("compare", (f"runs={runs / 'a'},{text.strip() or 'no'}",))
    for text in (*NOWHERE, *ANY[:4]):  # any other text is a path
        yield Line("train", (f"run_dir={text}",))
        yield Line("compare", (f"runs={runs / 'a'}", f"out={text}"))
        yield Line("envs.__main__", ("memory_chain", f"out={text}"))
    for text in ("a,b", "a,a", "", "${x}", "a\x07", "\udcff", LONG):
        yield Line("compare", (f"runs={runs / 'a'},{runs / 'b'}", f"labels={text},c"))
    run = f"run={runs / 'a'}"
    yield from _of_class("evaluate", Request, (run,), "")
    transfer = (f"run={runs / 'dark'}", "transfer=true")
    yield from _of_class("evaluate", TransferRequest, transfer, "")
    for key in ("transfer", "trust"):
        for text in (*WRONG[bool], *ANY):
            yield Line("evaluate", (run, f"{key}={text}"))
            yield Line("train", (f"resume={runs / 'a'}", f"{key}={text}"))
    yield from _of_class("evaluate", MemoryChainConfig, (run,), "env.")
    for cls, name in _VIEWED.items():
        yield from _of_class("envs.__main__", cls, (name,), "")
    for key in ("seed", "steps"):
        for text in (*WRONG[int], *ANY, "null"):
            yield Line("envs.__main__", ("memory_chain", f"{key}={text}"))


_VIEWED = {MemoryChainConfig: "memory_chain", DarkRoomConfig: "dark_room",
           ProjectedControlConfig: "projected_control"}  # fmt: skip


def _train_sections() -> Iterator[tuple[type, tuple[str, ...], str]]:
    yield Schedule, (), ""
    for name, cls in CORE_CONFIGS.items():
        yield cls, (f"core={name}",), "core."
    for name, cls in AGENTS.items():
        yield cls, (f"agent={name}",), "agent."
    for name in table.names():
        cls = table.spec(name).config
        if dataclasses.is_dataclass(cls) and not hasattr(cls, "id"):
            if name != "projected_dmc":  # refused where its extra is missing
                yield cls, (f"env={name}",), "env."


def _of_class(
    program: str, cls: type, before: tuple[str, ...], prefix: str
) -> Iterator[Line]:
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if field.name in ("run_dir", "experts", "histories"):  # any text is a path
            texts: tuple[str, ...] = ("", "  ", *ANY[:4])
        else:
            kinds = get_args(hints[field.name])
            is_optional = isinstance(hints[field.name], UnionType)
            kind = kinds[0] if is_optional else hints[field.name]
            kind = get_origin(kind) or kind
            texts = (*WRONG[kind], *(() if kind is str else ANY))
            texts += ANY[:4] if kind is str else ()
            texts += () if NoneType in kinds or kind is str else ("null",)
        for text in texts:
            yield Line(program, (*before, f"{prefix}{field.name}={text}"))


def _forms(runs: Path) -> Iterator[Line]:
    """Other ways to write than key=value."""
    for key, value in itertools.product(
        ("env", "core", "seed", "agent.learning_rate", "lr", "total-steps", "nothing"),
        ("memory_chain", "3", "1e-3"),
    ):
        forms = (
            (f"--{key}", value), (f"--{key}={value}",), (key, value), (key, "=", value),
            (f"-{key}", value), (f"~{key}={value}",), (f"@{key}={value}",),
            (f"{key}:{value}",), (f"{key}@x={value}",), (f"={value}",), (f"--{key}",),
            (key,), (f"{key}.={value}",), (f".{key}={value}",), (f" {key}={value}",),
        )  # fmt: skip
        for form in forms:
            yield Line("train", form)
            yield Line("train", ("--help", *form))
            yield Line("train", ("--multirun", *form))
            yield Line("evaluate", (f"run={runs / 'a'}", *form))
            yield Line("compare", (f"runs={runs / 'a'}", *form))
            yield Line("envs.__main__", ("memory_chain", *form))
    for bare in ("", "=", "==", "{", "[", "\x07", "\udcff", LONG, "-", "--", "a b"):
        for program in ("train", "evaluate", "compare"):
            yield Line(program, (bare, "x"))


def _unknown(runs: Path, rng: random.Random) -> Iterator[Line]:
    """Keys and names with a slip in them."""
    every = cli.train_keys()
    for key in every:
        for wrong in _slips(key, rng):
            if wrong not in every:
                yield Line("train", (f"{wrong}=3",))
                yield Line("train", ("--multirun", f"{wrong}=1,2"))
                yield Line("evaluate", (f"run={runs / 'a'}", f"{wrong}=3"))
                yield Line("compare", (f"runs={runs / 'a'}", f"{wrong}=3"))
    for name in table.names():
        for wrong in _slips(name, rng):
            if wrong not in table.names():
                yield Line("train", (f"env={wrong}",))


def _slips(word: str, rng: random.Random) -> Iterator[str]:
    """A word mistyped: a letter gone, two changed places, one more, a part alone."""
    at = rng.randrange(1, len(word))
    yield word[:at] + word[at + 1 :]
    yield word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
    yield f"{word[:at]}q{word[at:]}"
    yield f"{word}x"
    yield f"hydra.{word}"


def make_runs(folder: Path) -> Path:
    """Finished runs that nobody trained: `a`, `b` and, with splits, `dark`."""
    for name, given in (("a", ()), ("b", ("core=gru",)), ("dark", ("env=dark_room",))):
        config = run_config.load(cli.composed("train", ["num_seeds=2", *given]))
        path = folder / name
        path.mkdir()
        (path / "config.yaml").write_text(plain.write(run_config.dump(config)))
        summary = {"env_steps": 100, "final_return_per_seed": [0.1, 0.2],
                   "wall_seconds": 1.0, "num_parameters": 10}  # fmt: skip
        (path / "summary.json").write_text(json.dumps(summary))
        with (path / "metrics.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["env_steps", "update", "seed", "episode/return"])
            writer.writerows([50 * k, k, seed, 0.1] for k in (1, 2) for seed in (0, 1))
    return folder


def what_is_wrong(line: Line) -> str | None:
    """Runs a line in a process of its own; how it was not refused, or None."""
    with tempfile.TemporaryDirectory() as place:
        said, here = Path(place) / "said", Path(place) / "here"
        here.mkdir()
        began = time.monotonic()
        child = os.fork()
        if not child:
            _be(line, said, here)
        _, ended = os.waitpid(child, 0)
        took, status = time.monotonic() - began, os.waitstatus_to_exitcode(ended)
        sentences = said.read_text(errors="replace").splitlines()
        if status != errors.BAD_INPUT:
            return f"status {status}: {sentences[-1:]}"
        if len(sentences) != 1 or not sentences[0].startswith("error: "):
            return f"{len(sentences)} lines: {sentences[-1:]}"
        if left := sorted(path.name for path in here.rglob("*")):
            return f"left {left}"
        if took > SECONDS:
            return f"took {took:.1f} s"
        home = os.environ.get("HOME", "")
        if "${oc.env" in "".join(line.arguments) and len(home) > 1:
            if home in sentences[0].replace(sys.prefix, ""):
                return f"tells the environment: {sentences[0]}"
    return None


def _be(line: Line, said: Path, here: Path) -> None:
    """The child: becomes the program, and never returns."""
    status = 1
    try:
        signal.alarm(30)
        os.chdir(here)
        errors_to = os.open(said, os.O_CREAT | os.O_WRONLY)
        os.dup2(errors_to, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = [f"{line.program}.py", *line.arguments]
        status = _main(line)
    except SystemExit as stopped:
        status = stopped.code if isinstance(stopped.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _main(line: Line) -> int:
    module: Any = importlib.import_module(line.program)
    if line.program == "envs.__main__":
        return module.main(list(line.arguments))
    return entry.status_of(module.main)


def main(arguments: list[str]) -> int:
    """Runs the lines and prints what was wrong; exit status."""
    given = dict(argument.split("=", 1) for argument in arguments)
    count, seed = int(given.get("count", 1000)), int(given.get("seed", 0))
    for program in ("train", "evaluate", "compare", "envs.__main__"):
        importlib.import_module(program)
    assert "jax" not in sys.modules
    wrong = tried = 0
    with tempfile.TemporaryDirectory() as place:
        for line in drawn(count, seed, make_runs(Path(place))):
            tried += 1
            if found := what_is_wrong(line):
                wrong += 1
                print(f"{ascii(line)[:300]}: {ascii(found)[:300]}", flush=True)
    print(json.dumps({"lines": tried, "refused": tried - wrong, "wrong": wrong}))
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

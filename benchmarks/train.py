"""How many steps a second does each memory train, at which length, at which size?

    python -m benchmarks.train                         # all, into results/speed
    python -m benchmarks.train --lengths 8 --steps 32 --features 4 --repeat 1 --out DIR
    python -m benchmarks.train --draw                  # table and plot of what is there

Whole updates of PPO on `memory_chain`, as `python train.py` compiles them: collecting
`--steps` in steps/T lanes, 4 epochs of 4 minibatches. S5, GRU, LSTM, window attention
(64 steps) and MLP, each as it is by default, at S5's width and at S5's number of
parameters; and, at its width, what is installed of other packages (`peers.py`). All of
a length and a size are compiled first, and take turns. A line of JSON each goes to
`train.jsonl` as soon as it is known; started again, it measures what is not there yet.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax

from benchmarks.measure import compiled, machine, positive, rounded, take_turns
from benchmarks.peers import Sizes, peers
from benchmarks.train_report import draw, read
from benchmarks.trainer import Trainer
from benchmarks.width import matched, parameters

OUT = Path(__file__).parents[1] / "results" / "speed"
CORES = ("s5", "gru", "lstm", "window_attention", "mlp")
LENGTHS = (64, 256, 1024, 4096)
EPOCHS, MINIBATCHES = 4, 4
SIZES = ("width", "parameters")  # what is equal to S5's


class Peer:
    """Another package's update; a call goes on from the last."""

    def __init__(self, make: Any, sizes: Sizes):
        function, self._state, params = make(sizes)
        self._update, self.compile_seconds = compiled(function, self._state)
        self.parameters = sum(leaf.size for leaf in jax.tree.leaves(params))

    def __call__(self) -> Any:
        self._state = self._update(self._state)
        return self._state


def arguments_of(core: str, length: int, steps: int, features: int) -> tuple[str, ...]:
    """Of train.py."""
    return (
        *("env=memory_chain", f"env.memory_length={length - 1}", f"core={core}"),
        *(f"core.features={features}", f"agent.num_envs={steps // length}"),
        *(f"agent.epochs={EPOCHS}", f"agent.num_minibatches={MINIBATCHES}"),
        f"total_steps={1000 * steps}",
    )


def width_of(core: str, equal: str, length: int, steps: int, features: int) -> int:
    """Of a core, so that its width or parameters are those of S5 with `features`."""
    if equal == "width" or core == "s5":
        return features

    def count(width: int, core: str = core) -> int:
        return parameters(arguments_of(core, length, steps, width))

    return matched(core, count(features, "s5"), count)


def measured(
    equal: str,
    length: int,
    *,
    cores: Sequence[str],
    steps: int,
    features: int,
    repeat: int,
) -> list[dict[str, Any]]:
    """Rows of all that take turns."""
    programs: dict[str, Any] = {}
    facts: dict[str, dict[str, Any]] = {}
    for core in cores:
        width = width_of(core, equal, length, steps, features)
        arguments = arguments_of(core, length, steps, width)
        programs[core] = Trainer(arguments)
        facts[core] = {"features": width, "arguments": " ".join(arguments)}
    if equal == "width":
        alike = Sizes(length, steps // length, EPOCHS, MINIBATCHES, features)
        for name, make in peers().items():
            programs[name] = Peer(make, alike)
            facts[name] = {"features": features, "arguments": str(alike)}
    taken = take_turns(programs, repeat=repeat)
    first = taken[next(iter(programs))]
    rows = []
    for name, seconds in taken.items():
        ratios = [its / mine for mine, its in zip(seconds, first, strict=True)]
        row = {"benchmark": "train", "core": name, "equal": equal, "T": length}
        row |= {"B": steps // length, "repeat": repeat, **facts[name]}
        row["parameters"] = programs[name].parameters
        row["steps_per_second"] = steps / statistics.median(seconds)
        row["slowest"], row["fastest"] = steps / max(seconds), steps / min(seconds)
        row[f"times_{cores[0]}"] = statistics.median(ratios)
        row["compile_seconds"] = programs[name].compile_seconds
        rows.append({key: rounded(value) for key, value in row.items()} | machine())
    return rows


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", nargs="+", default=CORES, help="yardstick first")
    parser.add_argument("--lengths", type=positive, nargs="+", default=LENGTHS)
    parser.add_argument("--equal", nargs="+", choices=SIZES, default=SIZES)
    parser.add_argument("--steps", type=positive, default=16_384, help="of an update")
    parser.add_argument("--features", type=positive, default=64, help="of S5")
    parser.add_argument("--repeat", type=positive, default=7, help="rounds")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    flags = parser.parse_args(argv)
    flags.out.mkdir(parents=True, exist_ok=True)
    path = flags.out / "train.jsonl"
    known = {(row["equal"], row["T"]) for row in read(path)}
    wanted = [(equal, length) for length in flags.lengths for equal in flags.equal]
    for equal, length in [] if flags.draw else wanted:
        if (equal, length) in known:
            continue
        rows = measured(
            *(equal, length),
            cores=flags.cores,
            steps=flags.steps,
            features=flags.features,
            repeat=flags.repeat,
        )
        with path.open("a") as file:
            for row in rows:
                print(json.dumps(row), file=file)
                print(json.dumps(row), flush=True)
    if known or not flags.draw:
        draw(path)


if __name__ == "__main__":
    main()

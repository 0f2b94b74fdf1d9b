"""Writes a policy for other programs: `python -m experiment.export run=RUN_DIR`.

    out=DIR          where it goes; RUN_DIR/exported if nothing is said
    seed=0           which of the run's learners
    setting=0        of a run that has several; left out, the best
    batch=1          environments that one call decides for
    greedy=true      false: actions are drawn, and `key` is an input more
    onnx=true        policy.onnx as well; left out, it is written if the extra is there
    trust=true       lets the run's configuration name code that is not your own

Writes policy.jax (`jax.export`), memory.npz (memory that has read nothing) and
policy.json (names, shapes and meanings of inputs and outputs), after playing each
beside the learner. examples/play_jax.py and play_onnx.py play them without this code.
Exit status: 0 done; 2 bad input; 4 the machine failed; 128 + n stopped by signal n.
"""

from experiment import entry

if __name__ == "__main__":
    entry.begin()

import sys
from pathlib import Path
from typing import Any

from experiment.errors import InputError
from experiment.setup import cli

KEYS = ("run", "out", "seed", "setting", "batch", "greedy", "onnx", "trust")


def main(given: list[str]) -> int:
    """Exit status."""
    if not given or cli.wants(given, "--help", "-h"):
        print((__doc__ or "").strip())
        return 0
    options = cli.options(given, KEYS)
    if "run" not in options:
        raise InputError("run=RUN_DIR must say whose policy to write; it is missing.")
    run = str(options["run"])
    seed, batch = options.get("seed", 0), options.get("batch", 1)
    for key, value, least in (("seed", seed, 0), ("batch", batch, 1)):
        if type(value) is not int or value < least:
            raise InputError(
                f"{key} must be a whole number of at least {least}; got {value!r}."
            )
    greedy, trust = _flag(options, "greedy", True), _flag(options, "trust", False)
    out = Path(str(options.get("out", Path(run) / "exported")))
    # Only now, for importing JAX takes seconds and errors should not.
    from experiment import importing

    importing.light_gymnax()
    from experiment.export import onnx_file, write

    if not onnx_file.is_there("flatbuffers"):
        raise InputError(
            "jax.export writes with the package flatbuffers, which is not installed; "
            'install it with pip install -e ".[export]".'
        )
    lacking = onnx_file.lacking()
    onnx = _flag(options, "onnx", not lacking and greedy)
    if onnx and lacking:
        raise InputError(
            f"onnx=true needs the packages {' and '.join(lacking)}, which are not "
            'installed; install them with pip install -e ".[onnx]".'
        )
    if onnx and not greedy:
        raise InputError("an ONNX policy draws no actions: leave greedy=true.")
    from experiment.evaluate.load import load

    trained = load(run, seed=seed, setting=options.get("setting"), trust=trust)
    write.write(trained, out, batch=batch, greedy=greedy, onnx=onnx)
    said = "policy.jax and policy.onnx" if onnx else "policy.jax"
    print(f"{said}, memory.npz and policy.json are in {out}")
    return 0


def _flag(options: dict[str, Any], key: str, default: bool) -> bool:
    value = options.get(key, default)
    if not isinstance(value, bool):
        raise InputError(f"{key} must be true or false; got {value!r}.")
    return value


if __name__ == "__main__":
    sys.exit(entry.status_of(lambda: main(sys.argv[1:])))

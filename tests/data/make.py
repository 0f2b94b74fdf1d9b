"""Makes `format_<n>/`: a run whose checkpoints every later version must read.

    python -m tests.data.make        # refuses where there is one: it is made once

Beside the checkpoint, `values.json` has what must be read: of every array its type, its
shape, its first numbers and the sha256 of its bytes. When the format changes, a run is
added, and those before it stay.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

import train
from experiment.run import records
from experiment.run.checkpoints import Checkpoints
from experiment.run.run_folder import RunFolder
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent, learner_shapes

HERE = Path(__file__).parent
# Two seeds of three updates.
RUN = (
    *("env=memory_chain", "env.memory_length=4", "core=s5", "core.features=4"),
    *("core.num_layers=1", "core.state_size=4", "agent.num_envs=2"),
    *("agent.rollout_length=5", "agent.num_minibatches=1", "agent.epochs=1"),
    *("agent.encoder_sizes=[4]", "agent.head_sizes=[]"),
    *("num_seeds=2", "total_steps=30"),
)


def read(folder: Path) -> tuple[int, Any]:
    """The newest checkpoint of a run, as `evaluate.py` reads it."""
    run = RunFolder(folder)
    config = run.load_config()
    like = learner_shapes(build_agent(config), config)
    return Checkpoints(run.checkpoints, config).restore(like)


def described(learners: Any) -> dict[str, Any]:
    """What `values.json` says of each array."""
    found = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(learners):
        if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        array = np.asarray(leaf)
        found[jax.tree_util.keystr(path)] = {
            "dtype": array.dtype.name,
            "shape": list(array.shape),
            "first": [str(number) for number in array.ravel()[:3]],
            "sha256": hashlib.sha256(array.tobytes()).hexdigest(),
        }
    return found


def main() -> None:
    folder = HERE / f"format_{records.FORMAT}"
    if folder.exists():
        sys.exit(f"{folder} is there; it must be read for ever and never made again.")
    cli.register()
    place = f"run_dir={folder.relative_to(Path.cwd())}"
    train.start(run_config.load(cli.composed("train", [*RUN, place])))
    update, learners = read(folder)
    for path in folder.iterdir():
        if path.name not in ("config.yaml", "checkpoints"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    said = {"update": update, "values": described(learners)}
    (folder / "values.json").write_text(_a_line_each(said))


def _a_line_each(said: dict[str, Any]) -> str:
    lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in said["values"].items()]
    values = ",\n".join(lines)
    return f'{{"update": {said["update"]}, "values": {{\n{values}\n}}}}\n'


if __name__ == "__main__":
    main()

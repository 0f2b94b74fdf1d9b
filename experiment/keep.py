"""Keeps a learner to act with: `python -m experiment.keep run=RUN_DIR out=DIR`.

    seed=0         which of the run's learners; left out, the best by final return
    setting=0      of a run that has several; left out, the best
    out=DIR        the new folder: a run of that one learner, of about 200 kB
    trust=true     lets the run's configuration name code that is not your own

The folder holds config.yaml, manifest.json (what was typed to train it), summary.json
and policy/, the parameters. evaluate.py plays it, `experiment.load` loads it, init=DIR
begins from it; resume=DIR cannot go on, for nothing of training is in it.
Exit status: 0 done; 2 bad input; 4 the machine failed; 128 + n stopped by signal n.
"""

from experiment import entry

if __name__ == "__main__":
    entry.begin()

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiment import files
from experiment.errors import InputError
from experiment.run import manifest, outcome
from experiment.run.run_folder import RunFolder
from experiment.setup import cli, trust
from experiment.setup.config import RunConfig
from experiment.setup.devices import MeshConfig

KEYS = ("run", "out", "seed", "setting", "trust")


def main(given: list[str]) -> int:
    """Exit status."""
    if not given or cli.wants(given, "--help", "-h"):
        print((__doc__ or "").strip())
        return 0
    options = cli.options(given, KEYS)
    for key, what in (("run", "whose learner to keep"), ("out", "where it goes")):
        if not str(options.get(key, "")).strip():
            raise InputError(f"{key}=DIR must say {what}; it is missing.")
    seed, trusted = options.get("seed"), options.get("trust", False)
    if seed is not None and (type(seed) is not int or seed < 0):
        raise InputError(f"seed must be a whole number of at least 0; got {seed!r}.")
    if not isinstance(trusted, bool):
        raise InputError(f"trust must be true or false; got {trusted!r}.")
    folder, target = RunFolder.existing(str(options["run"]), "run"), options["out"]
    config = folder.load_config()
    trust.check(config, folder.path, trusted)
    setting = outcome.setting_of(folder, config, options.get("setting"))
    out = Path(str(target))
    if out.exists():
        raise InputError(f"out={target} must not be there yet.")
    # Only now, for importing JAX takes seconds and errors should not.
    from experiment import importing

    importing.light_gymnax()
    keep(folder, config, setting, seed, RunFolder(out))
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {size:,} bytes; python evaluate.py run={out} plays it")
    return 0


def keep(
    folder: RunFolder,
    whole: RunConfig,
    setting: int,
    seed: int | None,
    target: RunFolder,
) -> None:
    """Makes a run of one learner that can act.

    Args:
      folder: of the run.
      whole: its configuration.
      setting: of which of its settings.
      seed: which learner of that; None: the one with the largest final return.
      target: the folder to make, which is there whole or not at all.

    Raises:
      InputError: if there is no such learner, no usable checkpoint, or nothing says
        which learner is the best.
      MachineError: if it cannot be written.
    """
    import jax

    from experiment.run import picked, policy
    from experiment.setup.building import build_agent, learner_shapes

    config = whole.alone(setting)
    like = learner_shapes(build_agent(config), whole)
    update, learners, seeds = picked.restored(folder, whole, setting, like)
    row = setting if whole.sweep else None
    summary = _summary(folder, row)
    returns = outcome.final_returns(folder, row)
    listed = ", ".join(map(str, seeds))
    if seed is None:
        seed = outcome.best_of(folder, row, seeds)
    if seed is None:
        raise InputError(
            f"nothing says which learner of {folder.path} is the best, for it has no "
            f"final return: say which with seed=, one of {listed}."
        )
    if seed not in seeds:
        raise InputError(f"seed must be one of {listed}, of {folder.path}; got {seed}.")
    place = seeds.index(seed)
    learner = jax.tree.map(lambda x: x[place : place + 1], learners)
    schedule = replace(config.schedule, num_seeds=1, run_dir=str(target.path))
    alone = replace(config, schedule=schedule, mesh=MeshConfig())
    starts = manifest.read(folder.manifest) or []
    kept = {"seed": seed, "setting": row, "update": update}
    with files.new_folder(target.path) as path:
        made = RunFolder(path)
        policy.write(made.policy, alone, update, learner)
        files.write_json(made.manifest, {"starts": starts})
        made.write_summary({**_of_one(summary, returns.get(seed)), "kept": kept})
        made.create(alone)


def _summary(folder: RunFolder, setting: int | None) -> dict[str, Any]:
    """What is known of a setting's outcome; nothing of a run that has not ended."""
    found = folder.read_summary() or {}
    if not found or setting is None:
        return found
    try:
        chosen = found.pop(outcome.SETTINGS)[setting]
        found.pop(outcome.BEST, None)
        return found | {key: chosen[key] for key in _PER_SETTING}
    except (TypeError, LookupError) as error:
        raise InputError(f"{folder.summary} cannot be read: {error}.") from error


_PER_SETTING = ("final_return", "final_return_per_seed", "diverged_seeds")


def _of_one(summary: Mapping[str, Any], own: float | None) -> dict[str, Any]:
    """The outcome of one learner alone, which had this final return."""
    return {
        **summary,
        "num_seeds": 1,
        "final_return": own,
        "final_return_per_seed": [own],
        "diverged_seeds": [],
    }


if __name__ == "__main__":
    sys.exit(entry.status_of(lambda: main(sys.argv[1:])))

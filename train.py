"""Trains an agent: `python train.py env=memory_chain core=gru seed=1 num_seeds=4`.

`python train.py --help` lists what can be set; `resume=RUN_DIR` goes on with a run.
Exit status: 0 done; 2 bad input; 3 diverged; 4 the machine failed (a full disk, say);
128 + n stopped by signal n (INT, TERM, HUP, USR1), after saving.
"""

from experiment import entry

if __name__ == "__main__":
    entry.begin()

import dataclasses
import sys
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from experiment.errors import InputError
from experiment.run.run_folder import RunFolder
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.help import train_help

RESUMABLE = ("resume", "total_steps", "wandb")


def start(config: run_config.RunConfig) -> int:
    """Runs from the start, in a new folder."""
    cli.need_wandb(config.schedule.wandb)
    return _train(RunFolder.choose(config), config, resume=False)


def resume(options: dict[str, Any]) -> int:
    """Goes on with a run; only its length and its W&B mode may change."""
    refused = [key for key in options if key not in RESUMABLE]
    if refused:
        raise InputError(
            f"with resume=, only {' and '.join(RESUMABLE[1:])} can be set, for the "
            f"rest is the run's own; got {', '.join(refused)}."
        )
    folder = RunFolder.existing(str(options.pop("resume")), "resume")
    config = folder.load_config()
    longer = run_config.typed(
        run_config.Schedule, dataclasses.asdict(config.schedule) | options
    )
    if longer.total_steps < config.schedule.total_steps:
        raise InputError(
            f"total_steps ({longer.total_steps}) must not be less than the run's own "
            f"({config.schedule.total_steps})."
        )
    config = dataclasses.replace(config, schedule=longer)
    cli.need_wandb(longer.wandb)
    return _train(folder, config, resume=True)


def _train(folder: RunFolder, config: run_config.RunConfig, *, resume: bool) -> int:
    with folder.owned(new=not resume):
        # Only now, for importing JAX and gymnax takes seconds and errors should not.
        from experiment.run.training import train
        from experiment.setup.building import build_agent

        return train(build_agent(config), config, folder, resume=resume)


@hydra.main(version_base="1.3", config_path="configs", config_name="train")
def run(composed: DictConfig) -> None:
    """One job of Hydra's; `--multirun` calls it once per combination."""
    plain: Any = OmegaConf.to_container(composed, resolve=True)
    status = entry.status_of(lambda: start(run_config.load(plain)))
    if status:
        sys.exit(status)


def main() -> int:
    """Refuses what cannot be, then leaves the rest to Hydra."""
    arguments = sys.argv[1:]
    if cli.wants(arguments, "--help", "-h"):
        print(train_help())
        return 0
    if any(argument.startswith("resume=") for argument in arguments):
        return resume(cli.assignments(arguments))
    cli.register()
    if not cli.wants(arguments, "--multirun", "-m"):
        run_config.load(cli.composed("train", arguments))
    sys.argv[1:] = cli.prepare(arguments)
    run()
    return 0


if __name__ == "__main__":
    sys.exit(entry.status_of(main))

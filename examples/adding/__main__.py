"""The environment, the core and the agent of this folder, trained together.

python -m examples.adding          # from the checkout's folder

In the toolkit each row stands in its table. Here they are put in while the program
runs, so that the checkout stays as it is.
"""

import sys

from hydra.core.config_store import ConfigStore

import agents
import experiment
from envs import experts, table
from examples.adding import agent_row, environment_row
from examples.adding.core_row import LeakyConfig
from s5rl.config import CORE_CONFIGS, CORES, base


def add() -> None:
    """Puts the three rows into their tables."""
    table.SPECS["parity"] = environment_row.SPEC
    experts.TABLE["parity"] = environment_row.EXPERT
    CORES["leaky"], CORE_CONFIGS["leaky"] = base.TABLE["leaky"], LeakyConfig
    agents.AGENTS["a2c"] = agent_row.ROW
    agents.CONFIGS["a2c"] = agent_row.A2CConfig
    # In the toolkit: configs/agent/a2c.yaml.
    ConfigStore.instance().store(name="a2c", group="agent", node={"name": "a2c"})


def main(run_dir: str = "runs/adding", total_steps: int = 150_000) -> float:
    """Trains; returns the mean return of the last tenth of training, at best 1."""
    add()
    settings = {
        **{"env": "parity", "env.length": 2},
        **{"core": "leaky", "core.features": 32, "core.num_layers": 1},
        **{"agent": "a2c", "agent.learning_rate": 3e-3, "agent.rollout_length": 16},
        **{"num_seeds": 2, "total_steps": total_steps, "run_dir": run_dir},
    }
    run = experiment.train(settings)
    assert run.summary is not None
    print(f"a2c with leaky on parity: {run.summary['final_return']:+.3f}")
    return run.summary["final_return"]


if __name__ == "__main__":
    main(*sys.argv[1:])

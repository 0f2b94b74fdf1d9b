"""Learning algorithms, by name. Importing this package does not import JAX.

An agent is `initialise(key)`, `update(learner)`, `initial_carry(batch_size)`,
`act(learner, ...)` and `evaluate(learner, ...)`, all pure: `agents.acting.agent.Agent`.
Its configuration has `steps_per_update`, and refuses in `check_updates(num_updates)` a
training that is too long for it. A new one is a row of `AGENTS` and a folder.
"""

from importlib import import_module
from typing import Any, NamedTuple

from agents.distill.config import DistillConfig
from agents.imitate.config import ImitateConfig
from agents.ppo.config import PPOConfig
from agents.pqn.config import PQNConfig


class Row(NamedTuple):
    """What there is to know of an agent before it is made."""

    config: type
    factory: str  # module:function
    summary: str
    has_expert: bool = False  # learns from one (`envs.contract.expert`)
    has_trials: bool = False  # wants several trials of a task (`envs.meta.wrapper`)


AGENTS = {
    "ppo": Row(
        PPOConfig,
        "agents.ppo.agent:make_ppo",
        "proximal policy optimisation; discrete and continuous actions",
    ),
    "pqn": Row(
        PQNConfig,
        "agents.pqn.agent:make_pqn",
        "PQN(lambda), Q-learning without buffer or target network; discrete actions",
    ),
    "imitate": Row(
        ImitateConfig,
        "agents.imitate.agent:make_imitate",
        "imitation of an expert that knows the task, on the learner's own states",
        has_expert=True,
    ),
    "distill": Row(
        DistillConfig,
        "agents.distill.agent:make_distill",
        "Algorithm Distillation: predicts a learner over its trials",
        has_trials=True,
    ),
}
CONFIGS = {name: row.config for name, row in AGENTS.items()}


def make(name: str, config: Any, **parts: Any) -> Any:
    """Builds an agent from its configuration; `parts` as its factory says."""
    module, function = AGENTS[name].factory.split(":")
    return getattr(import_module(module), function)(config, **parts)


def history(agent: Any, learner: Any, *, records: int, every: int) -> Any:
    """What a learner sees of one task while it learns it: `agents.distill.learned`."""
    learned = import_module("agents.distill.learned").learned
    return learned(agent, learner, records=records, every=every)

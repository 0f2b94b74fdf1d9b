"""Learning algorithms, by name. Importing this package does not import JAX.

An agent has `initialise(key)`, `update(learner)` and `evaluate(learner, key, ...)`, all
pure; see `agents.ppo.agent.PPO`. Its configuration has `steps_per_update`, and refuses
in `check_updates(num_updates)` a training that is too long for it.
"""

from importlib import import_module
from typing import Any

from agents.ppo.config import PPOConfig

CONFIGS = {"ppo": PPOConfig}
_FACTORIES = {"ppo": "agents.ppo.agent:make_ppo"}


def make(name: str, config: Any, **parts: Any) -> Any:
    """Builds an agent from its configuration; `parts` as its factory says."""
    module, function = _FACTORIES[name].split(":")
    return getattr(import_module(module), function)(config, **parts)

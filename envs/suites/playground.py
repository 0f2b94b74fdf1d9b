"""MuJoCo Playground's DM Control suite as `playground/<id>`, on MJX.

Observation: [D] float32 (see each environment's own text). Action: [A] in [-1, 1].
Reward: in [0, 1] a step, so a return is at most the length of an episode. Terminated:
never, but when the simulation blows up, which is all that these tasks' `done` says.
Truncated: after `episode_length` steps, 1,000.

Parameters: `max_steps_in_episode`, which stands for the suite's `episode_length`; and
the suite's configuration: `action_repeat`, `ctrl_dt`, `sim_dt`, `impl`, `naconmax`,
`njmax`. `impl` is "jax" here, which runs everywhere; the suite's own default is
"warp", for NVIDIA's GPUs.

Not here: locomotion and manipulation, which fetch their robots when first built, and
pictures (`vision`), which only Warp draws. Nothing else is lost but the suite's
`metrics`, which are no part of gymnax's contract.
"""

from importlib import import_module
from typing import Any

from envs.config import SuiteConfig
from envs.suites import options
from envs.suites.physics import EnvParams, Physics, build

IMPLEMENTATIONS = ("jax", "warp")
_NOT_OURS = ("episode_length", "vision", "vision_config")


def make(config: SuiteConfig) -> tuple[Physics, EnvParams]:
    """Builds the environment and its parameters.

    Raises:
      ValueError: for a parameter that the environment does not have, or a value of
        another type than its default.
    """
    tasks: Any = import_module("mujoco_playground").dm_control_suite
    suite = tasks.get_default_config(config.id)
    suite.impl = "jax"
    defaults = {k: v for k, v in suite.items() if k not in _NOT_OURS}
    chosen = options.choose(config, defaults | {"max_steps_in_episode": None})
    options.one_of(config, "impl", chosen["impl"], IMPLEMENTATIONS)
    suite.update({name: chosen[name] for name in defaults})
    bare = tasks.load(config.id, config=suite)
    return build(bare, config.name, chosen, suite.episode_length)

"""Meta-environments that have a name: which tasks, which splits, which expert.

| name | a task is | held out | shifted |
|---|---|---|---|
| meta_cartpole | a random orthogonal projection | other projections | Gaussian ones |
| meta_bandit | arms' rates, uniform in [0, 1] | other rates | rates below 1/2 |
| meta_tabular_mdp | a Markov decision process | others | sparser, of wider rewards |
| random_world | a map and a goal in it | others | dark rooms |
| dark_room | a goal, one of 65 cells | the other 16 | and another start |
| dark_key_to_door | 80 % of pairs of cells | the other 20 % | and another start |
| projected_control | a body and two projections | other projections | orthogonal ones |
| random_control | a body and its constants | other constants | constants beyond those |

projected_dmc is projected_control with the bodies of MuJoCo Playground. All three have
held-out bodies as a fourth split.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from envs.meta import bandit, dark_key_to_door, dark_room, random_world, tabular_mdp
from envs.meta.bodies import BodySet
from envs.meta.config import (
    DarkKeyToDoorConfig,
    DarkRoomConfig,
    MetaBanditConfig,
    MetaCartpoleConfig,
    MetaConfig,
    MetaTabularMdpConfig,
    ProjectedControlConfig,
    ProjectedDmcConfig,
    RandomControlConfig,
    RandomWorldConfig,
)
from envs.meta.constants import Constants
from envs.meta.projection import Projection
from envs.meta.variations import Composed, Fields, Variation
from envs.meta.wrapper import RELEASED, Meta

ADAPTIVE = {
    MetaBanditConfig: "Thompson sampling",
    MetaTabularMdpConfig: "posterior sampling",
    DarkRoomConfig: "search, then the shortest way",
}
OBSERVED, ACTED = 12, 2  # the widest body of Lu et al. (2023), §4.4


def make_meta_cartpole(config: MetaCartpoleConfig) -> tuple[Any, Any]:
    """`(env, params)`; see `envs.meta.config`."""
    from envs import popgym

    env, params = popgym.make(
        "popgym_position_only_cartpole_easy", max_steps_in_episode=config.trial_steps
    )
    # The gain is that of the released code's projection.
    law = {"train": "orthogonal", "shifted": "gaussian"}
    projection = Projection(config.projected_size, law, gain=2**0.5)
    released = config.released
    return _meta(
        *(env, params, projection, config),
        fresh_starts=not released,
        layout=RELEASED if released else "full",
    )


def make_meta_bandit(config: MetaBanditConfig) -> tuple[Any, Any]:
    """`(env, params)`; see `envs.meta.config`."""
    env = bandit.Bandit(config.num_arms)
    tasks = bandit.BanditTasks(config.num_arms)
    return _meta(env, env.default_params, Fields(tasks.draw), config)


def make_meta_tabular_mdp(config: MetaTabularMdpConfig) -> tuple[Any, Any]:
    """`(env, params)`; see `envs.meta.config`."""
    env = tabular_mdp.TabularMDP()
    tasks = tabular_mdp.TabularMDPTasks()
    return _meta(env, env.default_params, Fields(tasks.draw), config)


def make_random_world(config: RandomWorldConfig) -> tuple[Any, Any]:
    """`(env, params)`; see `envs.meta.config`."""
    env: Any = random_world.RandomWorld(config.size)
    tasks = random_world.RandomWorldTasks(config.size, config.trial_steps)
    params: Any = env.default_params.replace(max_steps_in_episode=config.trial_steps)
    return _meta(env, params, Fields(tasks.draw), config)


def make_dark_room(config: DarkRoomConfig) -> tuple[Any, Any]:
    """`(env, params)`; see `envs.meta.config`."""
    env: Any = dark_room.DarkRoom(config.size)
    tasks = dark_room.DarkRoomTasks(config.size)
    params: Any = env.default_params.replace(max_steps_in_episode=config.trial_steps)
    return _meta(env, params, Fields(tasks.draw), config)


def make_dark_key_to_door(config: DarkKeyToDoorConfig) -> tuple[Any, Any]:
    """`(env, params)`; see `envs.meta.config`."""
    env: Any = dark_key_to_door.DarkKeyToDoor(config.size)
    tasks = dark_key_to_door.DarkKeyToDoorTasks(config.size)
    params: Any = env.default_params.replace(max_steps_in_episode=config.trial_steps)
    return _meta(env, params, Fields(tasks.draw), config)


def make_projected_control(
    config: ProjectedControlConfig, bodies: Sequence[tuple[Any, Any]]
) -> tuple[Any, Any]:
    """`(env, params)`; see `envs.meta.config`. `bodies`: those of `bodies`, made."""
    env = BodySet(bodies, OBSERVED, ACTED)

    def body(key: Array, split: str) -> Mapping[str, Array]:
        return {"body": jax.random.randint(key, (), 0, len(bodies), jnp.int32)}

    law = {"train": config.law, "shifted": "orthogonal"}
    actions = {**law, "train": config.action_law or config.law}
    variation = Composed(Fields(body), Projection(OBSERVED, law, actions))
    return _meta(env, env.default_params, variation, config)


def make_random_control(
    config: RandomControlConfig, bodies: Sequence[tuple[Any, Any]]
) -> tuple[Any, Any]:
    """`(env, params)`; see `envs.meta.config`. `bodies`: those of `bodies`, made."""
    env = BodySet(bodies, OBSERVED, ACTED)
    constants = Constants([body for body, _ in bodies], config.spread)
    law = {"train": config.law}
    variation = Composed(constants, Projection(OBSERVED, law, law))
    return _meta(env, env.default_params, variation, config)


def make_projected_dmc(
    config: ProjectedDmcConfig, bodies: Sequence[tuple[Any, Any]]
) -> tuple[Any, Any]:
    """`(env, params)`; see `envs.meta.config`. `bodies`: those of `bodies`, made."""
    return make_projected_control(config, bodies)


def _meta(
    env: Any, params: Any, variation: Variation, config: MetaConfig, **options: Any
) -> tuple[Any, Any]:
    wrapped = Meta(
        env,
        variation,
        num_trials=config.num_trials,
        split=config.split,
        num_tasks=config.num_tasks,
        trial_discount=config.trial_discount,
        **options,
    )
    return wrapped, wrapped.params_for(params, config.step_budget)


def bodies(config: ProjectedControlConfig) -> list[tuple[str, dict[str, Any]]]:
    """The bare environments that tasks are projections of, `(name, params)`."""
    limit = {"max_steps_in_episode": config.trial_steps}
    return [(name, limit) for name in config.bodies]


def references(
    config: MetaConfig, task: Any, *, key: Array, num_trials: int
) -> dict[str, Any]:
    """What random play, an expert and an adaptive expert earn in a trial.

    Args:
      config: of a meta-environment.
      task: tasks as its states hold them, [N, ...].
      key: consumed.
      num_trials: K.

    Returns:
      "best" [N], "adaptive" [N, K] or None and its "adaptive_name", and "random" [N]
      where it is known exactly; nothing where the best play is not.
    """
    from envs.meta import experts

    if isinstance(config, MetaCartpoleConfig):
        # A pole can always be kept up, and a whole trial of that pays 1.
        count = len(jax.tree.leaves(task)[0])
        return {
            "best": jnp.ones(count, jnp.float32),
            "adaptive": None,
            "adaptive_name": None,
        }
    makers = {
        MetaBanditConfig: make_meta_bandit,
        MetaTabularMdpConfig: make_meta_tabular_mdp,
        RandomWorldConfig: make_random_world,
        DarkRoomConfig: make_dark_room,
        DarkKeyToDoorConfig: make_dark_key_to_door,
    }
    if type(config) not in makers:
        return {}
    env, params = makers[type(config)](config)
    found = experts.references(
        env.env, params.inner, task, key=key, num_trials=num_trials
    )
    return {**found._asdict(), "adaptive_name": ADAPTIVE.get(type(config))}

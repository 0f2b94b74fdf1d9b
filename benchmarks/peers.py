"""Other packages' PPO on the work that ours does, for those that are installed.

Both expect `step` to return five values, as gymnax did before 1.0: they get ours with
`terminated` and `truncated` in one flag. What they do otherwise stands with each.
"""

import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax

import envs


@dataclass(frozen=True)
class Sizes:
    """What is alike for all: of the rollout, of fitting, and of the layers."""

    length: int  # T, steps of a rollout and of an episode
    lanes: int  # B
    epochs: int
    minibatches: int
    features: int
    layers: int = 2
    states: int = 64  # of an S5 layer


class FiveValues:
    """An environment whose `step` returns five values; else as it was."""

    def __init__(self, env: Any):
        self._env = env

    def __getattr__(self, name: str) -> Any:
        if name == "_env":  # of a copy in the making
            raise AttributeError(name)
        return getattr(self._env, name)

    def step(self, key: Any, state: Any, action: Any, params: Any) -> tuple:
        """`(obs, state, reward, done, info)`"""
        obs, state, reward, terminated, truncated, info = self._env.step(
            key, state, action, params
        )
        return obs, state, reward, terminated | truncated, info


class Update(tuple):
    """(a function of a state, the first state, parameters): one update of a peer."""


def peers() -> dict[str, Callable[[Sizes], Update]]:
    """Those that are installed, by name: package, version, what remembers."""
    found = {}
    for package, make, cores in (
        ("memorax", memorax_update, ("s5", "gru")),
        ("rejax", rejax_update, ("mlp",)),
    ):
        if importlib.util.find_spec(package) is not None:
            version = importlib.metadata.version(package)
            for core in cores:
                found[f"{package} {version} {core}"] = _of(make, core)
    return found


def _of(make: Callable, core: str) -> Callable[[Sizes], Update]:
    return lambda sizes: make(core, sizes)


def _environment(sizes: Sizes) -> tuple[Any, Any]:
    env, params = envs.make("memory_chain", memory_length=sizes.length - 1)
    return FiveValues(env), params


def memorax_update(core: str, sizes: Sizes) -> Update:
    """Actor and critic each have an encoder and a memory of their own.

    Its S5 layer is the state space alone, every state kept (ours: half of them): here
    with a norm before and a residual around, and no gate behind.
    """
    import flax.linen as nn
    import optax
    from memorax.algorithms.ppo import PPO, PPOConfig
    from memorax.networks import (
        MLP,
        RNN,
        FeatureExtractor,
        Memoroid,
        Network,
        PreNorm,
        Residual,
        S5Cell,
        Stack,
        heads,
    )

    env, params = _environment(sizes)

    def network(head: Any) -> Any:
        width = sizes.features
        if core == "s5":
            layers = [Memoroid(cell=S5Cell(width, sizes.states))] * sizes.layers
            blocks = [Residual(module=PreNorm(module=layer)) for layer in layers]
            torso: Any = Stack(blocks=tuple(blocks))
        else:
            torso = RNN(cell=nn.GRUCell(width))
        encoder = FeatureExtractor(observation_extractor=MLP(features=width))
        return Network(feature_extractor=encoder, torso=torso, head=head)

    config = PPOConfig(
        name="ppo",
        **{"num_envs": sizes.lanes, "num_eval_envs": 1, "num_steps": sizes.length},
        **{"gamma": 0.99, "gae_lambda": 0.95, "num_minibatches": sizes.minibatches},
        **{"update_epochs": sizes.epochs, "normalize_advantage": True},
        **{"clip_coef": 0.2, "clip_vloss": False, "ent_coef": 0.0, "vf_coef": 0.5},
    )
    optimizer = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(5e-4))
    actions = env.action_space(params).n
    ppo = PPO(
        *(config, env, params),
        *(network(heads.Categorical(actions)), network(heads.VNetwork())),
        *(optimizer, optimizer),
    )
    state = ppo.init(jax.random.key(0))
    both = state[1].actor_params, state[1].critic_params
    return Update((lambda now: ppo._update_step(now, None)[0], state, both))


def rejax_update(core: str, sizes: Sizes) -> Update:
    """It has no memory: minibatches are shuffled steps, of two networks of an MLP."""
    from rejax import PPO

    assert core == "mlp"
    env, params = _environment(sizes)
    ppo = PPO.create(
        env=env,
        env_params=params,
        **{"num_envs": sizes.lanes, "num_steps": sizes.length},
        **{"num_minibatches": sizes.minibatches, "num_epochs": sizes.epochs},
        **{"max_grad_norm": 0.5, "learning_rate": 5e-4},
        # As ours: an encoder, two layers that remember nothing, and a head's.
        agent_kwargs={"hidden_layer_sizes": (sizes.features,) * 4},
    )
    state = ppo.init_state(jax.random.key(0))
    both = state.actor_ts.params, state.critic_ts.params
    return Update((ppo.train_iteration, state, both))

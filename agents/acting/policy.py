"""The network: encoder, memory, actor and critic."""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.distributions import ActionDistribution, ActionHead
from agents.acting.encoder import Encoder


class ActorCritic(nn.Module):
    """`(carry, obs, reset) -> (carry, distribution, value)` over [T, B].

    Acting is the case T = 1, learning the case T = rollout_length. Any core goes in
    between (`s5rl.Core`); any observation space that `agents.acting.encoder` reads.

    `never_reset` keeps memory over the ends of episodes, which is what an agent without
    resets does (Lu et al., 2023, the operator written as a dot).

    `privileged`: observations are those of `envs.contract.wrappers.Privileged`.
    Encoder, core and actor read their part "obs"; the critic reads memory and their
    part "state" (memory too, for the state alone would bias the gradient: Baisero &
    Amato, 2022).
    """

    core: Any
    head: ActionHead
    observation_space: Any
    encoder_sizes: tuple[int, ...]
    head_sizes: tuple[int, ...]
    privileged: bool = False
    never_reset: bool = False
    activation: Callable[[Array], Array] = jax.nn.gelu

    def initial_carry(self, batch_size: int) -> Any:
        """Memory that has read nothing."""
        return self.core.initial_carry(batch_size)

    @nn.compact
    def __call__(
        self, carry: Any, obs: Any, reset: Array
    ) -> tuple[Any, ActionDistribution, Array]:
        """Reads obs [T, B, ...]; gives carry, distribution [T, B] and value [T, B]."""
        space, state = self.observation_space, None
        if self.privileged:
            space, obs, state = space.spaces["obs"], obs["obs"], obs["state"]
        x = Encoder(space, self.activation, name="observation")(obs)
        x = self._dense(x, self.encoder_sizes, "encoder")
        if self.never_reset:
            reset = jnp.zeros_like(reset)
        carry, x = self.core(carry, x, reset)
        actor = self._dense(x, self.head_sizes, "actor")
        # Small at first, so that the first policy is nearly uniform.
        outputs = self._layer(self.head.num_outputs, 0.01, "actor_output")(actor)
        log_scale = None
        if self.head.has_scale:
            zeros = nn.initializers.zeros
            shape = (self.head.num_outputs,)
            log_scale = self.param("log_scale", zeros, shape, jnp.float32)
        if state is not None:
            state = self._dense(state, self.encoder_sizes, "state_encoder")
            x = jnp.concatenate([x, state], axis=-1)
        critic = self._dense(x, self.head_sizes, "critic")
        value = self._layer(1, 1.0, "critic_output")(critic)
        return carry, self.head.distribution(outputs, log_scale), value[..., 0]

    def _dense(self, x: Array, sizes: tuple[int, ...], name: str) -> Array:
        for index, size in enumerate(sizes):
            layer = self._layer(size, math.sqrt(2.0), f"{name}_{index}")
            x = self.activation(layer(x))
        return x

    def _layer(self, size: int, gain: float, name: str) -> nn.Dense:
        return nn.Dense(size, kernel_init=nn.initializers.orthogonal(gain), name=name)

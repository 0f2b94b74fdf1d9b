"""The network: encoder, memory, actor and critic."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.distributions import ActionDistribution, ActionHead
from agents.acting.encoder import Encoder
from agents.acting.foresight import PREFIX
from agents.acting.statistics import STATISTICS, first_of, normalised
from envs.contract.spaces import flat_size, flatten
from s5rl import in_chunks
from s5rl.cores.parts.dense import Dense, spread
from s5rl.recurrence.rounding import rounded

LOG_SCALE = "log_scale"  # the parameter of Gaussians whose spread is free of state
TOLD = "told"  # the parameter that a bit adds


class Asked(NamedTuple):
    """What a network is given of every step, [T, B, ...]; None is not given."""

    obs: Any
    bit: Array | None = None  # that the actor is told
    action: Array | None = None  # whose outcome is to be foretold


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

    `told`: the actor, and nothing else, may be told a bit of every step. Where it is
    set, a learned vector, zero at first, is added to what the core gives. Memory is
    never told, and neither is the critic.

    `normalized`: observations are read through statistics of them, which are variables
    of the network and change only where its agent changes them
    (`agents.acting.statistics`).

    `value_head`: what the critic's outputs mean, as `agents.ppo.values` has it. None:
    its one output is the value.

    `foretold`: the space of actions, where the network also foretells the next
    observation, from memory and the action (`agents.acting.foresight`).

    `detached_critic`: the critic's error changes the critic alone, and not what it
    reads.

    Sequences longer than `chunk_length` are read a chunk at a time, encoder and heads
    with the core (`s5rl.in_chunks`).

    `dtype` is of the products and activations of encoder and heads. Vectors are read,
    and logits and values are made, by float32 layers: 8 bits tell neither two times of
    a long episode apart nor a ratio from 1.
    """

    core: Any
    head: ActionHead
    observation_space: Any
    encoder_sizes: tuple[int, ...]
    head_sizes: tuple[int, ...]
    privileged: bool = False
    never_reset: bool = False
    told: bool = False
    foretold: Any = None
    detached_critic: bool = False
    normalized: bool = False
    value_head: Any = None
    activation: Callable[[Array], Array] = jax.nn.gelu
    chunk_length: int | None = None
    dtype: str = "float32"

    def initial_carry(self, batch_size: int) -> Any:
        """Memory that has read nothing."""
        return self.core.initial_carry(batch_size)

    def __call__(
        self, carry: Any, obs: Any, reset: Array, bit: Array | None = None
    ) -> tuple[Any, ActionDistribution, Array]:
        """Reads obs [T, B, ...]; gives carry, distribution [T, B] and value [T, B].

        `bit` [T, B] bool is what the actor is told; None: it is never set.
        """
        carry, distribution, value = self.judged(carry, obs, reset, bit)
        if self.value_head is not None:
            value = self.value_head.value(value)
        return carry, distribution, value

    def judged(
        self, carry: Any, obs: Any, reset: Array, bit: Array | None = None
    ) -> tuple[Any, ActionDistribution, Array]:
        """As a call, with what the value head makes a value of, [T, B, outputs]."""
        carry, outputs, value = self.raw(carry, obs, reset, bit)
        return carry, self._distribution(outputs), value

    def foretelling(
        self,
        carry: Any,
        obs: Any,
        reset: Array,
        action: Array,
        bit: Array | None = None,
    ) -> tuple[Any, ActionDistribution, Array, tuple[Array, Array]]:
        """As `judged`, and `(foretold, seen)`, [T, B, D], of observations as read.

        `action` [T, B, ...] is what was done, as the distribution counts it.
        """
        carry, (outputs, value, *both) = self._read(carry, obs, reset, bit, action)
        return carry, self._distribution(outputs), value, (both[0], both[1])

    def raw(
        self, carry: Any, obs: Any, reset: Array, bit: Array | None = None
    ) -> tuple[Any, Array, Array]:
        """As `judged`, with what the head makes a distribution of, [T, B, outputs]."""
        carry, (outputs, value, *_) = self._read(carry, obs, reset, bit)
        return carry, outputs, value

    def _read(
        self,
        carry: Any,
        obs: Any,
        reset: Array,
        bit: Array | None = None,
        action: Array | None = None,
    ) -> tuple[Any, Any]:
        if self.told and bit is None:
            bit = jnp.zeros_like(reset)
        read = self.outputs
        if self.chunk_length is not None and not self.is_initializing():
            alone, variables = self.unbind()
            read = partial(alone.apply, variables, method="outputs")
        asked = Asked(obs, bit if self.told else None, action)
        return in_chunks(read, carry, asked, reset, length=self.chunk_length)

    def _distribution(self, outputs: Array) -> ActionDistribution:
        log_scale = None
        if self.head.has_scale:
            log_scale = self.get_variable("params", LOG_SCALE)
        return self.head.distribution(outputs, log_scale)

    @nn.compact
    def outputs(self, carry: Any, asked: Asked, reset: Array) -> tuple[Any, Any]:
        """(carry, (what the head makes a distribution of, value)), [T, B, ...].

        Where an action is given, what is foretold and what is seen stand after them.
        """
        (obs, bit, action), space, state = asked, self.observation_space, None
        if self.normalized:
            kept = self.variable(STATISTICS, "obs", first_of, obs)
            obs = normalised(kept.value, obs)
        if self.privileged:
            space, obs, state = space.spaces["obs"], obs["obs"], obs["state"]
        seen = obs
        x = Encoder(space, self.activation, self.dtype, name="observation")(obs)
        x = self._dense(x, self.encoder_sizes, "encoder")
        if self.never_reset:
            reset = jnp.zeros_like(reset)
        carry, x = self.core(carry, x, reset)
        x = rounded(x, self.dtype)
        known = x if bit is None else x + self._vector(bit, x)
        actor = self._dense(known, self.head_sizes, "actor")
        # Small at first, so that the first policy is nearly uniform.
        outputs = self._output(actor, self.head.num_outputs, 0.01, "actor_output")
        if self.head.has_scale:
            zeros = nn.initializers.zeros
            self.param(LOG_SCALE, zeros, (self.head.num_outputs,), jnp.float32)
        both = self._foretold(x, seen, space, action)
        if self.detached_critic:
            x = jax.lax.stop_gradient(x)
        if state is not None:
            state = self._dense(state, self.encoder_sizes, "state_encoder")
            x = jnp.concatenate([x.astype(state.dtype), state], axis=-1)
        critic = self._dense(x, self.head_sizes, "critic")
        if self.value_head is None:
            value = self._output(critic, 1, 1.0, "critic_output")
            return carry, (outputs, value[..., 0], *both)
        size, gain = self.value_head.num_outputs, self.value_head.gain
        value = self._output(critic, size, gain, "critic_output")
        return carry, (outputs, value, *both)

    def _foretold(
        self, x: Array, seen: Any, space: Any, action: Array | None
    ) -> tuple[Array, ...]:
        """(what is foretold, what is seen), [T, B, D]; nothing where it is not asked.

        `x` [T, B, H] is what memory gives, `seen` [T, B, ...] of `space`.
        """
        if self.foretold is None or (action is None and not self.is_initializing()):
            return ()
        if action is None:  # any will do to make the layers
            size = flat_size(self.foretold)
            done = jnp.zeros((*x.shape[:2], size), jnp.float32)
        else:
            done = flatten(self.foretold, self.head.to_env(action))
        both = jnp.concatenate([x, done.astype(x.dtype)], axis=-1)
        hidden = self._dense(both, self.head_sizes, PREFIX)
        told = self._output(hidden, flat_size(space), 0.01, f"{PREFIX}_output")
        return told, flatten(space, seen)

    def _vector(self, bit: Array, like: Array) -> Array:
        vector = self.param(TOLD, nn.initializers.zeros, like.shape[-1:], jnp.float32)
        return jnp.where(bit[..., None], spread(vector, like), jnp.zeros_like(like))

    def _dense(self, x: Array, sizes: tuple[int, ...], name: str) -> Array:
        """Each layer computes in what it reads, the first may read float32."""
        for index, size in enumerate(sizes):
            x = _layer(size, math.sqrt(2.0), f"{name}_{index}", x.dtype)(x)
            x = rounded(self.activation(x.astype(jnp.float32)), self.dtype)
        return x

    def _output(self, x: Array, size: int, gain: float, name: str) -> Array:
        return _layer(size, gain, name, jnp.float32)(x.astype(jnp.float32))


def _layer(size: int, gain: float, name: str, dtype: Any) -> Dense:
    start = nn.initializers.orthogonal(gain)
    return Dense(size, kernel_init=start, name=name, dtype=dtype)


def always_told(params: Any) -> Any:
    """Parameters of a network without the bit that acts as this one with it set.

    What is added to the input of the actor's first layer goes into its bias.
    """
    inner = dict(params["params"])
    vector = inner.pop(TOLD, None)
    if vector is None:
        return params
    first = "actor_0" if "actor_0" in inner else "actor_output"
    layer = inner[first]
    shift = jnp.einsum("i,ij->j", vector, layer["kernel"], precision="highest")
    inner[first] = {**layer, "bias": layer["bias"] + shift}
    return {**params, "params": inner}

"""What a decision hangs on: its gradient with respect to what was observed before it.

    g[t, j] = | d leaning[t] / d obs[j] |,   j <= t

The leaning of a decision is what `ActionDistribution.leaning` says: of a Gaussian its
means in standard deviations, of values Q(s, a[t]), of an action drawn from some its log
probability less the mean of all: log pi(a[t]) alone has no gradient where the policy is
sure, which is where it knows what it has to remember. Of bins and mixtures it is the
log probability.

Observations are taken as the encoder hands them on: vectors as they are (normalised
where the network does that), integers as one-hots or embedded, pictures behind their
convolutions. Of several leanings and of the entries of an observation, the root of the
sum of squares.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.encoder import Encoder
from agents.acting.situation import Policy, advance, begin, decide, read

OBSERVATION = "observation"  # the encoder's name in every network


class Recording(NamedTuple):
    """T steps of N environments, each from a reset on, as `Rollout` has them."""

    obs: Any  # [T, N, ...]
    reset: Array  # [T, N] bool
    action: Array  # [T, N, ...] as the policy's distribution counts it
    hidden: Array  # [N, M] the Markov state at the start; M is 0 where there is none


def record(
    policy: Policy,
    carry: Any,
    key: Array,
    *,
    num_episodes: int,
    num_steps: int,
    env: Any,
    env_params: Any,
    to_env: Callable[[Array], Array],
    greedy: bool,
) -> Recording:
    """Plays `num_steps` in each of N fresh environments; arguments as of `play`."""
    begin_key, play_key = jax.random.split(key)
    situation = begin(env, env_params, carry, begin_key, num_episodes)
    hidden = jnp.zeros((num_episodes, 0), jnp.float32)
    if hasattr(env, "markov_state"):
        states = jax.vmap(env.markov_state, (0, None))
        hidden = states(situation.env_state, env_params)

    def step(now, key):
        action_key, env_key = jax.random.split(key)
        carry, action = decide(policy, now, action_key, greedy=greedy)
        after, _ = advance(
            *(now, carry, action, env_key),
            env=env,
            env_params=env_params,
            to_env=to_env,
        )
        return after, (now.obs, now.reset, action)

    keys = jax.random.split(play_key, num_steps)
    return Recording(*jax.lax.scan(step, situation, keys)[1], hidden)


def recall(policy: Policy, carry: Any, recording: Recording, decisions: Array) -> Array:
    """[Q, T, N] sizes of the gradients of Q decisions by each observation.

    Read a step at a time, as acting reads. Zero for what comes after a decision, and
    for what memory was cleared of before it.

    Args:
      policy: `(carry, obs, reset) -> (carry, distribution, value)` over [T, N].
      carry: [N, ...] memory that has read nothing.
      recording: what was observed and done.
      decisions: [Q] int32, their steps.
    """
    obs, reset, action, _ = recording
    width = _width(policy, carry, obs, reset)

    def leanings(nudge):  # [T, N, F] -> [T, N, K]
        def step(carry, now):
            obs, reset, action, nudge = now
            with nn.intercept_methods(_nudged(nudge[None])):
                carry, distribution, _ = read(policy, carry, obs, reset)
            return carry, distribution.leaning(action[None])[0]

        return jax.lax.scan(step, carry, (obs, reset, action, nudge))[1]

    still = jnp.zeros((*reset.shape, width), jnp.float32)
    leant, pull = jax.vjp(leanings, still)

    def of(decision):
        def square(part):
            asked = jnp.zeros_like(leant).at[decision, :, part].set(1)
            return jnp.square(pull(asked)[0]).sum(-1)

        parts = jnp.arange(leant.shape[-1], dtype=jnp.int32)
        return jnp.sqrt(jax.lax.map(square, parts).sum(0))

    return jax.lax.map(of, decisions)


def _nudged(nudge: Array) -> Callable[..., Any]:
    """An interceptor of flax: what the encoder gives, and `nudge` [1, N, F] added."""

    def intercept(call, args, kwargs, context):
        seen = call(*args, **kwargs)
        if not _is_encoder(context):
            return seen
        return seen + nudge.astype(seen.dtype)

    return intercept


def _width(policy: Policy, carry: Any, obs: Any, reset: Array) -> int:
    """F: how many features the encoder gives."""
    found = []

    def intercept(call, args, kwargs, context):
        seen = call(*args, **kwargs)
        if _is_encoder(context):
            found.append(seen.shape[-1])
        return seen

    def first(carry, obs, reset):
        with nn.intercept_methods(intercept):
            return read(policy, carry, obs, reset)[2]

    jax.eval_shape(first, carry, jax.tree.map(lambda x: x[0], obs), reset[0])
    return found[0]


def _is_encoder(context: Any) -> bool:
    module = context.module
    whole = isinstance(module, Encoder) and module.name == OBSERVATION
    return whole and context.method_name == "__call__"

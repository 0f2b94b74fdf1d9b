"""An adapted environment and the bare suite beside it: same keys, same actions.

The suite is stepped by itself, and reset where an episode of ours ends, with the key
that our automatic reset gets (gymnax splits a step's key in two; the second resets).
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import spaces


def play(env, params, reset, step, actions, key):
    """Steps both sides under jit and vmap.

    Args:
      reset: the suite's `key -> (obs, state)`, in our form of an observation.
      step: the suite's `state, action -> (obs, state, reward, terminated)`.
      actions: [B, T, ...], ours.

    Returns:
      Two dicts of arrays [B, T, ...], ours and theirs, each with `obs` (after an
      automatic reset), `final`, `reward`, `terminated`; ours with `truncated` too.
    """

    def both(carry, action_and_key):
        (state, bare), (action, key) = carry, action_and_key
        obs, state, reward, terminated, truncated, info = env.step(
            key, state, action, params
        )
        final, bare, bare_reward, bare_terminated = step(bare, action)
        fresh = reset(jax.random.split(key)[1])
        select = functools.partial(jax.lax.select, terminated | truncated)
        bare_obs, bare = jax.tree.map(select, fresh, (final, bare))
        ours = {"obs": obs, "final": info["final_observation"], "reward": reward}
        ours |= {"terminated": terminated, "truncated": truncated}
        theirs = {"obs": bare_obs, "final": final, "reward": bare_reward}
        return (state, bare), (ours, theirs | {"terminated": bare_terminated})

    def lane(key, actions):
        first, rest = jax.random.split(key)
        obs, state = env.reset(first, params)
        bare_obs, bare = reset(first)
        keys = jax.random.split(rest, len(actions))
        _, (ours, theirs) = jax.lax.scan(both, (state, bare), (actions, keys))
        return ours | {"first": obs}, theirs | {"first": bare_obs}

    lanes = jax.random.split(key, len(actions))
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(lane))(lanes, actions))


def check(ours, theirs, limit, *, tolerance=0.0):
    """The laws that hold for every suite, of what `play` returns.

    Ours is the suite's, number by number; only the clock truncates, exactly at the
    limit; some episode is terminated before it and some is truncated.
    """
    terminated, truncated = ours["terminated"], ours["truncated"]
    for name in ("first", "final", "obs", "reward", "terminated"):
        close = functools.partial(np.testing.assert_allclose, rtol=0, atol=tolerance)
        jax.tree.map(close, ours[name], theirs[name])
    age = np.zeros(len(terminated), int)
    for t in range(terminated.shape[1]):
        age += 1
        np.testing.assert_array_equal(truncated[:, t], age == limit)
        age[terminated[:, t] | truncated[:, t]] = 0
    assert (truncated & ~terminated).any()
    # What an automatic reset shows is not what the last action led to.
    ended = terminated | truncated
    pairs = zip(
        jax.tree.leaves(ours["obs"]), jax.tree.leaves(ours["final"]), strict=True
    )
    assert any((obs[ended] != final[ended]).any() for obs, final in pairs)


def check_space(space, x, path="observation"):
    """`x`, with any leading axes, is of `space`: structure, dtype, shape and bounds."""
    if isinstance(space, spaces.Dict):
        assert isinstance(x, dict) and set(space.spaces) == set(x), path
        for name, child in space.spaces.items():
            check_space(child, x[name], f"{path}.{name}")
        return
    discrete = isinstance(space, spaces.Discrete)
    low, high = (0, space.n - 1) if discrete else (space.low, space.high)
    shape = () if discrete else tuple(space.shape)
    assert x.dtype == jnp.dtype(space.dtype), path
    assert x.shape[x.ndim - len(shape) :] == shape, path
    assert (x >= low).all() and (x <= high).all(), path

"""Plays an adapter beside the bare suite, on the same keys and actions.

The bare suite is given as two functions of its public interface:

    reset(key) -> obs, inner
    step(key, inner, action) -> obs, inner, reward, over, terminated

and is reset, with the key that gymnax sets aside for it, where the adapter says that an
episode has ended. So every law below holds over several episodes.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import spaces


class Played(NamedTuple):
    """[T, B, ...] arrays; `first` is [B, ...]."""

    first: Any  # observation of reset, ours and theirs
    obs: Any  # ours, after any automatic reset
    final: Any  # ours, what the action led to
    reward: Any
    terminated: Any
    truncated: Any
    time: Any  # steps of the episode, with this one
    stepped: Any  # theirs, what the action led to
    fresh: Any  # theirs, of a reset on the key set aside
    their_reward: Any
    over: Any
    their_terminated: Any
    info: Any


def play(env, params, reset, step, *, steps=40, batch=8, seed=0) -> Played:
    """Random actions under jit, scan and vmap."""

    def one(key):
        def body(carry, key):
            state, inner = carry
            act_key, key = jax.random.split(key)
            action = env.action_space(params).sample(act_key)
            obs, after, reward, terminated, truncated, info = env.step(
                key, state, action, params
            )
            step_key, reset_key = jax.random.split(key)
            stepped, inner, their_reward, over, their_terminated = step(
                step_key, inner, action
            )
            fresh, fresh_inner = reset(reset_key)
            inner = jax.tree.map(
                lambda new, old: jnp.asarray(
                    jax.lax.select(terminated | truncated, jnp.asarray(new), old)
                ),
                fresh_inner,
                inner,
            )
            row = Played(
                first=None,
                obs=obs,
                final=info["final_observation"],
                reward=reward,
                terminated=terminated,
                truncated=truncated,
                time=state.time + 1,
                stepped=stepped,
                fresh=fresh,
                their_reward=their_reward,
                over=over,
                their_terminated=their_terminated,
                info={k: v for k, v in info.items() if k != "final_observation"},
            )
            return (after, inner), row

        key, reset_key = jax.random.split(key)
        obs, state = env.reset(reset_key, params)
        theirs, inner = jax.tree.map(jnp.asarray, reset(reset_key))
        _, rows = jax.lax.scan(body, (state, inner), jax.random.split(key, steps))
        return rows._replace(first=(obs, theirs))

    keys = jax.random.split(jax.random.key(seed), batch)
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(one))(keys))


def assert_stepping_is_the_suites(p: Played):
    equal(*p.first)
    equal(p.final, p.stepped)
    np.testing.assert_allclose(p.reward, p.their_reward, rtol=1e-6)
    np.testing.assert_array_equal(p.terminated | p.truncated, p.over)
    np.testing.assert_array_equal(p.terminated, p.their_terminated)


def assert_an_automatic_reset_is_a_reset(p: Played):
    ended = p.terminated | p.truncated
    assert 0 < ended.sum() < ended.size
    equal(
        p.obs,
        jax.tree.map(
            lambda new, old: np.where(
                ended.reshape(*ended.shape, *[1] * (new.ndim - 2)), new, old
            ),
            p.fresh,
            p.stepped,
        ),
    )


def assert_truncated_means_out_of_time(p: Played, limit: int):
    np.testing.assert_array_equal(p.truncated, p.time >= limit)
    assert p.truncated.any() and (p.truncated & ~p.terminated).any()


def assert_inside(space, x):
    """Type, shape and bounds, of an array with any leading axes, or of a dict."""
    if isinstance(space, spaces.Dict):
        assert isinstance(x, dict) and x.keys() == space.spaces.keys()
        for name, part in space.spaces.items():
            assert_inside(part, x[name])
        return
    assert x.dtype == space.dtype
    assert x.shape[x.ndim - len(space.shape) :] == space.shape
    if isinstance(space, spaces.Discrete):
        low, high = 0, space.n - 1
    else:
        low, high = np.asarray(space.low), np.asarray(space.high)
    assert np.all(x >= low) and np.all(x <= high)


def steps_of(env, params, actions, *, seed=0, change=lambda state: state):
    """What each of the actions gives, from a reset whose state is changed first."""
    _, state = env.reset(jax.random.key(seed), params)
    state = change(state)
    out = []
    for action in actions:
        result = env.step(jax.random.key(seed), state, jnp.int32(action), params)
        state = result[1]
        out.append(jax.tree.map(np.asarray, result[2:5]))
    return out


def equal(ours, theirs):
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)

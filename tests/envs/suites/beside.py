"""Plays an adapter beside the bare suite, on the same keys and actions.

The bare suite is given as two functions of its public interface, in our form of an
observation:

    reset(key) -> obs, inner
    step(key, inner, action) -> obs, inner, reward, terminated, over

It is reset, with the key that gymnax sets aside for it, where the adapter says that an
episode has ended; so every law below holds over several episodes. `over` is what the
suite says of that itself, or None where its clock was put off.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import spaces


class Played(NamedTuple):
    """[B, T, ...] arrays; `first` is [B, ...]."""

    first: Any  # observation of reset, ours and theirs
    obs: Any  # ours, after any automatic reset
    final: Any  # ours, what the action led to
    reward: Any
    terminated: Any
    truncated: Any
    stepped: Any  # theirs, what the action led to
    fresh: Any  # theirs, of a reset on the key set aside
    their_reward: Any
    their_terminated: Any
    over: Any
    info: Any


def random_actions(env, params, *, lanes=8, steps=40):
    """[B, T, ...], uniform."""
    keys = jax.random.split(jax.random.key(0), (lanes, steps))
    return jax.vmap(jax.vmap(env.action_space(params).sample))(keys)


def play(env, params, reset, step, actions) -> Played:
    """Takes `actions` [B, T, ...] under jit, scan and vmap."""

    def both(carry, action_and_key):
        (state, inner), (action, key) = carry, action_and_key
        obs, state, reward, terminated, truncated, info = env.step(
            key, state, action, params
        )
        step_key, reset_key = jax.random.split(key)
        stepped, inner, their_reward, their_terminated, over = step(
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
            stepped=stepped,
            fresh=fresh,
            their_reward=their_reward,
            their_terminated=their_terminated,
            over=over,
            info={k: v for k, v in info.items() if k != "final_observation"},
        )
        return (state, inner), row

    def lane(key, actions):
        reset_key, key = jax.random.split(key)
        obs, state = env.reset(reset_key, params)
        theirs, inner = jax.tree.map(jnp.asarray, reset(reset_key))
        keys = jax.random.split(key, len(actions))
        _, rows = jax.lax.scan(both, (state, inner), (actions, keys))
        return rows._replace(first=(obs, theirs))

    keys = jax.random.split(jax.random.key(1), len(actions))
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(lane))(keys, actions))


def assert_is_the_suites(p: Played, space, limit, *, tolerance=0.0):
    """The laws of every suite.

    Ours is the suite's, number by number, until an end, and a reset after it. Only the
    clock truncates, exactly at the limit. What is observed is in its space.
    """
    ended = p.terminated | p.truncated
    assert 0 < ended.sum() < ended.size
    equal(*p.first, tolerance)
    equal(p.final, p.stepped, tolerance)
    shown = jax.tree.map(
        lambda new, old: np.where(
            ended.reshape(*ended.shape, *[1] * (new.ndim - 2)), new, old
        ),
        p.fresh,
        p.stepped,
    )
    equal(p.obs, shown, tolerance)
    # What an automatic reset shows is not what the last action led to.
    pairs = zip(jax.tree.leaves(p.obs), jax.tree.leaves(p.final), strict=True)
    assert any((obs[ended] != final[ended]).any() for obs, final in pairs)
    np.testing.assert_allclose(p.reward, p.their_reward, rtol=1e-6, atol=tolerance)
    np.testing.assert_array_equal(p.terminated, p.their_terminated)
    np.testing.assert_array_equal(p.truncated, ages(p) == limit)
    assert (p.truncated & ~p.terminated).any()
    if p.over is not None:
        np.testing.assert_array_equal(ended, p.over)
    for obs in (p.first[0], p.obs, p.final):
        assert_inside(space, obs)


def ages(p: Played):
    """[B, T]: steps of the episode, with this one."""
    age, out = np.zeros(len(p.terminated), int), []
    for ended in (p.terminated | p.truncated).T:
        out.append(age + 1)
        age = np.where(ended, 0, age + 1)
    return np.stack(out, axis=1)


def assert_inside(space, x, path="observation"):
    """Type, shape and bounds, of an array with any leading axes, or of a dict."""
    if isinstance(space, spaces.Dict):
        assert isinstance(x, dict) and x.keys() == space.spaces.keys(), path
        for name, part in space.spaces.items():
            assert_inside(part, x[name], f"{path}.{name}")
        return
    discrete = isinstance(space, spaces.Discrete)
    low, high = (0, space.n - 1) if discrete else (space.low, space.high)
    shape = () if discrete else tuple(space.shape)
    assert x.dtype == jnp.dtype(space.dtype), path
    assert x.shape[x.ndim - len(shape) :] == shape, path
    assert (x >= np.asarray(low)).all() and (x <= np.asarray(high)).all(), path


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


def equal(ours, theirs, tolerance):
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=0, atol=tolerance),
        ours,
        theirs,
    )

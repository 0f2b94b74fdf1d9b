"""gymnax's auto-resetting `step`, at the price of the resets that happen.

gymnax resets every environment at every step and selects. Shuffling 832 cards to throw
them away costs a hundred times what the step itself does. So the resets of an
environment that says `reset_is_costly` are made for the lanes whose episode ended: none
if there are none, a chunk of lanes at a time if there are few, all at once if there are
many. Under `vmap` a condition becomes a selection and saves nothing; the batching rule
here sees the whole batch, however many vmaps deep.

Where an environment has a `markov_state(state, params)`, what the action led to is in
`info["final_markov_state"]`, as the observation is in `info["final_observation"]`.

Keys are split as gymnax splits them: every result is bit for bit the same. Conditions
have a price of their own on an accelerator, so cheap resets keep gymnax's way.
"""

from functools import partial

import jax
import jax.numpy as jnp
from gymnax.environments import environment


class AutoReset(environment.Environment):
    """An environment whose costly resets happen only when an episode ends."""

    reset_is_costly = False

    @partial(jax.jit, static_argnames=("self",))
    def step(self, key, state, action, params=None):
        params = self.default_params if params is None else params
        key_step, key_reset = jax.random.split(key)
        obs, state, reward, terminated, info = self.step_env(
            key_step, state, action, params
        )
        truncated = self.is_truncated(state, params)
        info = {
            **info,
            "terminated": terminated,
            "truncated": truncated,
            "final_observation": obs,
        }
        markov_state = getattr(self, "markov_state", None)
        if markov_state is not None:
            # For critics that may see it; compiled away where nobody reads it.
            info["final_markov_state"] = markov_state(state, params)
        obs, state = self.reset_where(
            terminated | truncated, key_reset, params, (obs, state)
        )
        return obs, state, reward, terminated, truncated, info

    def reset_where(self, ended, key, params, stepped):
        """`(obs, state)` of a new episode where `ended` [], `stepped` elsewhere."""
        if not self.reset_is_costly:
            fresh = self.reset_env(key, params)
            return jax.tree.map(partial(jax.lax.select, ended), fresh, stepped)
        leaves, structure = jax.tree.flatten(params)

        def reset(key, leaves):
            return self.reset_env(key, jax.tree.unflatten(structure, leaves))

        lanes = _for_lanes(reset, (False,) * len(leaves))
        one = jax.tree.map(lambda x: jnp.asarray(x)[None], (ended, key, stepped))
        return jax.tree.map(lambda x: x[0], lanes(one, leaves))


def _for_lanes(reset, own):
    """`((ended [n], key [n], stepped [n, ...]), leaves) -> (obs, state) [n, ...]`.

    `leaves` are those of the environment's params; `own` says of each whether every
    lane has its own, [n, ...], or all share one.
    """
    axes = (0, [0 if mine else None for mine in own])

    @jax.custom_batching.custom_vmap
    def replace(lanes, leaves):
        ended, key, stepped = lanes
        n = len(ended)
        # Episodes end out of step, a few in a thousand at a time, until they all meet
        # the time limit together.
        chunk = max(16, n // 32)

        def nothing():
            return stepped

        def everything():
            fresh = jax.vmap(reset, axes)(key, leaves)
            select = jax.vmap(jax.lax.select)
            return jax.tree.map(partial(select, ended), fresh, stepped)

        def some():
            # Lane n does not exist: reads are clamped to a real one, writes dropped.
            (lane,) = jnp.nonzero(ended, size=n + chunk, fill_value=n)

            def one_chunk(carry):
                i, kept = carry
                now = jax.lax.dynamic_slice(lane, (i * chunk,), (chunk,))

                def read(x):
                    return x.at[now].get(mode="clip")

                given = [
                    read(x) if mine else x for x, mine in zip(leaves, own, strict=True)
                ]
                fresh = jax.vmap(reset, axes)(read(key), given)
                kept = jax.tree.map(
                    lambda old, new: old.at[now].set(new, mode="drop"), kept, fresh
                )
                return i + 1, kept

            more = lambda carry: carry[0] * chunk < count  # noqa: E731
            return jax.lax.while_loop(more, one_chunk, (jnp.int32(0), stepped))[1]

        count = jnp.sum(ended, dtype=jnp.int32)
        if n <= chunk:
            return jax.lax.cond(count > 0, everything, nothing)
        many = (count > n // 4).astype(jnp.int32)
        return jax.lax.switch((count > 0) + many, (nothing, some, everything))

    @replace.def_vmap
    def flatten(axis_size, in_batched, lanes, leaves):
        """A batch of batches is one longer batch."""
        n = lanes[0].shape[1 if in_batched[0][0] else 0]

        def merge(x, batched):
            x = x if batched else jnp.broadcast_to(x, (axis_size, *x.shape))
            return x.reshape(axis_size * n, *x.shape[2:])

        def spread(x, batched, mine):
            if batched and not mine:
                x = jnp.broadcast_to(x[:, None], (axis_size, n, *x.shape[1:]))
            return merge(x, batched) if batched or mine else x

        lanes = jax.tree.map(merge, lanes, in_batched[0])
        leaves = [
            spread(x, batched, mine)
            for x, batched, mine in zip(leaves, in_batched[1], own, strict=True)
        ]
        now_own = tuple(
            batched or mine for batched, mine in zip(in_batched[1], own, strict=True)
        )
        out = _for_lanes(reset, now_own)(lanes, leaves)
        out = jax.tree.map(lambda x: x.reshape(axis_size, n, *x.shape[1:]), out)
        return out, jax.tree.map(lambda _: True, out)

    return replace

"""gymnax's auto-resetting `step`, without a reset in every step.

gymnax resets at every step and selects. Shuffling 832 cards to throw them away costs a
hundred times what the step itself does, while all decks of a batch run out together. So
an environment that says `reset_is_costly` resets only in steps where some episode of
the batch ends. Under `vmap` a condition becomes a selection and saves nothing; the
batching rule here keeps one condition for the whole batch, however many vmaps deep.

Where an environment has a `markov_state(state, params)`, what the action led to is in
`info["final_markov_state"]`, as the observation is in `info["final_observation"]`.

Keys are split as gymnax splits them: every result is bit for bit the same. A condition
has a price of its own on an accelerator, so cheap resets keep gymnax's way.
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
        if self.reset_is_costly:
            replace = _unless_none_ended(self._replace)
            return replace(ended, key, params, stepped)
        return self._replace(ended, key, params, stepped)

    def _replace(self, ended, key, params, stepped):
        fresh = self.reset_env(key, params)
        return jax.tree.map(partial(jax.lax.select, ended), fresh, stepped)


def _unless_none_ended(replace):
    """`replace(ended, key, params, stepped)`; `stepped` as it is if none has ended."""

    @jax.custom_batching.custom_vmap
    def guarded(ended, key, params, stepped):
        return jax.lax.cond(
            jnp.any(ended), replace, lambda *args: args[-1], ended, key, params, stepped
        )

    @guarded.def_vmap
    def batched(axis_size, in_batched, *args):
        *rest, stepped = args
        # Both branches have to give a whole batch, so what is shared is repeated.
        stepped = jax.tree.map(
            lambda x, there: x if there else jnp.stack([x] * axis_size),
            stepped,
            in_batched[-1],
        )
        axes = jax.tree.map(lambda there: 0 if there else None, tuple(in_batched[:-1]))
        many = jax.vmap(replace, (*axes, 0), axis_size=axis_size)
        out = _unless_none_ended(many)(*rest, stepped)
        return out, jax.tree.map(lambda _: True, out)

    return guarded

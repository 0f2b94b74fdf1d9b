"""gymnax's auto-resetting `step`, at the price of the resets that happen.

gymnax resets every environment at every step and selects. Shuffling 832 cards to throw
them away costs a hundred times what the step itself does. So an environment that says
`reset_is_costly` is reset in those lanes only whose episode ended
(`envs.contract.lanes`). One that also says `ends_together`, because its episodes all
take equally long, is reset in all lanes in the step in which any ends: that is one
program to compile in place of two.

Where an environment has a `markov_state(state, params)`, what the action led to is in
`info["final_markov_state"]`, as the observation is in `info["final_observation"]`.

Keys are split as gymnax splits them: every result is bit for bit the same. Conditions
have a price of their own, so cheap resets keep gymnax's way; on an accelerator costly
ones do too, unless they take long there.
"""

from functools import partial

import jax
from gymnax.environments import environment

from envs.contract import lanes


class AutoReset(environment.Environment):
    """An environment whose costly resets happen only when an episode ends."""

    reset_is_costly = False
    ends_together = False

    @partial(jax.jit, static_argnames=("self",))
    def step(self, key, state, action, params=None):
        params = self.default_params if params is None else params
        obs, state, reward, terminated, info = self.step_env(
            jax.random.split(key)[0], state, action, params
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
        obs, state = reset_where(
            self, terminated | truncated, key, params, (obs, state)
        )
        return obs, state, reward, terminated, truncated, info


def reset_where(env, ended, key, params, stepped):
    """`(obs, state)` of a new episode where `ended` [], `stepped` elsewhere.

    Args:
      env: with `reset_env(key, params)`; and `reset_is_costly` and `ends_together`, if
        it is so.
      ended: [] bool.
      key: of the step, whose second half a reset consumes; the first is the step's.
      params: of the environment.
      stepped: `(obs, state)` as they are.
    """

    def reset(key, params):
        # Split here, so that no key is made for a lane that goes on.
        return env.reset_env(jax.random.split(key)[1], params)

    if not getattr(env, "reset_is_costly", False):
        return jax.tree.map(partial(jax.lax.select, ended), reset(key, params), stepped)
    parts = 1 if getattr(env, "ends_together", False) else 64
    return lanes.where(ended, reset, (key, params), stepped, parts=parts)

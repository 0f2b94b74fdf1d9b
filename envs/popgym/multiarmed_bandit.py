"""MultiarmedBandit: explore, then exploit, K arms with rates of their own.

- Chance 0; always pulling the best arm averages 2K/(K + 1) - 1 = 0.818 / 0.905 / 0.935,
  and lucky draws reach a little more. `+1/L` if the arm pays, else `-1/L`.
- Observation [2]: one-hot of not paid, paid; not paid at reset. Action: an arm.
- Never terminates; truncates after L steps.
- Markov state [K]: the rates.

The randomness of a step is one uniform u: arm a pays if u < probs[a]. L is
`params.max_steps_in_episode` and also scales the reward, as in the reference, whose
`info` leaks the rates; ours does not. Which arm was pulled is not observed: use the
previous action.
"""

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.popgym import base


@struct.dataclass
class MultiarmedBanditState(base.EnvState):
    """The hidden task."""

    time: Array  # [] int32
    probs: Array  # [K] float32, how often each arm pays


class MultiarmedBandit(base.PopgymEnvironment):
    """Find the arm that pays best.

    Args:
      num_bandits: K, the number of arms.
    """

    label_axes = (2,)
    reset_is_costly = True

    def __init__(self, num_bandits: int = 10):
        super().__init__()
        self.num_bandits = num_bandits
        self.action_axes = (num_bandits,)

    @property
    def default_params(self) -> base.EnvParams:
        return base.EnvParams(max_steps_in_episode=200)

    def draw_hidden(self, key, params):
        return {"probs": jax.random.uniform(key, (self.num_bandits,), jnp.float32)}

    def start(self, hidden, params):
        probs = jnp.asarray(hidden["probs"], jnp.float32)
        state = MultiarmedBanditState(time=base.no_time(), probs=probs)
        return jnp.zeros((), jnp.int32), state

    def draw(self, key, state, params):
        return jax.random.uniform(key, dtype=jnp.float32)

    def transition(self, state, action, draw, params):
        paid = draw < base.pick(state.probs, action)
        scale = 1.0 / jnp.asarray(params.max_steps_in_episode, jnp.float32)
        state = state.replace(time=state.time + 1)
        return paid.astype(jnp.int32), state, jnp.where(paid, scale, -scale)

    def render(self, state, params=None, past=()):
        """As of all games; `past` is `(arm, reward)` of every pull so far."""
        from envs.popgym import render

        return render.render(self, state, params or self.default_params, past)

    def best_actions(self, state, params):
        """[K] bool: the arms that pay most often."""
        return state.probs == state.probs.max()

    def markov_state(self, state, params):
        return state.probs

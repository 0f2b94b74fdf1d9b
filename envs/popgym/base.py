"""What every POPGym environment shares: the seams, the encoding, the two flags.

A game is written as four pure functions of integers; this class turns them into the
gymnax contract:

    hidden           = draw_hidden(key, params)                  what reset decides
    label, state     = start(hidden, params)                     the first observation
    draw             = draw(key, state, params)                  what one step decides
    label, state, r  = transition(state, action, draw, params)   no randomness left
    obs              = encode(label)                             float32 [D]

`reset_env` is `start` after `draw_hidden`, `step_env` is `transition` after `draw`, and
nothing else draws. So an episode can be replayed from outside exactly: build it with
`state_from(hidden, params)` from arrays of one's own, pass a step's noise or uniform to
`transition`, overwrite the physics of a control task with
`state.replace(physics=...)`. Whatever is built on `step_env` alone (the wrappers are)
inherits auto-reset and `info["final_observation"]`, which are gymnax's.

A label is a tuple of integers, one per entry of `label_axes`, and is what popgym calls
the observation; `encode` is `gymnasium.spaces.flatten` of it, a one-hot per entry. The
control tasks have real-valued labels, which `encode` leaves alone. An action is one
integer, row-major over `action_axes`, or a float vector if there are none.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from gymnax.environments import environment, spaces
from jax import Array

from envs.contract import auto_reset

EnvParams = environment.EnvParams
EnvState = environment.EnvState


class PopgymEnvironment(auto_reset.AutoReset):
    """Base of the suite; see the module docstring for what a game has to define."""

    # Sizes of the one-hots of an observation, and of the parts of an action.
    label_axes: tuple[int, ...] = ()
    action_axes: tuple[int, ...] = ()
    # Whether the clock stays silent in a step that terminates. The deck games and
    # MineSweeper do this; elsewhere both flags can be true at once.
    termination_silences_clock = False

    def draw_hidden(self, key: Array, params: EnvParams) -> dict[str, Array]:
        """Draws what an episode hides. `key` is consumed."""
        raise NotImplementedError

    def start(self, hidden: dict[str, Any], params: EnvParams) -> tuple[Array, Any]:
        """The first label, and the state it is seen in."""
        raise NotImplementedError

    def draw(self, key: Array, state: Any, params: EnvParams) -> Any:
        """Draws the randomness of one step; None where a step has none."""
        return None

    def transition(
        self, state: Any, action: Array, draw: Any, params: EnvParams
    ) -> tuple[Array, Any, Array]:
        """One step without randomness of its own: `(label, state, reward)`."""
        raise NotImplementedError

    def markov_state(self, state: Any, params: EnvParams) -> Array:
        """The whole hidden state, [M] float32: popgym's `get_state()`, flattened."""
        raise NotImplementedError

    def encode(self, label: Array) -> Array:
        """One-hot of each entry of a label, [D] float32; a legal label sums to P."""
        return one_hots(label, self.label_axes)

    def state_from(
        self, hidden: dict[str, Any], params: EnvParams
    ) -> tuple[Array, Any]:
        """Opens an episode from given arrays: `(obs, state)`, obs [D] float32.

        The keys of `hidden` are those of `draw_hidden`. Arrays that hold a whole
        episode's draws may be passed too: noise is read at row 0 only, a bandit's
        uniforms not at all, since the rest go to `transition`.
        """
        label, state = self.start(hidden, params)
        return self.encode(label), state

    def reset_env(self, key: Array, params: EnvParams) -> tuple[Array, Any]:
        return self.state_from(self.draw_hidden(key, params), params)

    def step_env(
        self, key: Array, state: Any, action: Any, params: EnvParams
    ) -> tuple[Array, Any, Array, Array, dict]:
        if self.action_axes:
            action = jnp.asarray(action, jnp.int32)
        draw = self.draw(key, state, params)
        label, state, reward = self.transition(state, action, draw, params)
        return (
            self.encode(label),
            state,
            reward,
            self.is_terminated(state, params),
            {},
        )

    def is_terminated(self, state: Any, params: EnvParams) -> Array:
        return jnp.zeros((), bool)

    def is_truncated(self, state: Any, params: EnvParams) -> Array:
        out_of_time = state.time >= params.max_steps_in_episode
        if self.termination_silences_clock:
            return out_of_time & ~self.is_terminated(state, params)
        return out_of_time

    def render(self, state: Any, params: EnvParams | None = None):
        """The state as an RGB picture, [height, width, 3] uint8. Needs matplotlib."""
        from envs.popgym import render

        return render.render(self, state, params or self.default_params)

    @property
    def num_actions(self) -> int:
        return math.prod(self.action_axes)

    def action_space(self, params: EnvParams | None = None) -> spaces.Space:
        return spaces.Discrete(self.num_actions)

    def observation_space(self, params: EnvParams | None = None) -> spaces.Space:
        return spaces.Box(0.0, 1.0, (sum(self.label_axes),), jnp.float32)

    def state_space(self, params: EnvParams | None = None) -> spaces.Space:
        """The space of `markov_state`, declared without bounds."""
        params = params or self.default_params
        state = jax.eval_shape(self.reset_env, jax.random.key(0), params)[1]
        markov = jax.eval_shape(self.markov_state, state, params)
        return spaces.Box(-jnp.inf, jnp.inf, markov.shape, jnp.float32)


def one_hots(label: Array, axes: tuple[int, ...]) -> Array:
    """Concatenated one-hots of integers, as `gymnasium.spaces.flatten` makes them.

    Args:
      label: [P] integers, or [] if there is only one axis.
      axes: P sizes. An entry outside its axis becomes zeros.

    Returns:
      [sum(axes)] float32.
    """
    label = jnp.reshape(label, (len(axes),))
    if len(set(axes)) == 1:
        return jax.nn.one_hot(label, axes[0], dtype=jnp.float32).reshape(-1)
    parts = [
        jax.nn.one_hot(label[i], size, dtype=jnp.float32) for i, size in enumerate(axes)
    ]
    return jnp.concatenate(parts)


def pick(values: Array, index: Array) -> Array:
    """`values[index]` of a short vector; zero outside it, where JAX would clamp."""
    here = jnp.arange(values.shape[0], dtype=jnp.int32) == index
    return jnp.sum(jnp.where(here, values, jnp.zeros_like(values)), dtype=values.dtype)


def signed(correct: Array, scale: float) -> Array:
    """The suite's usual reward: [] float32, `scale` if correct, else its negative."""
    return jnp.where(correct, scale, -scale).astype(jnp.float32)


def no_time() -> Array:
    """The clock at reset, [] int32: a strong type, so no step changes the state's."""
    return jnp.zeros((), jnp.int32)


def check_version(popgym_version: str) -> None:
    """Refuses a version of the reference that is not reproduced."""
    if popgym_version not in ("1.0.6", "1.0.7"):
        raise ValueError(
            f"popgym_version must be '1.0.6' or '1.0.7'; got {popgym_version!r}."
        )

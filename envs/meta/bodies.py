"""Several environments as one, of which a task chooses one: the body.

Under `vmap` a choice between environments computes all of them and keeps one. Here the
lanes of a batch are grouped by body (`envs.contract.lanes`), and each body steps its
own lanes, a chunk at a time: a step costs about what the mean body costs, plus
gathering and scattering states. A lane holds a state of every body.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment, spaces
from jax import Array

from envs.contract import lanes
from envs.contract.auto_reset import AutoReset
from envs.contract.spaces import flat_size, flatten

# Of `envs.contract.lanes.where`: a body has a good share of the lanes, and stepping few
# of them costs as much as stepping this many.
SMALLEST, PARTS = 64, 16


@struct.dataclass(kw_only=True)
class BodyParams(environment.EnvParams):
    """Which body, and the params of all."""

    max_steps_in_episode: int = 1
    body: Any  # [] int32
    inner: tuple[Any, ...]


@struct.dataclass
class BodyState(environment.EnvState):
    """The state of every body, of which `BodyParams.body`'s counts."""

    time: Array  # [] int32
    inner: tuple[Any, ...]
    terminated: Array  # [] bool
    truncated: Array  # [] bool


class BodySet(AutoReset):
    """Environments with continuous actions behind one pair of spaces.

    Observations are flattened and padded with zeros to the widest body's; of an action,
    in [-1, 1]^A for the widest A, a body takes its first entries, scaled to its bounds.

    Args:
      bodies: pairs `(env, params)`, in the order in which `body` counts them.
      observed: width of observations, if more than the widest body's.
      acted: likewise of actions.

    Raises:
      ValueError: if a body is wider than that.
    """

    reset_is_costly = True

    @property
    def ends_together(self) -> bool:
        lengths = {params.max_steps_in_episode for params in self.inner_params}
        return len(lengths) == 1 and all(
            getattr(env, "ends_together", False) for env in self.bodies
        )

    def __init__(
        self,
        bodies: Sequence[tuple[Any, Any]],
        observed: int | None = None,
        acted: int | None = None,
    ):
        super().__init__()
        self.bodies = tuple(env for env, _ in bodies)
        self.inner_params = tuple(params for _, params in bodies)
        widest = max(flat_size(e.observation_space(p)) for e, p in bodies)
        longest = max(flat_size(e.action_space(p)) for e, p in bodies)
        self.observed = widest if observed is None else observed
        self.acted = longest if acted is None else acted
        if widest > self.observed or longest > self.acted:
            raise ValueError(
                f"bodies have up to {widest} observations and {longest} actions; "
                f"wanted at most {self.observed} and {self.acted}."
            )

    @property
    def name(self) -> str:
        return "bodies"

    @property
    def default_params(self) -> BodyParams:
        return BodyParams(
            max_steps_in_episode=max(p.max_steps_in_episode for p in self.inner_params),
            body=jnp.zeros((), jnp.int32),
            inner=self.inner_params,
        )

    def reset_env(self, key, params):
        # A reset comes once in hundreds of steps: all bodies are reset, one is shown.
        shown, inner = zip(
            *(self._reset_one(i, key, p) for i, p in enumerate(params.inner)),
            strict=True,
        )
        obs = jax.lax.select_n(params.body, *shown)
        state = BodyState(
            time=jnp.zeros((), jnp.int32),
            inner=inner,
            terminated=jnp.zeros((), bool),
            truncated=jnp.zeros((), bool),
        )
        return obs, state

    def step_env(self, key, state, action, params):
        no = jnp.zeros((), bool)
        out = (
            (jnp.zeros(self.observed, jnp.float32), jnp.float32(0), no, no),
            state.inner,
        )
        for index in range(len(self.bodies)):
            out = self._where_body(
                index, self._step_one, (key, state.inner[index], action), params, out
            )
        (obs, reward, terminated, truncated), inner = out
        state = BodyState(state.time + 1, inner, terminated, truncated)
        return obs, state, reward, terminated, {}

    def is_terminated(self, state, params):
        return state.terminated

    def is_truncated(self, state, params):
        return state.truncated

    @property
    def num_groups(self) -> int:
        """Lanes are grouped by body (`envs.contract.groups`)."""
        return len(self.bodies)

    def group(self, state: BodyState, params: BodyParams) -> Array:
        """[] int32"""
        return params.body

    def render(self, state: BodyState, params: BodyParams):
        """The body's own picture; None if it has none."""
        body = int(params.body)
        draw = getattr(self.bodies[body], "render", None)
        return None if draw is None else draw(state.inner[body], params.inner[body])

    def observation_space(self, params=None):
        return spaces.Box(-jnp.inf, jnp.inf, (self.observed,), jnp.float32)

    def action_space(self, params=None):
        return spaces.Box(-1.0, 1.0, (self.acted,), jnp.float32)

    @property
    def num_actions(self) -> int:
        return self.acted

    def body_obs(self, index: int, state: BodyState, params: BodyParams) -> Array:
        """[D] what body `index` shows of its own state, by its `get_obs`."""
        own = params.inner[index]
        obs = self.bodies[index].get_obs(state.inner[index], own)
        return flatten(self.bodies[index].observation_space(own), obs)

    def unscaled(self, index: int, action: Array, params: BodyParams) -> Array:
        """[A] in [-1, 1], from an action in the units of body `index`."""
        low, high = self._bounds(index, params.inner[index])
        return jnp.clip(2 * (action - low) / (high - low) - 1, -1, 1)

    def _bounds(self, index, params):
        space = self.bodies[index].action_space(params)
        bounds = (jnp.asarray(x, jnp.float32) for x in (space.low, space.high))
        return [jnp.broadcast_to(x, space.shape) for x in bounds]

    def _where_body(self, index, function, operands, params, out):
        """`out` with what `function` gives for body `index`, in its own lanes.

        The states of the other bodies stay out of it, so nothing copies them.
        """
        rest, inner = out
        function = partial(function, index)
        operands = (*operands, params.inner[index])
        rest, mine = lanes.where(
            params.body == index,
            function,
            operands,
            (rest, inner[index]),
            smallest=SMALLEST,
            parts=PARTS,
            whole=False,
        )
        return rest, (*inner[:index], mine, *inner[index + 1 :])

    def _reset_one(self, index, key, params):
        env = self.bodies[index]
        obs, state = env.reset_env(key, params)
        return self._padded(index, obs, params), state

    def _step_one(self, index, key, state, action, params):
        env = self.bodies[index]
        low, high = self._bounds(index, params)
        action = action[: len(low)]
        action = low + (jnp.clip(action, -1, 1) + 1) / 2 * (high - low)
        obs, state, reward, terminated, _ = env.step_env(key, state, action, params)
        ends = jnp.asarray(terminated), jnp.asarray(env.is_truncated(state, params))
        return (self._padded(index, obs, params), jnp.float32(reward), *ends), state

    def _padded(self, index, obs, params):
        obs = flatten(self.bodies[index].observation_space(params), obs)
        return jnp.pad(obs, (0, self.observed - len(obs)))

"""Several bodies in one batch move as each does alone.

| mutant | fails |
|---|---|
| every lane steps the first body | as_its_body |
| a body reads the action from its end | as_its_body |
| the other bodies' states are overwritten | as_its_body |
| padding in front | as_its_body |
| bounds of an action not scaled | scaled |
| the first body is drawn | picture |
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from gymnax.environments import environment, spaces

import envs
from envs.meta.bodies import BodySet

pytestmark = pytest.mark.usefixtures("quick_compilation")


@struct.dataclass
class State(environment.EnvState):
    time: jax.Array
    x: jax.Array


@struct.dataclass
class Params(environment.EnvParams):
    max_steps_in_episode: int = 5
    speed: float = 1.0


class Drifter(environment.Environment):
    """`size` numbers pushed by `actions` actions of bound `bound`; ends below -2."""

    def __init__(self, size, actions, bound):
        super().__init__()
        self.size, self.actions, self.bound = size, actions, bound

    @property
    def default_params(self):
        return Params()

    def reset_env(self, key, params):
        state = State(jnp.zeros((), jnp.int32), jax.random.normal(key, (self.size,)))
        return state.x, state

    def step_env(self, key, state, action, params):
        push = params.speed * jnp.sum(action) + jax.random.normal(key)
        state = State(state.time + 1, state.x + push)
        terminated = state.x[0] < -2
        return state.x, state, jnp.sum(action), terminated, {}

    def observation_space(self, params):
        return spaces.Box(-jnp.inf, jnp.inf, (self.size,))

    def action_space(self, params):
        return spaces.Box(-self.bound, self.bound, (self.actions,))


BODIES = [Drifter(2, 1, 1.0), Drifter(3, 2, 4.0), Drifter(1, 2, 0.5)]
SPEEDS = (1.0, 2.0, 0.5)


def together():
    return BodySet([(e, Params(speed=s)) for e, s in zip(BODIES, SPEEDS, strict=True)])


@pytest.mark.thinned(2)
@pytest.mark.parametrize("lanes", [5, 90])
def test_a_lane_moves_as_its_body_alone(lanes):
    """Beside a loop over lanes; 90 lanes are worked on in chunks, 5 at once."""
    env = together()
    params = env.default_params
    axes = type(params)(max_steps_in_episode=None, body=0, inner=None)
    rng = np.random.default_rng(0)
    body = jnp.asarray(rng.integers(3, size=lanes), jnp.int32)
    params = params.replace(body=body)
    keys = jax.random.split(jax.random.key(0), lanes)
    obs, state = jax.jit(jax.vmap(env.reset_env, (0, axes)))(keys, params)
    step = jax.jit(jax.vmap(env.step_env, (0, 0, 0, axes)))
    alone = []
    for lane in range(lanes):
        bare = BODIES[body[lane]]
        bare_obs, bare_state = bare.reset_env(keys[lane], Params())
        np.testing.assert_array_equal(obs[lane], np.pad(bare_obs, (0, 3 - bare.size)))
        alone.append(bare_state)
    ends = 0
    for t in range(3):
        action = jnp.asarray(rng.uniform(-1.5, 1.5, (lanes, 2)), jnp.float32)
        keys = jax.random.split(jax.random.key(t + 1), lanes)
        obs, state, reward, terminated, _ = step(keys, state, action, params)
        for lane in range(lanes):
            bare = BODIES[body[lane]]
            given = jnp.clip(action[lane, : bare.actions], -1, 1) * bare.bound
            bare_params = Params(speed=SPEEDS[body[lane]])
            o, alone[lane], r, over, _ = bare.step_env(
                keys[lane], alone[lane], given, bare_params
            )
            close = dict(rtol=1e-5, atol=1e-5)
            want = np.pad(o, (0, 3 - bare.size))
            np.testing.assert_allclose(obs[lane], want, **close)
            np.testing.assert_allclose(reward[lane], r, **close)
            assert terminated[lane] == over
            ends += int(over)
    assert ends > 0


def test_the_clock_of_a_body_cuts_its_lane():
    env = together()
    params = env.default_params.replace(body=jnp.int32(1))
    _, state = env.reset(jax.random.key(0), params)
    step = jax.jit(env.step)
    flags = []
    for t in range(5):
        # Upwards, so that nothing terminates.
        action = jnp.ones(2)
        _, state, _, terminated, truncated, _ = step(
            jax.random.key(t), state, action, params
        )
        flags.append((bool(terminated), bool(truncated)))
    assert flags == [(False, False)] * 4 + [(False, True)]


def test_actions_are_scaled_to_the_bodys_bounds():
    env = together()
    for body, bound in enumerate((1.0, 4.0, 0.5)):
        params = env.default_params.replace(body=jnp.int32(body))
        _, state = env.reset(jax.random.key(0), params)
        action = jnp.array([0.5, 9.0])
        *_, reward, _, _ = env.step_env(jax.random.key(0), state, action, params)
        expected = 0.5 * bound + (bound if BODIES[body].actions == 2 else 0)
        assert reward == pytest.approx(expected)


def test_a_body_that_is_too_wide_is_refused():
    bodies = [(e, Params()) for e in BODIES]
    assert BodySet(bodies, observed=7, acted=3).observed == 7
    with pytest.raises(ValueError, match="3 observations and 2 actions; wanted"):
        BodySet(bodies, observed=2)


def test_the_picture_is_the_bodys_own():
    pair = [
        envs.make(f"control/{name}") for name in ("pendulum_swingup", "mountain_car")
    ]
    several = BodySet(pair)
    params = several.default_params.replace(body=jnp.ones((), jnp.int32))
    _, state = several.reset(jax.random.key(0), params)
    car, own = pair[1]
    expected = car.render(state.inner[1], own)
    np.testing.assert_array_equal(several.render(state, params), expected)
    drifters = BodySet([(Drifter(1, 1, 1.0), Params())])
    _, state = drifters.reset(jax.random.key(0), drifters.default_params)
    assert drifters.render(state, drifters.default_params) is None

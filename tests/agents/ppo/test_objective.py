"""The objective: every term against its equation in plain numpy.

Mutants, and the test that fails for each:

    value clip takes the better error             clipped_value_error
    surrogate takes the better of the two         surrogate, improvement
    advantages divided but not centred            surrogate
    target from the next value; entropy punished  adds_its_terms
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.acting.fit import Minibatch
from agents.acting.rollout import Rollout
from agents.ppo.config import PPOConfig
from agents.ppo.objective import Learned, clipped_surrogate, loss, value_error

T, B = 5, 3


@pytest.fixture
def draw():
    rng = np.random.default_rng(0)
    return lambda: rng.normal(size=(T, B)).astype(np.float32)


@pytest.mark.parametrize("normalize", [False, True])
def test_the_surrogate_is_equation_seven(draw, normalize):
    ratio, advantage = np.exp(0.5 * draw()), 3 * draw() + 1
    used, total = advantage, 0.0
    if normalize:
        used = (advantage - advantage.mean()) / advantage.std()
    for r, a in zip(ratio.flat, used.flat, strict=True):
        total += min(r * a, min(max(r, 0.9), 1.1) * a)
    config = PPOConfig(clip_epsilon=0.1, normalize_advantage=normalize)
    got = clipped_surrogate(ratio, advantage, config)
    np.testing.assert_allclose(got, -total / (T * B), rtol=1e-5)


@pytest.mark.parametrize(
    "ratio, advantage, slope",
    [(1.3, 1.0, 0.0), (1.3, -1.0, 1.0), (0.7, 1.0, -1.0), (0.7, -1.0, 0.0)],
)
def test_improvement_stops_paying_outside_the_clip(ratio, advantage, slope):
    # Gradient by hand: none where the ratio has gone far enough in the good direction.
    config = PPOConfig(clip_epsilon=0.2, normalize_advantage=False)
    grad = jax.grad(clipped_surrogate)(ratio, jnp.float32(advantage), config)
    np.testing.assert_allclose(grad, slope)


def test_the_clipped_value_error_is_the_worse_of_two(draw):
    value, target, old = 2 * draw(), draw(), draw()
    total = 0.0
    for v, g, o in zip(value.flat, target.flat, old.flat, strict=True):
        near = o + min(max(v - o, -0.3), 0.3)
        total += max((v - g) ** 2, (near - g) ** 2)
    got = value_error(value, target, old, 0.3)
    np.testing.assert_allclose(got, 0.5 * total / (T * B), rtol=1e-5)
    # The option does something here, and nothing when it is off.
    free = 0.5 * np.mean((value - target) ** 2)
    np.testing.assert_allclose(value_error(value, target, old, None), free, rtol=1e-5)
    assert abs(got - free) > 0.1


@pytest.fixture(scope="module")
def case(small_ppo):
    """A minibatch whose every number is drawn, and what the network says of it."""
    agent = small_ppo("mlp")
    learner = agent.initialise(jax.random.key(0))
    rng = np.random.default_rng(1)

    def draw(*shape):
        return jnp.asarray(rng.normal(size=(T, 4, *shape)), jnp.float32)

    no = jnp.zeros((T, 4), bool)
    rollout = Rollout(
        obs=draw(4),
        reset=no,
        action=jnp.asarray(rng.integers(0, 3, (T, 4))),
        log_prob=draw() * 0.2 - 1.1,
        value=draw(),
        reward=draw(),
        terminated=no,
        truncated=no,
        continuation=jnp.ones((T, 4)),
        next_value=draw(),
        ended_return=draw(),
        ended_length=draw(),
    )
    batch = Minibatch(learner.situation.carry, rollout, Learned(draw()))

    @jax.jit
    def say(params):
        opening = batch.initial_carry
        _, distribution, value = agent.network.apply(params, opening, rollout.obs, no)
        every = jnp.broadcast_to(jnp.arange(3)[:, None, None], (3, T, 4))
        return jnp.moveaxis(jax.vmap(distribution.log_prob)(every), 0, -1), value

    log_p, value = jax.tree.map(
        lambda x: np.asarray(x, np.float64), say(learner.params)
    )
    return learner.params, batch, log_p, value


def test_the_loss_adds_its_terms_as_configured(case, small_ppo):
    params, batch, log_p, value = case
    config = dict(
        value_coefficient=0.7,
        entropy_coefficient=0.3,
        value_clip_epsilon=0.4,
        clip_epsilon=0.15,
    )
    agent = small_ppo("mlp", **config)
    total, metrics = jax.jit(lambda p, b: loss(p, b, jax.random.key(0), agent))(
        params, batch
    )
    rollout = jax.tree.map(lambda x: np.asarray(x, np.float64), batch.rollout)
    index = rollout.action.astype(int)[..., None]
    log_ratio = np.take_along_axis(log_p, index, -1)[..., 0] - rollout.log_prob
    ratio = np.exp(log_ratio)
    want = {
        "loss/policy": clipped_surrogate(ratio, batch.extra.advantage, agent.config),
        "loss/value": value_error(
            value, np.asarray(batch.extra.advantage) + rollout.value, rollout.value, 0.4
        ),
        "loss/entropy": -(np.exp(log_p) * log_p).sum(-1).mean(),
        "diagnostics/approx_kl": (ratio - 1 - log_ratio).mean(),
        "diagnostics/clip_fraction": (np.abs(ratio - 1) > 0.15).mean(),
        "diagnostics/ratio_error": np.abs(ratio - 1).max(),
    }
    assert metrics.keys() == want.keys()
    for name, expected in want.items():
        np.testing.assert_allclose(metrics[name], expected, rtol=1e-4, err_msg=name)
    assert 0 < metrics["diagnostics/clip_fraction"] < 1
    expected = (
        want["loss/policy"] + 0.7 * want["loss/value"] - 0.3 * want["loss/entropy"]
    )
    np.testing.assert_allclose(total, expected, rtol=1e-4)

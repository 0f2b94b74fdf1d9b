"""Bins and mixtures: densities, and that they keep two answers apart.

Mutants, and the test that fails for each:

    one-hot of the nearest bin                   two_hot, place_and_stored
    a bin's centre is its lower edge             bounds_are_bins
    stored rounds down                           place_and_stored
    squared error for the mixture's cost         keeps_two_answers_apart
    components start alike                       keeps_two_answers_apart
    log-weights are not normalised               density_integrates
    the divergence is turned round               divergences
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from gymnax.environments import spaces

from agents.acting.distributions import make_head

SPACE = spaces.Box(-2.0, 1.0, (1,))
PARTS = {"bins": 7, "mixture": 3, "gaussian": 0}


def head_of(actions, space=SPACE):
    return make_head(space, actions=actions, parts=PARTS[actions], least_scale=0.05)


def test_bounds_are_bins():
    head = head_of("bins")
    found = head.to_env(jnp.arange(7)[:, None])[:, 0]
    np.testing.assert_allclose(found, np.linspace(-2, 1, 7), atol=1e-6)


@pytest.mark.parametrize("actions", ["bins", "mixture"])
def test_place_and_stored_are_inverse_to_what_is_played(actions):
    head = head_of(actions)
    wanted = jnp.array([[-2.0], [-0.4], [0.3], [1.0], [5.0]])
    keys = jax.random.split(jax.random.key(0), 20_000)
    place = head.place(wanted)
    played = jax.vmap(lambda key: head.to_env(head.stored(place, key)))(keys)
    near = np.clip(wanted, -2, 1)
    np.testing.assert_allclose(played.mean(0), near, atol=0.01)
    assert np.abs(played - near[None]).max() <= (0.5 if actions == "bins" else 1e-6)


def test_the_cost_of_bins_is_two_hot():
    logits = jnp.asarray(np.random.default_rng(0).normal(size=(7,)), jnp.float32)
    distribution = head_of("bins").distribution(logits[None], None)
    place = head_of("bins").place(jnp.array([[-0.4]]))  # 3.2 of 0 to 6
    log_p = np.log(np.exp(logits) / np.exp(logits).sum())
    want = -(0.8 * log_p[3] + 0.2 * log_p[4])
    np.testing.assert_allclose(distribution.cross_entropy(place), [want], rtol=1e-5)


@pytest.mark.parametrize("actions", ["bins", "mixture"])
def test_a_density_integrates_to_one(actions):
    head = head_of(actions)
    outputs = jax.random.normal(jax.random.key(0), (head.num_outputs,))
    distribution = head.distribution(outputs, None)
    if actions == "bins":
        every, width = jnp.arange(7)[:, None], 1.0
        log_p = jnp.stack([distribution.log_prob(x) for x in every])
    else:
        every = jnp.linspace(-30, 30, 60_001)[:, None]
        log_p, width = jax.vmap(distribution.log_prob)(every), 0.001
    density = np.exp(np.asarray(log_p, np.float64)) * width
    np.testing.assert_allclose(density.sum(), 1, rtol=1e-3)
    keys = jax.random.split(jax.random.key(1), 20_000)
    draws = np.asarray(jax.vmap(distribution.sample)(keys), np.float64)
    mean = (density[:, None] * np.asarray(every)).sum(0)
    np.testing.assert_allclose(draws.mean(0), mean, atol=0.05)
    entropy = jax.vmap(distribution.entropy)(keys).mean()
    want = -(density * np.asarray(log_p)).sum()
    np.testing.assert_allclose(entropy, want, atol=0.03)
    likeliest = np.asarray(every)[density.argmax()]
    mode = np.asarray(distribution.mode(), np.float64)
    if actions == "bins":
        np.testing.assert_array_equal(mode, likeliest)


@pytest.mark.parametrize("actions", ["bins", "mixture", "gaussian"])
def test_it_keeps_two_answers_apart(actions):
    """Equally often +1 and -2, and nothing to tell them by: half each. A Gaussian is
    centred between them, where neither is."""
    head = head_of(actions)
    place = head.place(jnp.array([[-2.0], [1.0]]))
    size = head.num_outputs
    start = {"outputs": jnp.zeros(size), "scale": jnp.zeros(1)}
    optimizer = optax.adam(0.05)

    def cost(params):
        outputs = jnp.broadcast_to(params["outputs"], (2, size))
        return head.distribution(outputs, params["scale"]).cross_entropy(place).mean()

    def step(state, _):
        params, opt_state = state
        updates, opt_state = optimizer.update(jax.grad(cost)(params), opt_state)
        return (optax.apply_updates(params, updates), opt_state), None

    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        (params, _), _ = jax.lax.scan(step, (start, optimizer.init(start)), length=400)
        distribution = head.distribution(params["outputs"], params["scale"])
        keys = jax.random.split(jax.random.key(0), 2000)
        played = np.asarray(
            jax.vmap(lambda key: head.to_env(distribution.sample(key)))(keys)
        )
        mode = float(head.to_env(distribution.mode())[0])
    right = np.minimum(np.abs(played + 2), np.abs(played - 1)) < 0.25
    if actions == "gaussian":
        assert mode == pytest.approx(-0.5, abs=0.05) and right.mean() < 0.5
    else:
        assert right.mean() > 0.97
        assert (played > 0).mean() == pytest.approx(0.5, abs=0.05)
        assert min(abs(mode + 2), abs(mode - 1)) < 0.1


@pytest.mark.lenient  # distrax's Gaussians broadcast a scalar
@pytest.mark.parametrize("actions", ["bins", "mixture", "gaussian", "discrete"])
def test_divergences_are_means_of_log_ratios(actions):
    head = make_head(spaces.Discrete(5)) if actions == "discrete" else (
        head_of(actions)
    )  # fmt: skip
    one, other = (
        head.distribution(
            jax.random.normal(key, (head.num_outputs,)), jnp.array([0.3 * i - 0.2])
        )
        for i, key in enumerate(jax.random.split(jax.random.key(0)))
    )
    keys = jax.random.split(jax.random.key(1), 20_000)

    def ratio(key):
        action = one.sample(key)
        return one.log_prob(action) - other.log_prob(action)

    want = np.asarray(jax.vmap(ratio)(keys))
    found = jax.vmap(lambda key: one.divergence(other, key))(keys).mean()
    spread = want.std() / np.sqrt(len(want))
    np.testing.assert_allclose(found, want.mean(), atol=5 * spread)
    assert want.mean() > 20 * spread
    np.testing.assert_allclose(one.divergence(one, keys[0]), 0, atol=1e-6)


@pytest.mark.parametrize("actions", ["bins", "mixture"])
def test_infinite_bounds_are_refused(actions):
    with pytest.raises(ValueError, match=f"actions={actions} needs finite bounds"):
        head_of(actions, spaces.Box(-jnp.inf, 1.0, (1,)))

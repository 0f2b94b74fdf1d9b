"""Distributions: against scipy and numeric integration, under jit, vmap and grad.

Mutants, and the test that fails for each:

    squashing forgets its Jacobian     integrates, change_of_var.
    entropy of before tanh             entropy_estimate
    entropy without its path gradient  entropy_estimate
    logits stay bfloat16               bfloat16
    squashed onto the wrong centre     cover_the_bounds
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import spaces
from scipy import integrate, special, stats

from agents.acting.distributions import BoxHead, Categorical, Gaussian, make_head

pytestmark = pytest.mark.lenient  # distrax's Gaussians broadcast a scalar scale

LOGITS = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(np.float32)
ACTION = np.random.default_rng(1).integers(0, 4, (5, 3))
LOC = np.random.default_rng(2).normal(size=(5, 3, 2)).astype(np.float32)
LOG_SCALE = np.array([-0.7, 0.4], np.float32)


def gaussian(loc=LOC, log_scale=LOG_SCALE, squash=False):
    return Gaussian(jnp.asarray(loc), jnp.asarray(log_scale), squash=squash)


def both_ways(function, x):
    """The same under jit, and lane by lane under vmap."""
    whole = jax.jit(function)(x)
    lanes = jax.jit(jax.vmap(function, 1, 1))(x)
    np.testing.assert_allclose(whole, lanes, rtol=1e-5, atol=1e-6)
    return whole


def test_a_categorical_is_scipys_softmax():
    log_p = special.log_softmax(LOGITS.astype(np.float64), -1)
    want = np.take_along_axis(log_p, ACTION[..., None], -1)[..., 0]
    got = jax.jit(lambda x: Categorical(x).log_prob(ACTION))(LOGITS)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    got = both_ways(lambda x: Categorical(x).entropy(jax.random.key(0)), LOGITS)
    np.testing.assert_allclose(got, stats.entropy(np.exp(log_p), axis=-1), rtol=1e-5)
    got = both_ways(lambda x: Categorical(x).mode(), LOGITS)
    np.testing.assert_array_equal(got, LOGITS.argmax(-1))


def test_the_gradient_of_a_categorical_is_one_hot_minus_softmax():
    grad = jax.jit(jax.grad(lambda x: Categorical(x).log_prob(ACTION).sum()))(LOGITS)
    want = np.eye(4)[ACTION] - special.softmax(LOGITS, -1)
    np.testing.assert_allclose(grad, want, atol=1e-5)


def test_categorical_samples_have_its_frequencies():
    keys = jax.random.split(jax.random.key(1), 4000)
    logits = LOGITS[0, 0].astype(np.float64)
    drawn = jax.jit(jax.vmap(Categorical(LOGITS[0, 0]).sample))(keys)
    seen, expected = np.bincount(drawn, minlength=4), 4000 * special.softmax(logits)
    assert stats.chisquare(seen, expected).pvalue > 1e-3


def test_impossible_actions_never_come_up_and_poison_nothing():
    logits = jnp.array([[0.0, -jnp.inf, 1.0], [-jnp.inf, -jnp.inf, 3.0]])
    keys = jax.random.split(jax.random.key(2), 500)
    drawn = np.asarray(jax.jit(jax.vmap(lambda k: Categorical(logits).sample(k)))(keys))
    assert set(drawn[:, 0]) == {0, 2} and set(drawn[:, 1]) == {2}

    @jax.jit
    @jax.value_and_grad
    def both(x):
        distribution = Categorical(x)
        entropy = distribution.entropy(jax.random.key(0))
        return (entropy + distribution.log_prob(jnp.array([2, 2]))).sum()

    value, grad = both(logits)
    p = 1 / (1 + np.e)
    want = stats.entropy([p, 1 - p]) + np.log(1 - p)
    np.testing.assert_allclose(value, want, rtol=1e-5)
    assert np.isfinite(grad).all()


def test_bfloat16_logits_give_float32_log_probabilities():
    logits = jnp.asarray(LOGITS, jnp.bfloat16)
    log_prob = Categorical(logits).log_prob(ACTION)
    assert log_prob.dtype == jnp.float32
    exact = special.log_softmax(np.asarray(logits, np.float64), -1)
    want = np.take_along_axis(exact, ACTION[..., None], -1)[..., 0]
    np.testing.assert_allclose(log_prob, want, rtol=1e-5, atol=1e-6)


def test_a_gaussian_is_scipys_normal():
    action = np.random.default_rng(3).normal(size=LOC.shape).astype(np.float32)
    normal = stats.norm(LOC, np.exp(LOG_SCALE))
    got = jax.jit(lambda x: gaussian(x).log_prob(action))(LOC)
    np.testing.assert_allclose(got, normal.logpdf(action).sum(-1), rtol=1e-4, atol=1e-5)
    got = both_ways(lambda x: gaussian(x).entropy(jax.random.key(0)), LOC)
    np.testing.assert_allclose(got, normal.entropy().sum(-1), rtol=1e-5)
    np.testing.assert_array_equal(both_ways(lambda x: gaussian(x).mode(), LOC), LOC)


@pytest.mark.parametrize("squash", [False, True])
def test_the_gradient_of_a_gaussian_is_the_score(squash):
    # Squashing changes the density, but not how it depends on the parameters.
    action = LOC + 0.5

    def log_prob(loc, log_scale):
        return gaussian(loc, log_scale, squash=squash).log_prob(action).sum()

    grads = jax.jit(jax.grad(log_prob, (0, 1)))(LOC, LOG_SCALE)
    z = 0.5 / np.exp(LOG_SCALE)
    np.testing.assert_allclose(
        grads[0], np.broadcast_to(z / np.exp(LOG_SCALE), LOC.shape), rtol=1e-4
    )
    np.testing.assert_allclose(grads[1], 15 * (z**2 - 1), rtol=1e-4)


@pytest.mark.parametrize("squash", [False, True])
def test_gaussian_samples_follow_the_law_before_tanh(squash):
    keys = jax.random.split(jax.random.key(4), 2000)
    distribution = gaussian(LOC[0, 0], squash=squash)
    drawn = np.asarray(jax.jit(jax.vmap(distribution.sample))(keys))
    for i in range(2):
        law = stats.norm(LOC[0, 0, i], np.exp(LOG_SCALE[i]))
        assert stats.kstest(drawn[:, i], law.cdf).pvalue > 1e-3
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.1


@pytest.fixture(scope="module")
def squashed():
    """A squashed Gaussian of one axis, and its log-density where tanh(action) = y."""
    loc, log_scale = jnp.array([0.4]), jnp.array([-0.3])
    y = np.linspace(-1, 1, 20_003)[1:-1]
    action = jnp.arctanh(jnp.asarray(y, jnp.float32))[:, None]
    log_prob = gaussian(jnp.broadcast_to(loc, action.shape), log_scale, True)
    return loc, log_scale, y, np.asarray(log_prob.log_prob(action), np.float64)


def test_a_squashed_density_integrates_to_one(squashed):
    _, _, y, log_prob = squashed
    assert integrate.trapezoid(np.exp(log_prob), y) == pytest.approx(1, abs=1e-3)


def test_a_squashed_density_is_the_change_of_variables(squashed):
    loc, log_scale, y, log_prob = squashed
    normal = stats.norm(float(loc[0]), np.exp(float(log_scale[0])))
    want = normal.logpdf(np.arctanh(y)) - np.log1p(-(y**2))
    inside = np.abs(y) < 0.99
    np.testing.assert_allclose(log_prob[inside], want[inside], atol=2e-3)


def test_the_entropy_estimate_is_unbiased_and_so_is_its_gradient(squashed):
    loc, log_scale, y, log_prob = squashed
    density = np.exp(log_prob)
    exact = -integrate.trapezoid(density * log_prob, y)

    def estimate(loc, log_scale, key):
        return gaussian(loc, log_scale, True).entropy(key)

    both = jax.value_and_grad(estimate, (0, 1))
    keys = jax.random.split(jax.random.key(5), 20_000)
    value, grads = jax.jit(jax.vmap(both, (None, None, 0)))(loc, log_scale, keys)
    error = 4 * float(value.std()) / 20_000**0.5
    assert float(value.mean()) == pytest.approx(exact, abs=error)

    # d entropy / d parameter = -E[score * log_prob], integrated.
    z = (np.arctanh(y) - float(loc[0])) / np.exp(float(log_scale[0]))
    scores = z / np.exp(float(log_scale[0])), z**2 - 1
    for grad, score in zip(grads, scores, strict=True):
        want = -integrate.trapezoid(density * score * log_prob, y)
        error = 4 * float(grad.std()) / 20_000**0.5
        assert float(grad.mean()) == pytest.approx(want, abs=error + 2e-3)


def test_extreme_squashed_actions_have_finite_densities():
    def log_prob(loc):
        return gaussian(loc, np.zeros(2, np.float32), squash=True).log_prob(
            jnp.array([[30.0, -30.0], [0.0, 90.0]])
        )

    assert np.isfinite(log_prob(jnp.zeros((2, 2)))).all()
    grad = jax.grad(lambda loc: log_prob(loc).sum())(jnp.zeros((2, 2)))
    assert np.isfinite(grad).all()


BOX = spaces.Box(np.array([-1.0, 0.0]), np.array([2.0, 0.5]), (2,))


def test_clipped_actions_keep_to_the_bounds_and_are_themselves_inside():
    head = make_head(BOX, squash=False)
    action = np.array([[-5.0, 5.0], [1.5, 0.2], [9.0, -9.0]], np.float32)
    want = [[-1.0, 0.5], [1.5, 0.2], [2.0, 0.0]]
    np.testing.assert_allclose(head.to_env(action), want)


def test_squashed_actions_cover_the_bounds_in_order():
    head = make_head(BOX, squash=True)
    ends = np.array([[-50.0, -50.0], [0.0, 0.0], [50.0, 50.0]], np.float32)
    np.testing.assert_allclose(head.to_env(ends), [[-1, 0], [0.5, 0.25], [2, 0.5]])
    action = np.linspace(-4, 4, 50, dtype=np.float32)[:, None].repeat(2, 1)
    shown = np.asarray(head.to_env(action))
    assert (np.diff(shown, axis=0) > 0).all()
    assert ((shown >= [-1, 0]) & (shown <= [2, 0.5])).all()


def test_a_head_fits_its_space():
    head = make_head(spaces.Discrete(5), squash=False)
    assert head.num_outputs == 5 and not head.has_scale
    np.testing.assert_array_equal(head.to_env(ACTION), ACTION)
    # Bounds given once hold for every dimension.
    head = make_head(spaces.Box(-2.0, 3.0, (2,)), squash=False)
    assert head == BoxHead(2, (-2.0, -2.0), (3.0, 3.0), squash=False)
    assert head.has_scale


@pytest.mark.parametrize(
    "space, squash, words",
    [
        (spaces.Box(-1.0, 1.0, (2, 2)), False, "a Box with one axis"),
        (spaces.Box(-1.0, 1.0, ()), False, "a Box with one axis"),
        (spaces.Tuple([spaces.Discrete(2)]), False, "must be Discrete"),
        (spaces.Box(0, 4, (2,), jnp.int32), False, r"Number the .*Discrete\(25\)"),
        (spaces.Box(-np.inf, 1.0, (2,)), True, "squash_actions needs finite bounds"),
        (spaces.Box(-1.0, np.array([1.0, np.inf]), (2,)), True, "finite bounds"),
    ],
)
def test_an_action_space_without_a_head_is_refused(space, squash, words):
    with pytest.raises(ValueError, match=words):
        make_head(space, squash=squash)

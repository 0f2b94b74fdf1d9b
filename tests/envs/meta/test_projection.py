"""Random linear maps follow their laws, and act as linear maps do.

| mutant | fails |
|---|---|
| columns not orthonormalised twice, or at all | orthogonal |
| gaussian without its scale | mean_square |
| rows drawn with replacement | permutation |
| turned by the same share in every task, or not at all | turned |
| the gain left out | gain |
| actions mapped back instead of forth | discrete_actions |
| actions keep the law of observations | of_their_own |
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import spaces
from scipy import stats

import envs
from envs.meta.projection import Projection, draw_matrix
from envs.meta.variations import Composed, Fields


def matrices(law, rows, columns, count=2000):
    draw = jax.vmap(lambda key: draw_matrix(key, law, rows, columns))
    return np.asarray(draw(jax.random.split(jax.random.key(0), count)), np.float64)


def test_orthogonal_columns_are_orthonormal_and_uniform():
    m = matrices("orthogonal", 6, 4)
    gram = np.einsum("nij,nik->njk", m, m)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(4), gram.shape), atol=2e-6)
    # A uniform direction in 6 dimensions: the square of an entry is Beta(1/2, 5/2).
    for column in range(4):
        p = stats.kstest(m[:, 2, column] ** 2, stats.beta(0.5, 2.5).cdf).pvalue
        assert p > 1e-3
        assert abs(m[:, 2, column].mean()) < 5 / np.sqrt(6 * 2000)


def test_gaussian_maps_keep_the_mean_square():
    m = matrices("gaussian", 12, 5)
    assert stats.kstest((m * np.sqrt(5)).ravel(), "norm").pvalue > 1e-3
    x = np.random.default_rng(0).normal(size=5)
    square = np.mean(np.sum((m @ x) ** 2, -1)) / 12
    assert square == pytest.approx(np.mean(x**2), rel=0.05)


def test_a_permutation_reorders_and_pads_with_zeros():
    m = matrices("permutation", 3, 2, count=600)
    x = np.array([2.0, 5.0])
    seen = {tuple(row) for row in m @ x}
    assert seen == {(2, 5, 0), (5, 2, 0), (2, 0, 5), (5, 0, 2), (0, 2, 5), (0, 5, 2)}
    counts = np.unique(m @ x, axis=0, return_counts=True)[1]
    assert stats.chisquare(counts).pvalue > 1e-3
    np.testing.assert_array_equal(matrices("identity", 3, 2, count=1)[0] @ x, [2, 5, 0])


def test_turned_columns_are_orthonormal_between_identity_and_anywhere():
    m = matrices("turned", 6, 4)
    gram = np.einsum("nij,nik->njk", m, m)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(4), gram.shape), atol=2e-6)
    kept = np.einsum("njj->n", m[:, :4]) / 4  # 1: identity; about 0: uniform
    anywhere = np.einsum("njj->n", matrices("orthogonal", 6, 4)[:, :4]) / 4
    assert np.mean(kept > 0.95) > 0.15 and np.mean(kept < 0.5) > 0.2
    # Turned all the way, it is as the uniform law: the first column's last entry, which
    # is 0 in the identity, is anything.
    assert kept.min() < np.quantile(anywhere, 0.2)
    far = m[kept < 0.3, 5, 0]
    assert far.min() < -0.6 and far.max() > 0.6 and abs(far.mean()) < 0.1


def build(law="gaussian", actions="gaussian", space=None, **options):
    space = space or spaces.Box(-2.0, 2.0, (2,))
    projection = Projection(5, {"train": law}, {"train": actions}, **options)
    assert projection.observed_size(3) == 5
    return projection, projection.action_space(space)


def test_observing_and_acting_are_linear_with_a_gain():
    projection, acted = build(gain=3.0)
    assert acted.shape == (2,) and acted.low == -1.0 and acted.high == 1.0
    task = projection.draw(jax.random.key(0), "train")
    plain = build()[0].draw(jax.random.key(0), "train")
    np.testing.assert_allclose(task["observe"], 3 * plain["observe"], rtol=1e-6)
    x, y = jnp.array([1.0, -2.0, 0.5]), jnp.array([0.0, 1.0, 4.0])
    both = projection.observe(task, x) + projection.observe(task, y)
    np.testing.assert_allclose(projection.observe(task, x + y), both, rtol=1e-4)
    u = jnp.array([0.3, -0.7])
    np.testing.assert_allclose(projection.act(task, u), task["act"] @ u, rtol=1e-6)


def test_discrete_actions_are_permuted():
    projection, space = build(actions="permutation", space=spaces.Discrete(5))
    assert space.n == 5
    seen = set()
    for seed in range(20):
        task = projection.draw(jax.random.key(seed), "train")
        stands_for = [int(projection.act(task, jnp.int32(a))) for a in range(5)]
        assert sorted(stands_for) == list(range(5))
        onehot = np.eye(5)[:, stands_for].argmax(0)
        np.testing.assert_array_equal(task["act"].argmax(0), onehot)
        seen.add(tuple(stands_for))
    assert len(seen) > 10


def test_splits_have_their_own_law():
    projection = Projection(3, {"train": "permutation", "shifted": "gaussian"})
    projection.observed_size(3)
    projection.action_space(spaces.Discrete(2))
    for split, whole in (("train", True), ("held_out", True), ("shifted", False)):
        m = projection.draw(jax.random.key(1), split)["observe"]
        assert bool(jnp.all((m == 0) | (m == 1))) is whole


def test_actions_may_have_a_law_of_their_own():
    """Of a body behind lenses; shifted tasks are rotations on both sides."""

    def lens(split, **laws):
        one = dict(train_bodies=("cartpole_swingup",), trial_steps=5)
        env, params = envs.make("projected_control", split=split, **one, **laws)
        _, state = env.reset(jax.random.key(0), params)
        found = state.task[-1]
        return (bool(jnp.all((m == 0) | (m == 1))) for m in found.values())

    mixed = dict(law="orthogonal", action_law="identity")
    assert dict(zip(("act", "observe"), lens("held_out", **mixed), strict=True)) == {
        "act": True,
        "observe": False,
    }
    assert list(lens("shifted", **mixed)) == [False, False]
    assert list(lens("train", law="permutation")) == [True, True]
    with pytest.raises(ValueError, match=r"action_law must be one of .*; got 'linear'"):
        envs.make("projected_control", action_law="linear")


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Projection(3, {"train": "linear"}), "gaussian; got 'linear'"),
        (
            lambda: Projection(2, {"train": "identity"}).observed_size(3),
            "size 3 do not",
        ),
        (lambda: build(space=spaces.Discrete(3)), "can be permuted .*; got 'gaussian'"),
    ],
)
def test_what_does_not_fit_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_variations_compose_like_wrappers():
    """Observations pass from the first to the last, actions the other way."""
    inner, _ = build("gaussian", "gaussian")
    outer = Projection(7, {"train": "gaussian"}, {"train": "gaussian"})
    outer.observed_size(5)
    outer.action_space(spaces.Box(-1.0, 1.0, (2,)))
    both = Composed(inner, outer)
    assert both.observed_size(3) == 7
    task = both.draw(jax.random.key(0), "train")
    x, u = jnp.array([1.0, 2.0, 3.0]), jnp.array([0.1, 0.2])
    first, second = (part["observe"] for part in task)
    np.testing.assert_allclose(both.observe(task, x), second @ (first @ x), rtol=1e-5)
    first, second = (part["act"] for part in task)
    np.testing.assert_allclose(both.act(task, u), first @ (second @ u), rtol=1e-5)


def test_fields_replace_what_they_name():
    class Params(dict):
        replace = lambda self, **new: Params({**self, **new})  # noqa: E731

    fields = Fields(lambda key, split: {"mass": jnp.float32(len(split))})
    task = fields.draw(jax.random.key(0), "train")
    assert fields.params(task, Params(mass=1, length=2)) == {"mass": 5.0, "length": 2}

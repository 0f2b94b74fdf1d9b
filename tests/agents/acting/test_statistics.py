"""Running statistics, beside numpy in float64.

Mutants, and the test that fails for each:

    the gap between two means is not squared in     in_any_parts
    its weight is the whole count                   in_any_parts
    the mean is of the new samples alone            in_any_parts
    squares are of distances from zero              far_from_zero
    what is not finite counts                       not_finite
    a deviation may be zero                         constant
    its least does not grow with the mean           constant
    of no samples the deviation is the least        of_nothing
    no bound                                        of_nothing
    integers are read as floats                     only_floats
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.acting import statistics
from agents.acting.statistics import Statistics

T, B = 60, 4


def drawn(seed=0, centre=0.0):
    """[T, B, 3], features of unlike sizes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(T, B, 3)) * [1e-2, 1.0, 1e3] + centre * np.arange(3)
    return x.astype(np.float32)


def in_parts(x, cuts):
    """What merging gives, part after part."""
    kept = statistics.nothing(x.shape[2:])
    for part in np.split(x, cuts):
        kept = statistics.merge(kept, statistics.of(jnp.asarray(part)))
    return kept


def assert_is_of(kept, x, rtol=1e-5):
    """`x` [N, ...] in numpy, in float64."""
    x = np.asarray(x, np.float64)
    assert kept.number == len(x)
    size = np.abs(x).max(0)
    np.testing.assert_allclose(kept.mean / size, x.mean(0) / size, atol=1e-6)
    np.testing.assert_allclose(kept.square / len(x), x.var(0), rtol)


@pytest.mark.parametrize("cuts", [[], [1], [7, 8, 40], list(range(3, T, 5))])
def test_in_any_parts_they_are_those_of_the_whole(cuts):
    """Parts with other means, too: what was learned early is not weighted away."""
    x = drawn() + np.linspace(-3, 5, T, dtype=np.float32)[:, None, None]
    assert_is_of(in_parts(x, cuts), x.reshape(-1, 3))


def test_far_from_zero_little_is_lost():
    x = drawn(1, centre=100.0)
    x[..., 0] += 1e3  # at 10,000 times its deviation
    assert_is_of(in_parts(x, [20, 40]), x.reshape(-1, 3), rtol=1e-2)
    assert_is_of(in_parts(x[..., 1:], [20, 40]), x[..., 1:].reshape(-1, 2), rtol=1e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_not_counted(bad):
    """The sample, all of it; the others are."""
    x = drawn(2)
    x[5, 2, 1] = x[9, 0, 2] = bad
    good = np.isfinite(x).all(-1)
    assert_is_of(in_parts(x, [10]), x[good])


def test_some_of_the_samples():
    x = drawn(3)
    chosen = np.random.default_rng(0).random((T, B)) < 0.3
    assert_is_of(statistics.of(jnp.asarray(x), jnp.asarray(chosen)), x[chosen])
    none = statistics.of(jnp.asarray(x), jnp.zeros((T, B), bool))
    same = statistics.merge(in_parts(x, []), none)
    jax.tree.map(np.testing.assert_array_equal, same, in_parts(x, []))


@pytest.mark.parametrize("value", [0.0, -1.0, 777.77, 12345.678])
def test_what_is_constant_is_read_as_nearly_zero(value):
    """Whatever rounding makes of it, over many updates."""
    x = jnp.full((T, B, 1), value, jnp.float32)
    kept = jax.lax.fori_loop(
        0, 200, lambda _, kept: statistics.merge(kept, statistics.of(x)),
        statistics.nothing((1,)),
    )  # fmt: skip
    read = np.asarray(statistics.normalise(kept, x))
    assert np.isfinite(read).all() and np.abs(read).max() < 0.1


def test_of_nothing_observations_are_what_they_were_within_the_bound():
    x = jnp.linspace(-20, 20, 6, dtype=jnp.float32).reshape(2, 1, 3)
    read = statistics.normalise(statistics.nothing((3,)), x)
    np.testing.assert_array_equal(read, np.clip(x, -10, 10))


def test_what_is_read_has_no_mean_and_a_deviation_of_one():
    x = drawn(4, centre=50.0)
    read = np.asarray(statistics.normalise(in_parts(x, [30]), x), np.float64)
    np.testing.assert_allclose(read.mean((0, 1)), 0, atol=2e-3)
    np.testing.assert_allclose(read.std((0, 1)), 1, rtol=2e-2)


def test_only_floats_are_normalised():
    """Each leaf by its own statistics."""
    obs = {
        "a": jnp.asarray(drawn(5, 7.0)),
        "cards": jnp.arange(T * B, dtype=jnp.int32).reshape(T, B),
        "z": jnp.asarray(drawn(6))[..., :1],
    }
    kept = statistics.seen(statistics.first_of(obs), obs)
    read = statistics.normalised(kept, obs)
    assert len(kept) == 2
    np.testing.assert_array_equal(read["cards"], obs["cards"])
    for name, of_it in zip(("a", "z"), kept, strict=True):
        assert_is_of(of_it, obs[name].reshape(T * B, -1), rtol=1e-3)
        alone = statistics.normalise(of_it, obs[name])
        np.testing.assert_array_equal(read[name], alone)


def test_several_groups_merge_each_by_itself():
    x = drawn(7)
    one, two = (in_parts(part, []) for part in (x[:20], x[20:]))
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), one, two)
    merged = statistics.merge(stacked, Statistics(*(leaf[::-1] for leaf in stacked)))
    for group in range(2):
        assert_is_of(jax.tree.map(lambda leaf, g=group: leaf[g], merged),
                     x.reshape(-1, 3))  # fmt: skip

"""Intervals are Student's, and cover as often as they say."""

import numpy as np
from scipy import stats

from experiment.report.statistics import mean_interval


def test_the_interval_is_students():
    """Worked by hand: 1, 2, 3 has mean 2 and standard error 1 / sqrt(3); t = 4.3027."""
    mean, low, high = mean_interval([1.0, 2.0, 3.0])
    assert mean == 2.0
    np.testing.assert_allclose([low, high], [-0.484138, 4.484138], atol=1e-6)
    values = np.random.default_rng(0).normal(size=17)
    expected = stats.t.interval(0.9, 16, values.mean(), stats.sem(values))
    np.testing.assert_allclose(mean_interval(values, confidence=0.9)[1:], expected)


def test_one_value_says_nothing_about_spread():
    mean, low, high = mean_interval([3.0])
    assert mean == 3.0 and np.isnan(low) and np.isnan(high)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """2,000 samples of five: 95% of 2,000 is 1,900, standard deviation 9.7."""
    samples = np.random.default_rng(1).normal(size=(2000, 5))
    hits = sum(low <= 0 <= high for _, low, high in map(mean_interval, samples))
    assert 1860 <= hits <= 1940

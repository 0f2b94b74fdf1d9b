"""Intervals are those of SciPy's tests, cover as often as they say, and are none where
nothing is known.

| mutant | fails |
|---|---|
| the half width is of one side | test_means_*, test_differences_* |
| degrees of freedom are pooled | test_differences_* |
| single values get an interval of no width | test_a_single_value_* |
| few learners are drawn with Student's interval | test_few_are_drawn_* |
| many are drawn beyond what was seen | test_what_is_drawn_is_possible |
"""

import numpy as np
import pytest
from scipy import stats

from experiment.report.statistics import (
    FEW,
    difference_interval,
    learners_interval,
    mean_interval,
    spread,
)


def test_means_are_judged_by_students_test():
    sample = np.random.default_rng(0).normal(1, 2, 5)
    mean, *interval = mean_interval(sample)
    oracle = stats.ttest_1samp(sample, 0).confidence_interval(0.95)
    assert mean == pytest.approx(sample.mean())
    assert interval == pytest.approx([*oracle])


def test_differences_are_judged_by_welchs_test():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(1, 2, 3), rng.normal(0, 0.1, 7)
    mean, *interval = difference_interval(ours, theirs)
    test = stats.ttest_ind(ours, theirs, equal_var=False)
    assert mean == pytest.approx(ours.mean() - theirs.mean())
    assert interval == pytest.approx([*test.confidence_interval(0.95)])
    assert difference_interval([1.0, 1.0], [0.5, 0.5]) == (0.5, 0.5, 0.5)


def test_a_single_value_has_no_interval():
    assert np.isnan(mean_interval([1.0])[1:]).all()
    assert np.isnan(difference_interval([1.0], [0.0, 0.5])[1:]).all()
    assert np.isnan(difference_interval([1.0, 1.5], [0.0])[1:]).all()


def test_the_interval_is_students_by_hand():
    """1, 2, 3 has mean 2 and standard error 1 / sqrt(3); t = 4.3027."""
    mean, low, high = mean_interval([1.0, 2.0, 3.0])
    assert mean == 2.0
    np.testing.assert_allclose([low, high], [-0.484138, 4.484138], atol=1e-6)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """2,000 samples of five: 95% of 2,000 is 1,900, standard deviation 9.7."""
    samples = np.random.default_rng(1).normal(size=(2000, 5))
    hits = sum(low <= 0 <= high for _, low, high in map(mean_interval, samples))
    assert 1860 <= hits <= 1940


@pytest.mark.parametrize("count", range(2, FEW + 1))
def test_few_are_drawn_from_the_least_to_the_greatest(count):
    values = np.random.default_rng(count).normal(size=count)
    assert spread(values) == (values.mean(), values.min(), values.max())


def test_what_is_drawn_is_possible():
    """Five ones and a zero: 0.83, and 0.40 to 1.26 by Student; nobody got above 1."""
    values = [1.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    mean, low, high = spread(values)
    assert (mean, low) == mean_interval(values)[:2] and high == 1.0
    many = np.random.default_rng(0).normal(size=40)
    assert spread(many) == mean_interval(many)


def test_nothing_is_drawn_around_one_nor_of_learners_that_are_lost():
    assert np.isnan(spread([1.0])[1:]).all()
    assert np.isnan(learners_interval([1.0, None], spread)).all()
    assert learners_interval([1.0, 2.0], spread) == (1.5, 1.0, 2.0)

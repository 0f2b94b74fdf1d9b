"""Robust statistics against their published definitions, by hand and by a slow oracle.

| mutant | fails |
|---|---|
| 0.2 is cut from each end | test_equals_the_oracle, test_one_stratum_* |
| the median is over all scores | test_by_hand, test_equals_the_oracle |
| the gap counts what exceeds gamma | test_by_hand, test_equals_the_oracle |
| the profile counts score >= tau | test_by_hand, test_profile_and_odds_* |
| ties count for us | test_by_hand, test_profile_and_odds_*, test_odds_add_* |
| the interval is of 90 % | test_one_stratum_*, test_coverage_* |
| joint is ignored | test_learners_that_play_all_*, test_coverage_of_shared_luck |
| one draw of learners serves all tasks | test_coverage_of_independent_tasks |
| draws are without replacement | test_one_stratum_*, test_coverage_* |
| each chunk starts from the seed anew | test_memory_bounds_nothing |
| one learner gives an interval of width zero | test_one_learner_has_no_interval |
"""

import itertools

import numpy as np
import pytest
from scipy import stats

from experiment.compare import robust

# Four learners on two tasks. Sorted: 0 1 2 3 4 5 6 27; a quarter is two from each end.
SCORES = np.array([[0.0, 5.0], [1.0, 6.0], [27.0, 3.0], [2.0, 4.0]])


def test_by_hand():
    assert robust.interquartile_mean(SCORES) == (2 + 3 + 4 + 5) / 4
    assert robust.mean(SCORES) == 48 / 8
    assert robust.median(SCORES) == (30 / 4 + 18 / 4) / 2
    assert robust.median(SCORES[:, [0, 1, 1]]) == 18 / 4
    assert robust.optimality_gap(SCORES, gamma=4.0) == 4 - (0 + 1 + 2 + 3 + 4 * 4) / 8
    profile = robust.performance_profile(SCORES, np.array([-1.0, 0.0, 3.0, 26.0, 27.0]))
    assert profile.tolist() == [1.0, 7 / 8, 4 / 8, 1 / 8, 0.0]
    # Task 0: {2, 5} against {2, 3}: a tie, a loss, two wins. Task 1: four losses.
    ours, theirs = (
        np.array([[2.0, 0.0], [5.0, 1.0]]),
        np.array([[2.0, 9.0], [3.0, 8.0]]),
    )
    assert robust.improvement(ours, theirs) == (2.5 / 4 + 0) / 2


def slow(scores, name):
    """One value at a time, in words of the paper."""
    flat = sorted(float(x) for row in scores for x in row)
    columns = list(zip(*scores, strict=True))
    if name == "interquartile_mean":
        cut = len(flat) // 4
        kept = flat[cut : len(flat) - cut]
        return sum(kept) / len(kept)
    if name == "median":
        means = sorted(sum(column) / len(column) for column in columns)
        half = len(means) // 2
        return (
            (means[half] + means[-half - 1]) / 2 if len(means) % 2 == 0 else means[half]
        )
    if name == "mean":
        return sum(flat) / len(flat)
    return sum(max(0.0, 1.0 - x) for x in flat) / len(flat)


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 5), (5, 4), (7, 3)])
@pytest.mark.parametrize(
    "name", ["interquartile_mean", "mean", "median", "optimality_gap"]
)
def test_equals_the_oracle(shape, name):
    scores = np.random.default_rng(0).normal(0.7, 0.5, (6, *shape)).round(1)
    found = getattr(robust, name)(scores)
    expected = [slow(one, name) for one in scores]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_profile_and_odds_equal_the_oracle():
    rng = np.random.default_rng(1)
    ours, theirs = rng.integers(4, size=(5, 3)), rng.integers(4, size=(2, 3))
    taus = np.arange(-1, 5) / 1.0
    expected = [sum(x > tau for x in ours.flat) / ours.size for tau in taus]
    np.testing.assert_allclose(robust.performance_profile(ours, taus), expected)
    odds = [
        stats.mannwhitneyu(ours[:, task], theirs[:, task]).statistic / (5 * 2)
        for task in range(3)
    ]
    np.testing.assert_allclose(robust.improvement(ours, theirs), np.mean(odds))


def test_order_of_learners_and_of_tasks_does_not_matter():
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(6, 5))
    other = scores[rng.permutation(6)][:, rng.permutation(5)]
    taus = np.linspace(-2, 2, 9)
    for statistic in (
        robust.interquartile_mean,
        robust.median,
        robust.optimality_gap,
        lambda x: robust.performance_profile(x, taus),
    ):
        np.testing.assert_allclose(statistic(other), statistic(scores))


def test_the_middle_half_ignores_outliers():
    wild = SCORES.copy()
    wild[2, 0] = 1e9
    assert robust.interquartile_mean(wild) == robust.interquartile_mean(SCORES)


def test_a_profile_falls_from_one_to_zero_and_encloses_the_mean():
    scores = np.random.default_rng(3).uniform(0, 1, (9, 4))
    taus = np.linspace(-0.001, 1, 2002)
    profile = robust.performance_profile(scores, taus)
    assert profile[0] == 1 and profile[-1] == 0
    assert (np.diff(profile) <= 0).all()
    # The area under it is the mean, for scores above zero.
    area = np.trapezoid(profile[1:], taus[1:])
    np.testing.assert_allclose(area, scores.mean(), atol=1e-3)


def test_odds_add_up_to_one():
    rng = np.random.default_rng(4)
    ours, theirs = rng.integers(3, size=(4, 2)), rng.integers(3, size=(6, 2))
    there = robust.improvement(ours, theirs)
    np.testing.assert_allclose(there + robust.improvement(theirs, ours), 1)
    assert robust.improvement(ours, ours) == 0.5
    assert robust.improvement(ours + 9, theirs) == 1


def test_one_stratum_is_scipys_bootstrap():
    sample = np.random.default_rng(5).exponential(size=12)
    ours = robust.bootstrap(
        sample[:, None], robust.interquartile_mean, resamples=40_000, seed=1
    )
    theirs = stats.bootstrap(
        (sample,),
        lambda x, axis: stats.trim_mean(x, 0.25, axis=axis),
        method="percentile",
        n_resamples=40_000,
        rng=np.random.default_rng(2),
    ).confidence_interval
    width = theirs.high - theirs.low
    assert abs(ours.low - theirs.low) < 0.02 * width
    assert abs(ours.high - theirs.high) < 0.02 * width


def covered(draw, *, joint, rounds=250, seed=6) -> float:
    """How often the interval holds the truth, which is 0."""
    rng = np.random.default_rng(seed)
    hits = 0
    for index in range(rounds):
        found = robust.bootstrap(
            draw(rng),
            robust.interquartile_mean,
            joint=joint,
            resamples=300,
            seed=index,
        )
        hits += found.low <= 0 <= found.high
    return hits / rounds


def test_coverage_of_independent_tasks():
    """Percentile intervals over few learners are a little short; so the paper says."""

    def draw(rng):
        return rng.normal(size=(10, 6))

    assert 0.88 < covered(draw, joint=False) < 0.985


def test_coverage_of_shared_luck():
    """A learner's luck on all its tasks: only drawing whole learners covers it."""

    def draw(rng):
        return rng.normal(size=(20, 1)) + 0.3 * rng.normal(size=(20, 8))

    assert 0.88 < covered(draw, joint=True) < 0.985
    assert covered(draw, joint=False) < 0.7


def test_learners_that_play_all_tasks_are_drawn_as_a_whole():
    """Tasks that differ and learners that do not leave nothing to be unsure of."""
    scores = np.arange(4.0)[:, None] * np.ones((1, 3))
    seen = []

    def spy(resampled):
        seen.append(resampled)
        return robust.mean(resampled)

    robust.bootstrap(scores, spy, joint=True, resamples=50)
    assert all((np.ptp(x, axis=-1) == 0).all() for x in seen)
    seen.clear()
    robust.bootstrap(scores, spy, joint=False, resamples=50)
    assert any(np.ptp(x, axis=-1).any() for x in seen)


def test_tasks_are_never_mixed():
    scores = np.arange(3) * 100.0 + np.arange(4)[:, None]

    def spy(resampled):
        assert (resampled // 100 == np.arange(3)).all()
        return robust.mean(resampled)

    for joint in (False, True):
        robust.bootstrap(scores, spy, joint=joint, resamples=20)


@pytest.mark.parametrize("joint", [False, True])
def test_memory_bounds_nothing(monkeypatch, joint):
    """In one go or in chunks, draws go on along one stream, and the seed decides it."""
    scores = np.random.default_rng(8).normal(size=(5, 4))
    kept = []

    def keep(resampled):
        kept.append(resampled.reshape(-1, 20))
        return robust.interquartile_mean(resampled)

    def intervals(seed):
        kept.clear()
        one = robust.bootstrap(scores, keep, joint=joint, resamples=64, seed=seed)
        return np.concatenate(kept), (one.low, one.high)

    whole, interval = intervals(0)
    monkeypatch.setattr(robust, "_CHUNK", 20 * 9)
    parts, again = intervals(0)
    np.testing.assert_array_equal(whole, parts)
    assert interval == again
    assert interval != intervals(1)[1]


def test_one_learner_has_no_interval():
    found = robust.bootstrap(np.array([[1.0, 2.0, 3.0]]), robust.mean, joint=True)
    assert found.value == 2 and np.isnan(found.low) and np.isnan(found.high)


def test_odds_have_an_interval_around_them():
    rng = np.random.default_rng(9)
    ours, theirs = rng.normal(0.5, 1, (8, 3)), rng.normal(0, 1, (6, 3))
    found = robust.bootstrap_improvement(ours, theirs, seed=3)
    assert 0 < found.low < found.value < found.high <= 1
    pairs = itertools.product(range(8), range(6), range(3))
    wins = sum(ours[i, k] > theirs[j, k] for i, j, k in pairs)
    np.testing.assert_allclose(found.value, wins / (8 * 6 * 3))
    assert found == robust.bootstrap_improvement(ours, theirs, seed=3)


def test_what_has_no_learners_and_tasks_is_refused():
    with pytest.raises(ValueError, match=r"\[learners, tasks\]; got \(3,\)"):
        robust.bootstrap(np.ones(3), robust.mean)
    with pytest.raises(ValueError, match="got 2 and 3 tasks"):
        robust.bootstrap_improvement(np.ones((2, 2)), np.ones((2, 3)))

"""From metrics per update to rows.

| mutant | fails |
|---|---|
| returns are averaged over updates | test_returns_are_weighted_by_episodes |
| seed 0 is always blamed | test_the_first_non_finite_of_each_seed_is_named |
| seeds are numbered anew | test_rows_keep_the_numbers_of_their_seeds |
"""

import numpy as np
import pytest

from experiment.run import metrics


def update(count, episode_return, **more):
    return {
        "episode/count": np.array(count),
        "episode/return": np.array(episode_return, np.float32),
        **{name: np.array(values, np.float32) for name, values in more.items()},
    }


def test_returns_are_weighted_by_episodes():
    """Seed 0: 3 episodes totalling 6, then 1 of 10. Mean of four: 4, not (2 + 10)/2."""
    reduced = metrics.reduce_window([update([3, 0], [6, 0]), update([1, 0], [10, 0])])
    assert reduced["episode/count"].tolist() == [4, 0]
    assert reduced["episode/return"][0] == 4.0
    assert np.isnan(reduced["episode/return"][1])


def test_errors_take_the_largest_and_the_rest_the_mean():
    one = update([1], [1], **{"loss/value": [1.0], "diagnostics/ratio_error": [5.0]})
    two = update([1], [1], **{"loss/value": [2.0], "diagnostics/ratio_error": [3.0]})
    reduced = metrics.reduce_window([one, two])
    assert reduced["loss/value"].tolist() == [1.5]
    assert reduced["diagnostics/ratio_error"].tolist() == [5.0]


def test_a_window_of_one_changes_nothing():
    only = update([2], [3], **{"loss/value": [0.1]})
    reduced = metrics.reduce_window([only])
    assert reduced["loss/value"].tolist() == only["loss/value"].tolist()
    assert reduced["episode/return"].tolist() == [1.5]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_non_finite_of_each_seed_is_named(bad):
    good = update([1, 1], [0, 0], **{"z": [0, 0], "a": [0, 0]})
    both = update([1, 1], [0, 0], **{"z": [0, bad], "a": [bad, bad]})
    assert metrics.non_finite([good, good]) == {}
    assert metrics.non_finite([good, both]) == {1: (1, "z"), 0: (1, "a")}
    assert metrics.non_finite([both, both]) == {1: (0, "z"), 0: (0, "a")}


def test_rows_keep_the_numbers_of_their_seeds():
    reduced = {"loss/value": np.array([1.0, 2.0])}
    rows = metrics.make_rows(reduced, env_steps=5, update=1, seeds=[1, 3])
    assert [(row["seed"], row["loss/value"]) for row in rows] == [(1, 1.0), (3, 2.0)]

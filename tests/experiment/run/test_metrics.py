"""From metrics per update to rows, and back from the file bit for bit.

| mutant | fails |
|---|---|
| cut keeps an update too many | test_cut_keeps_up_to_the_checkpoint |
| cut keeps a torn line | test_cut_drops_a_line_that_a_kill_tore |
| nine digits are written | test_the_file_gives_back_what_was_put_in |
| returns are averaged over updates | test_returns_are_weighted_by_episodes |
| seed 0 is always blamed | test_the_first_non_finite_is_named |
"""

import numpy as np
import pytest
from scipy import stats

from experiment.report.statistics import mean_interval
from experiment.run import metrics
from experiment.run.metrics_file import MetricsFile


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
def test_the_first_non_finite_is_named(bad):
    good = update([1, 1], [0, 0], **{"z": [0, 0], "a": [0, 0]})
    both = update([1, 1], [0, 0], **{"z": [0, bad], "a": [bad, bad]})
    assert metrics.first_non_finite([good, good]) is None
    assert metrics.first_non_finite([good, both]) == (1, 1, "z")
    assert metrics.first_non_finite([both, both]) == (0, 1, "z")


AWKWARD = [0.1, 1 / 3, 1e-45, 1.7976931348623157e308, -0.0, 123456789.123456789]


def rows_of(last: int, seeds: int = 2):
    values = np.array([AWKWARD[:seeds], AWKWARD[-seeds:]])
    return [
        row
        for number in range(1, last + 1)
        for row in metrics.make_rows(
            {
                "episode/count": np.full(seeds, number),
                "loss/value": values[number % 2],
                "episode/return": np.array([np.nan, *AWKWARD[1:seeds]]),
            },
            env_steps=number * 20,
            update=number,
        )
    ]


def test_the_file_gives_back_what_was_put_in(tmp_path):
    file = MetricsFile(tmp_path / "metrics.csv")
    rows = rows_of(4, seeds=6)
    for start in range(0, len(rows), 6):
        file.append(rows[start : start + 6])
    back = file.read()
    assert back == rows
    assert [list(row) for row in back] == [list(row) for row in rows]
    assert all(np.signbit(row["loss/value"]) for row in back if row["seed"] == 4)


def test_a_row_a_log_point_and_seed():
    rows = rows_of(3)
    assert [(row["update"], row["seed"]) for row in rows] == [
        (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1),
    ]  # fmt: skip


def test_float32_survives_as_the_float64_of_its_value(tmp_path):
    value = np.float32(0.1)
    file = MetricsFile(tmp_path / "metrics.csv")
    file.append(
        metrics.make_rows({"loss/value": np.array([value])}, env_steps=1, update=1)
    )
    assert np.float32(file.read()[0]["loss/value"]) == value


@pytest.mark.parametrize("last", [0, 1, 3, 5, 6])
def test_cut_keeps_up_to_the_checkpoint(tmp_path, last):
    """Byte for byte what the file was at that moment, and it can be gone on with."""
    whole, then = (MetricsFile(tmp_path / name) for name in ("whole.csv", "then.csv"))
    whole.append(rows_of(5))
    then.append(rows_of(min(last, 5)))
    whole.cut(last)
    if last:
        assert whole.path.read_bytes() == then.path.read_bytes()
    else:
        assert not whole.path.exists()
    rest = rows_of(5)[2 * last :]
    whole.append(rest)
    assert whole.read() == rows_of(5)


@pytest.mark.parametrize("torn", ["100", "100,5", "100,5,0,5,0.", "1"])
def test_cut_drops_a_line_that_a_kill_tore(tmp_path, torn):
    file = MetricsFile(tmp_path / "metrics.csv")
    file.append(rows_of(4))
    whole = file.path.read_bytes()
    with file.path.open("a") as end:
        end.write(torn)
    file.cut(4)
    assert file.path.read_bytes() == whole


def test_cut_of_nothing_is_nothing(tmp_path):
    file = MetricsFile(tmp_path / "metrics.csv")
    file.cut(3)
    assert file.read() == []
    file.path.touch()
    file.cut(3)
    assert file.read() == []


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

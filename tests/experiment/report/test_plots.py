"""Pictures with something on them.

| mutant | fails |
|---|---|
| the figure is cleared before saving | test_the_curve_is_in_the_picture |
| smoothing sums | test_smoothing_keeps_a_constant |
| gaps become zeros | test_where_no_episode_ended_the_last_one_stands |
| the rest at the end is dropped, or means are sums | test_single_pulls_* |
"""

import numpy as np
import pytest
from matplotlib.image import imread

from experiment.report import plots, scales

LEVELS = {"chance": 0.0, "best": 1.0}


def rows_of(returns):
    """returns [N, S]."""
    return [
        {"env_steps": 10 * (n + 1), "update": n + 1, "seed": s, "episode/return": value}
        for n, at in enumerate(returns)
        for s, value in enumerate(at)
    ]


def share_of(path, color) -> float:
    """Share of pixels that are nearly of this colour."""
    image = imread(path)[..., :3]
    wanted = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return float((np.abs(image - wanted).max(-1) < 0.1).mean())


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_curve_is_in_the_picture(tmp_path, seeds):
    returns = [[n / 20 + s / 10 for s in range(seeds)] for n in range(20)]
    path = tmp_path / "curve.png"
    plots.learning_curve(rows_of(returns), path, title="t", levels=LEVELS)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert share_of(path, plots.BLUE) > 0.001
    assert share_of(path, plots.ORANGE) > 0.0005


def test_levels_that_are_not_known_are_left_out(tmp_path):
    path = tmp_path / "curve.png"
    levels = {"chance": None, "best": None}
    plots.learning_curve(rows_of([[1.0], [2.0]]), path, title="t", levels=levels)
    assert share_of(path, plots.ORANGE) == 0


@pytest.mark.parametrize("returns", [[], [[None], [None]]])
def test_where_nothing_ended_nothing_is_drawn(tmp_path, returns):
    path = tmp_path / "curve.png"
    plots.learning_curve(rows_of(returns), path, title="t", levels=LEVELS)
    assert not path.exists()


def test_where_no_episode_ended_the_last_one_stands():
    rows = rows_of([[None, 3.0], [1.0, None], [None, 4.0]])
    steps, returns = plots.curves(rows)
    assert steps.tolist() == [20, 30]
    assert returns.tolist() == [[1.0, 1.0], [3.0, 4.0]]


@pytest.mark.parametrize("length", [1, 60, 500])
def test_smoothing_keeps_a_constant(length):
    np.testing.assert_allclose(plots.smoothed(np.full(length, 3.0)), 3.0)


def test_the_histogram_is_in_the_picture(tmp_path):
    path = tmp_path / "deep" / "histogram.png"
    values = np.random.default_rng(0).normal(size=300)
    plots.histogram(values, path, title="t", levels=LEVELS)
    assert share_of(path, plots.BLUE) > 0.001


def test_single_pulls_are_drawn_as_means_of_neighbours():
    """Of everything alike: number, mean and bounds; the rest at the end by itself."""
    values = np.column_stack([1.0 + np.arange(11), np.arange(11) ** 2])
    found = scales.binned(values, 4)
    np.testing.assert_allclose(found[:, 0], [2.5, 6.5, 10])
    np.testing.assert_allclose(found[:, 1], [14 / 4, 126 / 4, 245 / 3])
    np.testing.assert_array_equal(scales.binned(values, 1), values)
    assert [scales.bin_width(count) for count in (1, 79, 80, 200)] == [1, 1, 2, 5]

"""What a run says of its settings.

| mutant | fails |
|---|---|
| a setting that lost a learner has a mean | test_a_band_is_of_whole_settings |
| the table is in order of settings | test_the_table_has_the_best_first |
| companies keep the order of settings | test_settings_alike_in_the_rest_are_one_line |
"""

import csv
import math

import pytest

from experiment.report import settings as report
from experiment.report.statistics import mean_interval
from experiment.setup.settings import Sweep

RATE, DISCOUNT = "agent.learning_rate", "agent.discount"
SWEEP = Sweep(
    tuple({RATE: rate, DISCOUNT: d} for rate in (1e-2, 1e-3) for d in (0.9, 0.95))
)
RETURNS = [(0.1, 0.3), (0.9, 0.8), (0.5, None), (0.0, 0.0)]
FOUND = report.bands([{"final_return_per_seed": list(of)} for of in RETURNS])
ORDER = [1, 0, 3, 2]


def test_a_band_is_of_whole_settings():
    assert FOUND[1] == mean_interval((0.9, 0.8))
    assert all(map(math.isnan, FOUND[2]))


def test_the_lines_have_the_best_first():
    head, first, *_, last, more = report.lines(SWEEP, FOUND, ORDER, most=3)
    assert head == "4 settings, best first: return, 95% interval over seeds"
    assert first.split() == [
        *("1", "0.850", "[0.215,", "1.49]"),
        *("agent.learning_rate=0.01", "agent.discount=0.95"),
    ]
    assert last.split()[:2] == ["3", "0"] and "1 more, in settings.csv" in more
    said = report.lines(SWEEP, FOUND, ORDER)
    assert said[-1].split()[:2] == ["2", "none"]


def test_the_table_has_the_best_first(tmp_path):
    report.table(SWEEP, FOUND, ORDER, tmp_path / "settings.csv")
    with (tmp_path / "settings.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["setting"]) for row in rows] == ORDER
    assert float(rows[0][RATE]) == 1e-2 and float(
        rows[0]["final_return"]
    ) == pytest.approx(0.85)
    assert rows[-1]["final_return"] == ""


def test_settings_alike_in_the_rest_are_one_line():
    found = report._companies(SWEEP, RATE)
    assert found == {((DISCOUNT, 0.9),): [2, 0], ((DISCOUNT, 0.95),): [3, 1]}


@pytest.mark.parametrize("count", [1, 3])
def test_a_panel_for_each_key(tmp_path, count, monkeypatch):
    keys = (RATE, DISCOUNT, "core.dt_min")[:count]
    sweep = Sweep(tuple(dict.fromkeys(keys, 0.1 * k + 0.01) for k in range(5)))
    drawn = []
    monkeypatch.setattr(report.panels, "save", lambda made, path: drawn.append(made))
    bands = [(k / 5, k / 5 - 0.1, k / 5 + 0.1) for k in range(5)]
    report.picture(sweep, bands, tmp_path / "x.png", title="t")
    shown = [axes for axes in drawn[0].axes if axes.get_visible()]
    assert [axes.get_xlabel() for axes in shown] == list(keys)
    points = [line.get_xydata().tolist() for line in shown[0].lines]
    flat = sorted(point for line in points for point in line)
    assert flat == [
        [pytest.approx(0.1 * k + 0.01), pytest.approx(k / 5)] for k in range(5)
    ]

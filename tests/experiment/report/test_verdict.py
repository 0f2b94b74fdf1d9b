"""A verdict says what the interval shows, and no more.

| mutant | fails |
|---|---|
| an interval that touches 0 counts | test_verdicts[touches 0 *] |
| below 0 is "not shown" | test_verdicts[negative] |
| judged by the mean alone | test_verdicts[holds 0] |
| no interval counts as one of no width | test_verdicts[*learner*] |
| what it is over is left out | test_verdicts |
| -0 is printed | test_verdicts[nothing changes] |
"""

import math

import pytest

from experiment.report.verdict import count, verdict

NAN = math.nan
TABLE = {
    "positive": (
        (0.5, 0.25, 0.75),
        "more",
        "0.500 [0.250, 0.750], 95% over 3",
    ),
    "negative": ((-9.6394, -16.45, -2.8283), "less", "-9.64 [-16.4, -2.83], 95% over"),
    "holds 0": (
        (2.0, -1.0, 5.0),
        "not shown",
        "2.00 [-1.00, 5.00], 95% over 3",
    ),
    "touches 0 from above": ((0.5, 0.0, 1.0), "not shown", "0.500 [0, 1.00], 95% over"),
    "touches 0 from below": ((-0.5, -1.0, -0.0), "not shown", "-0.500 [-1.00, 0], 95%"),
    "nothing changes": ((-0.0, 0.0, -0.0), "not shown", "0 in each of 3 learners"),
    "no width": ((0.5, 0.5, 0.5), "more", "0.500 in each of 3 learners"),
    "one learner, NaN": ((0.5, NAN, NAN), "not shown", "0.500; 3 learners alone: no"),
    "one learner, None": ((-0.5, None, None), "not shown", "-0.500; 3 learners alone"),
    "half an interval": ((0.5, 0.25, None), "not shown", "no interval"),
    "no bounds": ((0.5, -math.inf, math.inf), "not shown", "no interval"),
    "nothing at all": ((NAN, NAN, NAN), "not shown", "no interval"),
    "barely": ((5.4433, 0.14187, 10.745), "more", "5.44 [0.142, 10.7], 95% over"),
}


@pytest.mark.parametrize(("interval", "said", "numbers"), TABLE.values(), ids=TABLE)
def test_verdicts(interval, said, numbers):
    found = verdict(*interval, "3 learners")
    assert found.choose("more", "less", "not shown") == said
    assert numbers in found.numbers and "3 learners" in found.numbers


def test_counts():
    assert count(1, "learner") == "1 learner"
    assert count(1200, "task") == "1,200 tasks"

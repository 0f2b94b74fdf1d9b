"""How often something happens, in updates or in time."""

import pytest

from experiment.setup import every


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("30s", 30.0), ("1.5m", 90.0), ("2h", 7200.0), (".5s", 0.5)],
)
def test_a_time_is_read_in_seconds(text, wanted):
    every.check("log_every", text)
    assert every.seconds(text) == wanted


@pytest.mark.parametrize(
    "wrong", ["", "s", "10", "0s", "-1s", "10 s", "1e3s", "5min", "1h30m", "9999999h"]
)
def test_what_is_no_time_is_refused_with_an_example(wrong):
    with pytest.raises(ValueError, match=r"log_every must be .*30s, 5m or 1h; got"):
        every.check("log_every", wrong)


def test_a_number_of_updates_is_at_least_one():
    with pytest.raises(ValueError, match="checkpoint_every must be at least 1; got 0"):
        every.check("checkpoint_every", 0)

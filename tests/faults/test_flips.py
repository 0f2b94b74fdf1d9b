"""No flipped bit of a checkpoint is read as another number.

| mutant | fails |
|---|---|
| neither files nor values are digested | both |
"""

import pytest

from tests.faults.flips import flip


def test_no_flipped_bit_is_read_as_another_number():
    """One in every file, and some more."""
    found = flip(40)
    assert found.unnoticed == found.refused == 0, found
    assert found.files >= 12 and found.fell_back >= 30  # Orbax's number of files varies


@pytest.mark.faults
def test_no_flipped_bit_of_very_many_is():
    found = flip(1000, seed=1)
    assert found.unnoticed == found.refused == 0, found

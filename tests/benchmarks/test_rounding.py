"""The errors that docs/performance.md states are bounds.

mutant                                        | the test that failed: test_…
--------------------------------------------- | ----------------------------------------
no carry is remembered in 16 bits             | errors_are_within_what_is_stated
replaying rounds otherwise than acting        | errors_are_within_what_is_stated
a case computes in float32                    | errors_are_within_what_is_stated
"""

import pytest

from benchmarks import rounding

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "length"),
    [
        ("default", 32),
        pytest.param("default", 256, marks=pytest.mark.slow),
        pytest.param("paper", 256, marks=pytest.mark.slow),
    ],
)
def test_errors_are_within_what_is_stated(network, length):
    found = rounding.errors(network, "bfloat16", length=length)
    for name, bound in rounding.STATED.items():
        assert found[name] <= bound, name
    # It is in 16 bits: float32 has errors a thousand times smaller.
    assert found["value"] > 1e-4 and found["gradient"] > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("case", ["default", "high", "highest"])
def test_a_cpu_knows_one_precision(case):
    found = rounding.errors("default", case, length=32)
    assert found["first_ratio"] < 1e-5
    assert {found[name] for name in ("value", "gradient", "parameter")} == {0.0}

"""The strict session of the suite's tests, and the marker that keeps them apart.

All but the light ones are `conformance`: they play the real popgym, for minutes.
"""

import jax
import pytest

LIGHT = ("test_table.py", "test_experts.py")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent.name == "popgym" and item.path.name not in LIGHT:
            item.add_marker(pytest.mark.conformance)


@pytest.fixture(autouse=True)
def strict():
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        yield

"""The core is used in strict sessions too, so its tests run in one.

gymnax and optax promote dtypes implicitly, so the other tests cannot.
"""

import jax
import pytest


@pytest.fixture(autouse=True)
def _strict_dtypes(quick_compilation):
    with jax.numpy_dtype_promotion("strict"):
        yield

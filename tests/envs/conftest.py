"""Environments are compiled quickly: what they compute is not hung on how."""

import pytest


@pytest.fixture(autouse=True, scope="module")
def _quick(quick_compilation):
    """Compiling is most of what these tests cost, and their programs are small."""

"""Cores that agents are tested with: three unlike ones, the others if slow.

The laws in tests/s5rl hold for all of them; here it is what an agent does with one.
"""

import pytest

import s5rl

QUICK = ["s5", "gru", "window_attention"]
CORES = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in s5rl.core_names()
]

"""Cores that agents are tested with: one of each kind of memory, the others if slow.

The laws in tests/s5rl hold for all of them; here it is what an agent does with one.
"""

import pytest

import s5rl
from tests.s5rl.cores.members import KINDS

CORES = [
    pytest.param(name, marks=() if name in KINDS else pytest.mark.slow)
    for name in s5rl.core_names()
]
QUICK = [name for name in s5rl.core_names() if name in KINDS]

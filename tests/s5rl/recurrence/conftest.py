"""The kernel in small pieces, so that a short recurrence crosses chunks and tiles."""

import pytest

from s5rl.recurrence import kernel
from s5rl.recurrence.programs import Blocks


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "blocks", lambda *_: Blocks(tile=4, unroll=1, chunk=2))
        yield

"""What fits into no memory is refused before it is tried.

| mutant | fails |
|---|---|
| the first leaf's bytes alone | test_sizes_are_of_all_arrays |
| programs in a program are left out | test_the_largest_array_may_stand_deep_inside |
| results are not counted | test_a_compiled_program_is_refused_by_what_it_takes |
| what is needed in between is not counted | test_what_is_expected_is_what_is_taken |
| this process is not counted | test_what_is_expected_is_what_is_taken |
"""

import json
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from experiment import memory
from experiment.errors import InputError


def test_sizes_are_of_all_arrays():
    shapes = jax.eval_shape(lambda: {"a": jnp.zeros((3, 4)), "b": jnp.zeros(5, "int8")})
    assert memory.size(shapes) == 3 * 4 * 4 + 5
    assert memory.size({"nothing": None}) == 0


def test_what_is_too_much_is_refused_by_name():
    there_is = memory.there_is()
    assert 10**8 < there_is < 10**15
    memory.check(there_is, "this takes")
    with pytest.raises(InputError, match=r"^this takes at least [\d,.]+ GB .* has "):
        memory.check(there_is + 1, "this takes")


def wide(length):
    def inside(x):
        return jax.lax.scan(
            lambda c, _: (c + jnp.sum(jnp.zeros(length)), None), x, None, 2
        )

    return jax.jit(lambda x: jax.jit(inside)(x)[0]).trace(jnp.zeros(()))


def test_the_largest_array_may_stand_deep_inside():
    """Of 2^61 floats no compiler can count the bytes."""
    memory.check_program(wide(2**10))
    with pytest.raises(InputError, match=r"an array \[2305843009213693952\], which"):
        memory.check_program(wide(2**61))


def test_a_compiled_program_is_refused_by_what_it_takes(monkeypatch):
    compiled = jax.jit(lambda x: jnp.zeros(1000) + x).lower(jnp.zeros(())).compile()
    memory.check_compiled(compiled)
    monkeypatch.setattr(memory, "there_is", lambda: 3_000)
    with pytest.raises(InputError, match="an update of this run takes"):
        memory.check_compiled(compiled)


MEASURED = """
import json, jax, jax.numpy as jnp
from experiment import memory

def wide(x):
    y = x[:, None] * x[None]  # 256 MB, which a product of matrices has to be given
    return y @ y[:, :8]

compiled = jax.jit(wide).lower(jnp.ones(8000)).compile()
held, _ = memory.process()
expected = memory.expected(compiled, beside=10**6)
jax.block_until_ready(compiled(jnp.ones(8000)))
print(json.dumps([held, expected, memory.process()[1]]))
"""


def test_what_is_expected_is_what_is_taken():
    """Beside the operating system's peak, in a process that does nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    held, expected, peak = json.loads(done.stdout.splitlines()[-1])
    assert expected - held > 250e6
    assert peak <= expected * 1.02
    assert peak >= expected * 0.8


def test_bytes_are_shown_in_as_many_digits_as_count():
    assert memory.shown(314_159_265) == "0.31 GB"
    assert memory.shown(10**12) == "1,000.0 GB"

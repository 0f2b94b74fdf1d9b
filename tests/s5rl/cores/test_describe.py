"""What is said of cores is what they are.

mutant                              | the test that failed: test_…
----------------------------------- | ----------------------------------------
a complex state counts once         | a_description_counts_what_is_there
a row of docs/cores.md is old       | the_document_has_the_table
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import s5rl
from s5rl.cores import listing
from tests.s5rl.cores.members import SMALL

ROOT = Path(__file__).parents[3]


@pytest.mark.thinned(4)
@pytest.mark.parametrize("name", ["s5", "lstm", "window_attention", "mlp"])
def test_a_description_counts_what_is_there(name):
    core = s5rl.make_core(name, features=6, **SMALL[name])
    found = core.describe(features_in=3)
    carry, x, reset = (
        core.initial_carry(2),
        jnp.ones((1, 2, 3)),
        jnp.zeros((1, 2), bool),
    )
    variables = core.init(jax.random.key(0), carry, x, reset)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(variables))
    floats = sum(
        leaf[0].view(jnp.float32).size if leaf.dtype == jnp.complex64 else leaf[0].size
        for leaf in jax.tree.leaves(carry)
    )
    assert (found.parameters, found.state_floats) == (parameters, floats)
    assert found.name == name and found.summary in s5rl.config.CORES[name].summary


def test_the_document_has_the_table():
    """`python -m s5rl.cores.listing` prints what stands in docs/cores.md."""
    text = (ROOT / "docs" / "cores.md").read_text()
    written = text.split("<!-- table -->\n")[1].split("\n<!-- end of table -->")[0]
    with jax.numpy_dtype_promotion("strict"):
        assert listing.table() == written
    assert f"{len(s5rl.core_names())} memories" in (ROOT / "README.md").read_text()

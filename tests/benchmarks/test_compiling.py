"""What is counted of a program is what stands in it.

| mutant | fails |
|---|---|
| a loop's body counts once, however often it runs | counted_as_often |
| branches of a condition are not looked into | counted_as_often |
| the row is printed twice | a_row_tells |
"""

import json

import jax
import jax.numpy as jnp
import pytest

from benchmarks import compiling
from benchmarks.gpu.ways import asks, equations

pytestmark = pytest.mark.usefixtures("quick_compilation")


def looped(x):
    """A sine 3 times 2 times, a sort under a condition, a loop of unknown length."""

    def inner(x, _):
        return jnp.sin(x), None

    def outer(x, _):
        return jax.lax.scan(inner, x, length=2)[0], None

    x = jax.lax.scan(outer, x, length=3)[0]
    x = jax.lax.cond(x[0] > 0, jnp.sort, lambda x: x, x)
    return jax.lax.while_loop(lambda x: x[0] > 1, lambda x: x / 2, x)


def test_loops_are_counted_as_often_as_they_run():
    x = jnp.arange(4.0)
    jaxpr = jax.make_jaxpr(looped)(x).jaxpr
    assert equations(jaxpr)["sin"] == 6
    assert equations(jaxpr, by_length=False)["sin"] == 1
    asked = asks(looped, x)
    assert (asked.waits, asked.sorts, asked.scatters) == (1, 1, 0)
    assert asked.rounds == 3 + 3 * 2


def test_a_row_tells_how_large_an_update_is():
    rows = []
    tiny = ["core=mlp", "core.features=4", "agent.num_envs=2", "agent.epochs=1"]
    tiny += ["agent.num_minibatches=1", "agent.head_sizes=[]", "total_steps=1000"]
    compiling.main(["env=memory_chain", *tiny], rows.append)
    (row,) = map(json.loads, rows)
    assert row["arguments"][0] == "env=memory_chain"
    assert row["lines"] > row["fusions"] > row["loops"] > 0
    assert row["equations"] > 1000 and row["compile_seconds"] > 0

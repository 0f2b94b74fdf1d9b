"""What an update is said to cost is what it costs.

mutant                               | the test that failed: test_…
------------------------------------ | -----------------------------------------
a scan counts once                   | loops_count_as_often_as_they_run
batched axes count as columns        | products_are_counted_as_xla_counts_them
complex products count as real ones  | complex_numbers_count_four_times
the dearest branch counts            | of_branches_the_cheapest_counts
parts draw with another key          | the_parts_of_an_update_are_the_update
"""

import json

import chex
import jax
import jax.numpy as jnp
import pytest

from benchmarks import paper, update
from benchmarks.flops import matrix_products

pytestmark = pytest.mark.usefixtures("quick_compilation")


def test_products_are_counted_as_xla_counts_them():
    """Forward and backward, one with an axis of batches, neither in a loop."""

    def outputs(w, v, x):
        return jnp.einsum("btkh,khm->btm", jnp.einsum("ktbh,khm->btkm", x, w), v)

    def energy(w, v, x):
        return jnp.vdot(outputs(w, v, x), jnp.ones((3, 5, 11)))

    shapes = ((2, 7, 13), (2, 13, 11), (2, 5, 3, 7))
    arguments = [jax.random.normal(jax.random.key(0), shape) for shape in shapes]
    forward = 2 * (3 * 5) * (2 * 7 * 13 + 2 * 13 * 11)
    assert matrix_products(outputs, *arguments) == forward
    gradient = jax.grad(energy, (0, 1, 2))
    counted = matrix_products(gradient, *arguments)
    # Each product has two derivatives of its own size; the last sum is one as well.
    assert 3 * forward <= counted <= 3.1 * forward
    lowered = jax.jit(gradient).lower(*arguments)
    by_xla = lowered.compile().cost_analysis()["flops"]
    # XLA leaves out the forward product that no gradient needs, counts sums besides.
    assert 0.6 * counted < by_xla < 1.1 * counted


def test_loops_count_as_often_as_they_run():
    w, x = jnp.ones((4, 4)), jnp.ones((6, 3, 4))

    def step(carry, now):
        return jax.jit(lambda a: a @ w)(carry) + now, None

    def run(x):
        return jax.lax.scan(step, jnp.zeros((3, 4)), x)[0]

    once = 2 * 3 * 4 * 4
    assert matrix_products(run, x) == 6 * once
    assert matrix_products(jax.grad(lambda x: run(x).sum()), x) == 12 * once
    with pytest.raises(ValueError, match="unknown length"):
        matrix_products(
            lambda x: jax.lax.while_loop(lambda a: a[0, 0] < 9, lambda a: a @ w, x),
            x[0],
        )


def test_complex_numbers_count_four_times():
    a = jnp.ones((2, 3), jnp.complex64)
    assert matrix_products(lambda a: a @ a.T, a) == 8 * 2 * 3 * 2


def test_of_branches_the_cheapest_counts():
    x = jnp.ones((5, 5))
    either = matrix_products(
        lambda x: jax.lax.cond(x[0, 0] > 0, lambda: x @ x @ x, lambda: x @ x), x
    )
    assert either == 2 * 5**3


def tiny(core="mlp"):
    return paper.make_agent(
        *(core,),
        **{"length": 3, "batch": 2, "features": 4, "states": 4, "layers": 1},
        **{"epochs": 2, "minibatches": 2},
    )


@pytest.mark.slow
def test_the_parts_of_an_update_are_the_update():
    agent = tiny("s5")
    parts = paper.Parts(agent)
    learner = jax.jit(agent.initialise)(jax.random.key(3))

    @jax.jit
    def one_after_another(learner):
        situation, rollout = parts.collect(learner)
        params, opt_state, _ = parts.fit(learner, rollout, parts.advantages(rollout))
        key = parts.keys(learner)[0]
        return type(learner)(params, opt_state, situation, key, learner.num_updates + 1)

    found = one_after_another(learner), jax.jit(agent.update)(learner)[0]
    got, want = (each._replace(key=jax.random.key_data(each.key)) for each in found)
    chex.assert_trees_all_close(got, want, rtol=1e-5, atol=1e-6)


def test_operations_of_an_update_are_those_of_its_layers():
    """Of a rollout of an MLP: T steps, and the last value, each a product a layer."""
    agent = tiny()
    parts = paper.Parts(agent)
    learner = jax.eval_shape(agent.initialise, jax.random.key(0))
    kernels = [x for x in jax.tree.leaves(learner.params) if x.ndim == 2]
    once = 2 * sum(x.size for x in kernels) * 2  # lanes
    collected = matrix_products(parts.collect, learner)
    assert collected == once * 4
    _, rollout = jax.eval_shape(parts.collect, learner)
    advantage = jax.eval_shape(parts.advantages, rollout)
    fitted = matrix_products(parts.fit, learner, rollout, advantage)
    # Forward, and two derivatives; of the first layer's inputs there is none.
    epochs, steps = 2, 3
    assert 2 * once * steps * epochs < fitted < 3 * once * steps * epochs


@pytest.mark.slow
def test_a_short_run_prints_its_measurements(capsys):
    sizes = {"length": 3, "batch": 2, "features": 4, "states": 4, "layers": 1}
    flags = [f"--{name}={size}" for name, size in sizes.items()]
    flags += ["--minibatches=2", "--squares", "32", "64", "--repeat", "1"]
    update.main(["--core", "s5", "mlp", *flags])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["core"] for row in rows] == ["s5", "mlp"]
    for row in rows:
        for key in ("seconds", "collect_seconds", "advantages_seconds", "fit_seconds"):
            assert row[key] > 0
        assert row["flop"] == row["collect_flop"] + row["fit_flop"]
        rate = row["flop"] / row["seconds"] / row["machine_flop_per_second"]
        assert row["share"] == pytest.approx(rate, rel=1e-2) and 0 < row["share"] < 1
        assert row["gradient_step_flop"] < row["gradient_step_flop_xla"]
        assert {"jax", "device", "cpus", "commit", "layers", "repeat"} <= set(row)

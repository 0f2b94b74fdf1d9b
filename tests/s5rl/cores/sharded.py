"""Gradients of a core on two simulated devices, beside those on one; a program.

    python tests/s5rl/cores/sharded.py s5 method=associative num_layers=1

Prints a JSON object: for each way to use the core, the largest difference between both
gradients, relative to the largest gradient of its leaf.
"""

import json
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

import s5rl
from tests.s5rl.cores.members import SMALL
from tests.s5rl.cores.running import floats, is_inexact, with_floats

jax.config.update("jax_disable_most_optimizations", True)
T, B, H = 4, 2, 4
SHARED, OF_LANES = PartitionSpec(), PartitionSpec("lanes")
LANES = PartitionSpec(None, "lanes")


def ways(core):
    """Functions of (variables, carry, x, reset) that give a number."""

    def whole(variables, carry, x, reset):
        return jnp.sum(core.apply(variables, carry, x, reset)[1] ** 2)

    def acting(variables, carry, x, reset):
        return whole(variables, carry, x[:1], reset[:1])

    def fresh(variables, carry, x, reset):
        """The carry begins on each device, alike on all."""
        return whole(variables, core.initial_carry(x.shape[1]), x, reset)

    def scanned_for_seeds(variables, carry, x, reset):
        """Two seeds side by side, two chunks one after the other."""
        seeds = jax.tree.map(lambda leaf: jnp.stack([leaf, 1.1 * leaf]), variables)

        def one(variables):
            def chunk(carry, now):
                carry, y = core.apply(variables, carry, *now)
                return carry, jnp.sum(y**2)

            chunks = (z.reshape(2, T // 2, *z.shape[1:]) for z in (x, reset))
            return jnp.sum(jax.lax.scan(chunk, carry, tuple(chunks))[1])

        return jnp.sum(jax.vmap(one)(seeds))

    return {f.__name__: f for f in (whole, acting, fresh, scanned_for_seeds)}


def arguments(core):
    """(variables, carry, x, reset), drawn."""
    rng = np.random.default_rng(0)

    def fill(leaf):
        if not is_inexact(leaf):
            return leaf
        return jnp.asarray(rng.normal(size=leaf.shape) / 2, leaf.dtype)

    # Of inputs that are small a norm makes large ones, and of their rounding too.
    x, reset = 4 * fill(jnp.zeros((T, B, H))), jnp.asarray(rng.random((T, B)) < 0.3)
    carry = jax.tree.map(fill, core.initial_carry(B))
    # As they start, and a little more: gradients of zeros elsewhere would be zeros.
    variables = core.init(jax.random.key(0), carry, x, reset)
    variables = jax.tree.map(lambda leaf: leaf + fill(leaf) / 8, variables)
    return variables, carry, x, reset


def gradient(function, devices):
    """Of variables, the carry's floats and x; lanes on as many devices."""
    of = (0, 1, 2)

    def of_floats(variables, inexact, x, carry, reset):
        return function(variables, with_floats(carry, inexact), x, reset)

    if devices == 1:
        return jax.jit(jax.grad(of_floats, of))
    mesh = jax.make_mesh((2,), ("lanes",), axis_types=(jax.sharding.AxisType.Auto,))

    def summed(*inputs):
        return jax.lax.psum(of_floats(*inputs), "lanes")

    specs = SHARED, OF_LANES, LANES
    return jax.jit(
        jax.shard_map(
            jax.grad(summed, of),
            mesh=mesh,
            in_specs=(*specs, OF_LANES, LANES),
            out_specs=specs,
            check_vma=True,
        )
    )


def differences(got, want):
    """Of each two leaves, relative to the second, or to a thousandth of the largest.

    What is all but zero is left by sums of larger terms, and has their rounding.
    """
    pairs = [*zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True)]
    pairs = [pair for pair in pairs if pair[0].size]
    sizes = [np.abs(leaf).max() for _, leaf in pairs]
    return [
        float(np.abs(ours - theirs).max() / max(size, 1e-3 * max(sizes)))
        for (ours, theirs), size in zip(pairs, sizes, strict=True)
    ]


def main(name, *options):
    """Prints what the module says."""
    pairs = (option.split("=") for option in options)
    chosen = {key: int(v) if v.isdigit() else v for key, v in pairs}
    core = s5rl.make_core(name, features=H, **SMALL[name] | chosen)
    (variables, carry, x, reset), largest = arguments(core), {}
    inputs = variables, floats(carry), x, carry, reset
    for way, function in ways(core).items():
        got, want = (gradient(function, devices)(*inputs) for devices in (2, 1))
        largest[way] = max(differences(got, want))
    print(json.dumps(largest))


if __name__ == "__main__":
    main(*sys.argv[1:])

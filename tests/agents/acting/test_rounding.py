"""In 16 bits acting agrees with replaying, and nothing is counted or told in them.

mutant                                        | the test that failed: test_…
--------------------------------------------- | ----------------------------------------
roundings that XLA may leave out (`astype`)   | acting_and_replaying_round_alike
the gain is folded where that is cheaper      | acting_and_replaying_round_alike
vectors are read in bfloat16                  | what_is_read_and_made_in_float32
logits or values are made in bfloat16         | what_is_read_and_made_in_float32
biases are spread after they are rounded      | a_sum_counts_beyond_256
convolutions, embeddings, heads stay float32  | products_are_of_16_bits
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import spaces

import s5rl
from agents.acting.distributions import make_head
from agents.acting.encoder import Encoder
from agents.acting.policy import ActorCritic
from s5rl.cores.parts.dense import Dense

T, B, H = 12, 4, 16


def network(core="s5", dtype="bfloat16", **options):
    options = {"state_size": 8, "num_layers": 1} | options if core == "s5" else options
    return ActorCritic(
        core=s5rl.make_core(core, features=H, dtype=dtype, **options),
        head=make_head(spaces.Discrete(3), squash=False),
        observation_space=spaces.Box(-1.0, 1.0, (4,)),
        encoder_sizes=(H,),
        head_sizes=(H,),
        dtype=dtype,
    )


def drawn(network, obs, reset):
    carry = network.initial_carry(obs.shape[1])
    shapes = jax.eval_shape(network.init, jax.random.key(0), carry, obs, reset)
    rng = np.random.default_rng(2)
    values = jax.tree.map(
        lambda v: jnp.asarray(0.4 * rng.normal(size=v.shape), v.dtype), shapes
    )
    return carry, values


def inputs(length=T):
    rng = np.random.default_rng(0)
    obs = jnp.asarray(rng.normal(size=(length, B, 4)), jnp.float32)
    return obs, jnp.asarray(rng.random((length, B)) < 0.2)


def test_acting_and_replaying_round_alike():
    """One call of T steps, and T calls: closer than a rounding by a hundred times."""
    net = network(norm="post", activation="full_glu", discretization="bilinear")
    obs, reset = inputs()
    carry, variables = drawn(net, obs, reset)
    go = jax.jit(partial(net.apply, method="raw"))
    _, *whole = go(variables, carry, obs, reset)
    steps = []
    for t in range(T):
        carry, *one = go(variables, carry, obs[t : t + 1], reset[t : t + 1])
        steps.append(one)
    parts = jax.tree.map(lambda *x: jnp.concatenate(x), *steps)
    for a, b in zip(whole, parts, strict=True):
        error = np.abs(np.asarray(a) - b) / np.abs(a).mean()
        assert error.mean() < 2**-9 / 100 and error.max() < 2**-6


def products(jaxpr):
    """(dtypes of both sides) of every matrix product and convolution."""
    for equation in jaxpr.eqns:
        if equation.primitive.name in ("dot_general", "conv_general_dilated"):
            yield tuple(str(v.aval.dtype) for v in equation.invars)
        for value in equation.params.values():
            for inner in jax.tree.leaves(value, is_leaf=lambda x: hasattr(x, "eqns")):
                if hasattr(inner, "eqns"):
                    yield from products(inner)


def test_what_is_read_and_made_in_float32():
    """Of the forward products, the first and the last two; gradients likewise."""
    net = network("mlp", num_layers=1)
    obs, reset = inputs()
    carry, variables = drawn(net, obs, reset)
    apply = partial(net.apply, method="raw")
    found = list(products(jax.make_jaxpr(apply)(variables, carry, obs, reset).jaxpr))
    wide, narrow = ("float32",) * 2, ("bfloat16",) * 2
    # encoder; core; actor, its output; critic, its output
    assert found == [wide, narrow, narrow, wide, narrow, wide]

    def loss(variables):
        _, outputs, value = apply(variables, carry, obs, reset)
        return outputs.sum() + value.sum()

    both = list(products(jax.make_jaxpr(jax.grad(loss))(variables).jaxpr))
    # The encoder's inputs need no gradient: one product less.
    assert both.count(wide) == 3 * 3 - 1 and both.count(narrow) == 3 * 3
    times = jnp.linspace(0.99, 1.0, 9)[:, None, None] * jnp.ones((1, B, 4))
    _, outputs, _ = apply(variables, carry, times, reset[:9])
    assert outputs.dtype == jnp.float32
    plain = network("mlp", "float32", num_layers=1)
    _, want, _ = plain.apply(variables, carry, times, reset[:9], method="raw")
    moved, wanted = outputs[-1] - outputs[0], want[-1] - want[0]
    np.testing.assert_allclose(moved, wanted, atol=0.5 * np.abs(wanted).max())


@pytest.mark.thinned(2)
@pytest.mark.parametrize(
    ("space", "obs"),
    [
        (spaces.Box(0, 255, (16, 16, 3), jnp.uint8), jnp.uint8(7)),
        (spaces.Box(0, 5, (4, 4), jnp.int32), jnp.int32(2)),
    ],
    ids=["image", "grid"],
)
def test_products_are_of_16_bits(space, obs):
    obs = jnp.broadcast_to(obs, (2, 3, *space.shape))
    encoder = Encoder(space, jax.nn.gelu, "bfloat16")
    variables = jax.jit(encoder.init)(jax.random.key(0), obs)
    made = jax.make_jaxpr(encoder.apply)(variables, obs)
    assert set(products(made.jaxpr)) == {("bfloat16", "bfloat16")}
    plain = Encoder(space, jax.nn.gelu)
    want, got = plain.apply(variables, obs), encoder.apply(variables, obs)
    assert got.dtype == jnp.bfloat16 and want.dtype == jnp.float32
    np.testing.assert_allclose(
        got.astype("float32"), want, atol=0.03 * float(jnp.abs(want).max())
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_sum_counts_beyond_256(dtype):
    """A bias's gradient over 4,096 steps and lanes that all say one."""
    layer, x = Dense(3, dtype=dtype), jnp.ones((1024, 4, 2))
    variables = layer.init(jax.random.key(0), x)

    def loss(variables):
        return layer.apply(variables, x).astype(jnp.float32).sum()

    grads = jax.jit(jax.grad(loss))(variables)["params"]
    np.testing.assert_array_equal(grads["bias"], 4096.0)
    np.testing.assert_array_equal(grads["kernel"], 4096.0)

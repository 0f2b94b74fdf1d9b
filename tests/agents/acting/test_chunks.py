"""A network that learns in chunks computes what it does at once, memory apart.

mutant                                  | the test that failed: test_…
--------------------------------------- | ----------------------------------------
the privileged state is not cut         | chunks_are_invisible[privileged]
resets are let through in chunks        | chunks_are_invisible[never_reset]
the scale of a Gaussian has no gradient | chunks_are_invisible[gaussian]
heads stay outside of the chunks        | encoder_and_heads_are_in_the_chunks
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import spaces

import s5rl
from agents.acting.distributions import make_head
from agents.acting.policy import ActorCritic

pytestmark = pytest.mark.lenient  # distrax's Gaussians broadcast
T, B = 8, 3
BOX = spaces.Box(-1.0, 1.0, (4,))
CASES = {
    "discrete": (spaces.Discrete(3), {}),
    "gaussian": (BOX, {}),
    "privileged": (spaces.Discrete(3), {"privileged": True}),
    "never_reset": (spaces.Discrete(3), {"never_reset": True}),
}


def network(case, **options):
    actions, more = CASES[case]
    space = spaces.Dict({"obs": BOX, "state": BOX}) if "privileged" in more else BOX
    return ActorCritic(
        core=s5rl.make_core("gru", features=6),
        head=make_head(actions, squash=False),
        observation_space=space,
        encoder_sizes=(5,),
        head_sizes=(5,),
        **more,
        **options,
    )


def inputs(case):
    rng = np.random.default_rng(0)
    obs = jnp.asarray(rng.normal(size=(2, T, B, 4)), jnp.float32)
    parts = {"obs": obs[0], "state": obs[1]}
    reset = jnp.asarray(rng.random((T, B)) < 0.4)
    carry = (jnp.asarray(rng.normal(size=(B, 6)), jnp.float32),)
    return carry, parts if case == "privileged" else obs[0], reset


@pytest.mark.thinned(4)
@pytest.mark.parametrize("case", CASES)
def test_chunks_are_invisible(case):
    plain, cut = network(case), network(case, chunk_length=3)
    carry, obs, reset = inputs(case)
    drawn = jax.eval_shape(plain.init, jax.random.key(0), carry, obs, reset)
    rng = np.random.default_rng(1)
    variables = jax.tree.map(
        lambda v: jnp.asarray(0.5 * rng.normal(size=v.shape), v.dtype), drawn
    )
    again = jax.eval_shape(cut.init, jax.random.key(0), carry, obs, reset)
    assert jax.tree.map(jnp.shape, again) == jax.tree.map(jnp.shape, drawn)

    def loss(network, variables, carry):
        after, distribution, value = network.apply(variables, carry, obs, reset)
        shape = distribution.mode().shape
        action = jnp.full(shape, 0.4) if case == "gaussian" else jnp.zeros(shape, int)
        log_prob = distribution.log_prob(action)
        weight = jnp.cos(jnp.arange(value.size, dtype=jnp.float32)).reshape(T, B)
        total = ((value + log_prob) * weight).sum() + after[0].sum()
        return total, (after, log_prob, value)

    run = jax.jit(
        jax.value_and_grad(loss, argnums=(1, 2), has_aux=True), static_argnums=0
    )
    want, got = run(plain, variables, carry), run(cut, variables, carry)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), got, want
    )
    gradients = jax.tree.leaves(got[1])
    assert all(np.abs(leaf).max() > 0 for leaf in gradients)


def test_encoder_and_heads_are_in_the_chunks():
    """No array of a gradient has all steps and a head's or the encoder's width."""
    cut = network("discrete", chunk_length=2)
    carry, obs, reset = inputs("discrete")
    variables = jax.eval_shape(cut.init, jax.random.key(0), carry, obs, reset)

    def loss(variables):
        return cut.apply(variables, carry, obs, reset)[2].sum()

    text = str(jax.make_jaxpr(jax.grad(loss))(variables))
    assert f"f32[2,{B},5]" in text
    assert f"f32[{T},{B},5]" not in text and f"f32[4,2,{B},5]" not in text

"""The core in a flax.nnx program, through flax's own bridge.

The cores are `flax.linen` modules. `bridge.ToNNX` makes an nnx module of one, whose
parameters stand beside those of other nnx layers and are trained with them.
"""

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from flax.nnx import bridge

import s5rl

T, B = 8, 16


class Recall(nnx.Module):
    """An S5 core and a readout of its last output."""

    def __init__(self, rngs: nnx.Rngs):
        core = s5rl.make_core("s5", features=16, num_layers=1, state_size=16)
        self.carry = nnx.data(core.initial_carry(B))
        self.core = bridge.ToNNX(core, rngs=rngs)
        x, reset = jnp.zeros((T, B, 1)), jnp.zeros((T, B), bool)
        bridge.lazy_init(self.core, self.carry, x, reset)
        self.readout = nnx.Linear(16, 1, rngs=rngs)

    def __call__(self, x):
        """Reads x [T, B, 1]; gives [B, 1]."""
        reset = jnp.zeros((T, B), bool).at[0].set(True)
        _, y = self.core(self.carry, x, reset)
        return self.readout(y[-1])


def main(steps: int = 300) -> list[float]:
    """Learns to tell at the end what came first; returns the loss after each step."""
    model = Recall(nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adam(1e-2), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer, key):
        x = jax.random.rademacher(key, (T, B, 1), jnp.float32)
        loss_of = lambda model: jnp.mean(jnp.square(model(x) - x[0]))  # noqa: E731
        loss, grads = nnx.value_and_grad(loss_of)(model)
        optimizer.update(model, grads)
        return loss

    keys = jax.random.split(jax.random.key(1), steps)
    losses = [float(step(model, optimizer, key)) for key in keys]
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
    return losses


if __name__ == "__main__":
    main()

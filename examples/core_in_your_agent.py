"""The core in your own code: recall of a sign shown at the start of each segment.

Several segments are packed into one sequence; `reset` says where each begins, and no
memory crosses. Only `s5rl` is needed, and here optax to learn with.
"""

import jax
import jax.numpy as jnp
import optax

import s5rl

T, B, SEGMENT = 24, 32, 8


def batch(key):
    """A sign at the start of each segment, to be told at its end."""
    reset = (jnp.arange(T) % SEGMENT == 0)[:, None].repeat(B, 1)  # [T, B]
    sign = jax.random.rademacher(key, (T // SEGMENT, B), jnp.float32)
    sign = sign.repeat(SEGMENT, 0)  # [T, B]
    return jnp.where(reset, sign, 0.0)[..., None], reset, sign


def main(steps: int = 200) -> list[float]:
    """Trains; returns the loss after each step."""
    core = s5rl.make_core("s5", features=16, num_layers=1, state_size=16)
    carry = core.initial_carry(B)
    x, reset, _ = batch(jax.random.key(0))
    params = {
        "core": core.init(jax.random.key(1), carry, x, reset),
        "readout": jax.random.normal(jax.random.key(2), (16,)) / 4,
    }
    optimizer = optax.adam(3e-3)
    opt_state = optimizer.init(params)

    def loss_of(params, key):
        x, reset, sign = batch(key)
        _, y = core.apply(params["core"], carry, x, reset)  # [T, B, features]
        told = jnp.roll(reset, -1, 0)  # the last step of each segment
        return jnp.mean(jnp.square(y @ params["readout"] - sign), where=told)

    @jax.jit
    def step(params, opt_state, key):
        loss, grads = jax.value_and_grad(loss_of)(params, key)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state, loss

    losses = []
    for index, key in enumerate(jax.random.split(jax.random.key(3), steps)):
        params, opt_state, loss = step(params, opt_state, key)
        losses.append(float(loss))
        if index % 50 == 0:
            print(f"step {index:4d}  loss {loss:.4f}")
    return losses


if __name__ == "__main__":
    main()

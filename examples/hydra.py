"""Both ways at once: a supervised model that reads what comes later too (Hydra).

An agent must not know what comes; a labeller of whole episodes may. Hydra (Hwang et
al., 2024) adds two linear recurrences, one of them over time reversed, each shifted by
a step, and the step itself. Backwards a segment begins where forwards the next one
does: with `reset` shifted and flipped, packed segments stay apart both ways.

Here every step tells two signs, which are shown at its segment's first and last step.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

import s5rl

T, B, H = 48, 16, 16


def states_before(a, b, reset):
    """[T, B, H] h[t-1], of h[t] = a[t] h[t-1] + b[t] in t's segment; at first zeros."""
    _, h = s5rl.linear_recurrence(a, b, reset, jnp.zeros_like(b[0]))
    shifted = jnp.concatenate([jnp.zeros_like(h[:1]), h[:-1]])
    return jnp.where(reset[..., None], 0, shifted)


def states_after(a, b, reset):
    """[T, B, H] as `states_before`, of the steps after each, from the last one on."""
    last = jnp.concatenate([reset[1:], jnp.ones_like(reset[:1])])  # of its segment
    return jnp.flip(states_before(*(jnp.flip(z, 0) for z in (a, b, last))), 0)


class Hydra(nn.Module):
    """Two layers of x + W (c_1 before + c_2 after + d u), with decays read off x."""

    width: int = H
    causal: bool = False

    @nn.compact
    def __call__(self, x, reset):
        """Maps x [T, B, features] to y [T, B, 2]."""
        x = nn.Dense(self.width)(x)
        for _ in range(2):
            u = nn.LayerNorm()(x)
            written, d, *read = jnp.split(nn.Dense(4 * self.width)(u), 4, axis=-1)
            # At first half of a state is left after 1 to 1,000 steps.
            keep = nn.Dense(2 * self.width, bias_init=_spread)(u)
            ways = jnp.split(jax.nn.sigmoid(keep), 2, axis=-1)
            y = d * written + read[0] * states_before(
                ways[0], (1 - ways[0]) * written, reset
            )
            if not self.causal:
                y += read[1] * states_after(ways[1], (1 - ways[1]) * written, reset)
            x = x + nn.Dense(self.width)(y)
        return nn.Dense(2)(nn.LayerNorm()(x))


def _spread(key, shape, dtype=jnp.float32):
    return jax.random.uniform(key, shape, dtype, 0.0, 7.0)


def batch(key):
    """Segments of about eight steps, [T, B, 2] signs at their ends, and the answer."""
    at, first, last = jax.random.split(key, 3)
    reset = jax.random.bernoulli(at, 1 / 8, (T, B)).at[0].set(True)
    ends = jnp.concatenate([reset[1:], jnp.ones((1, B), bool)])
    number = jnp.cumsum(reset, axis=0) - 1  # of the segment
    signs = jnp.stack(
        [
            jnp.take_along_axis(jax.random.rademacher(k, (T, B), "float32"), number, 0)
            for k in (first, last)
        ],
        axis=-1,
    )
    return jnp.where(jnp.stack([reset, ends], axis=-1), signs, 0.0), reset, signs


def main(steps: int = 300, causal: bool = False) -> list[list[float]]:
    """Trains; returns [of the first signs, of the last] mean squares, step by step."""
    model = Hydra(causal=causal)
    x, reset, _ = batch(jax.random.key(0))
    params = model.init(jax.random.key(1), x, reset)
    optimizer = optax.adam(1e-2)
    opt_state = optimizer.init(params)

    def loss_of(params, key):
        x, reset, signs = batch(key)
        each = jnp.mean(jnp.square(model.apply(params, x, reset) - signs), (0, 1))
        return jnp.sum(each), each

    @jax.jit
    def step(params, opt_state, key):
        grads, losses = jax.grad(loss_of, has_aux=True)(params, key)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state, losses

    history = []
    for index, key in enumerate(jax.random.split(jax.random.key(3), steps)):
        params, opt_state, losses = step(params, opt_state, key)
        history.append(losses.tolist())
        if index % 50 == 0:
            print(f"step {index:4d}  first {losses[0]:.4f}  last {losses[1]:.4f}")
    return history


if __name__ == "__main__":
    main()

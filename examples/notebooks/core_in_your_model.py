# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The core in your own model
#
# `s5rl` is memory for any model in JAX: it knows of no environment and no agent, and
# needs jax, flax, chex and numpy alone. Here it stands in a flax model that is taught
# by gradients (optax) to answer with the first sign of each segment. Runs as a program,
# too: `python examples/notebooks/core_in_your_model.py`.

# %%
import os
import sys
from pathlib import Path

HERE, OURS = Path.cwd(), Path("s5rl", "__init__.py")
ROOT = next((p for p in (HERE, *HERE.parents) if (p / OURS).exists()), HERE)
sys.path.insert(0, str(ROOT))  # not needed where s5rl is installed

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

import s5rl

SMALL = bool(os.environ.get("S5RL_SMALL"))  # as CI runs it
T, B, SEGMENT = (24, 16, 8) if SMALL else (96, 32, 24)
STEPS = 150 if SMALL else 400

# %% [markdown]
# ## A model
#
# The core is a submodule like any other. Two things are its own: a `carry`, which is
# memory, and `reset` [T, B], which says where a segment begins. Axes are [T, B, H].


# %%
class Model(nn.Module):
    """Encoder, memory, read-out."""

    core: nn.Module

    @nn.compact
    def __call__(self, carry, x, reset):
        h = nn.gelu(nn.Dense(16)(x))
        carry, h = self.core(carry, h, reset)
        return carry, nn.Dense(1)(h)[..., 0]


core = s5rl.make_core("s5", features=16, num_layers=1, state_size=16)
model = Model(core)
print(s5rl.core_names())

# %% [markdown]
# ## Segments, packed
#
# Several segments lie in one sequence. At each one's first step a sign is shown, then
# noise; at its last step the sign is to be told.


# %%
def batch(key):
    """x [T, B, 1], reset [T, B], and the sign of each step's segment [T, B]."""
    reset = (jnp.arange(T) % SEGMENT == 0)[:, None].repeat(B, 1)
    sign_key, noise_key = jax.random.split(key)
    sign = jax.random.rademacher(sign_key, (T // SEGMENT, B), jnp.float32)
    sign = sign.repeat(SEGMENT, 0)
    noise = 0.3 * jax.random.normal(noise_key, (T, B))
    return jnp.where(reset, sign, noise)[..., None], reset, sign


carry = core.initial_carry(B)
x, reset, sign = batch(jax.random.key(0))
params = model.init(jax.random.key(1), carry, x, reset)
optimizer = optax.adam(5e-3)
opt_state = optimizer.init(params)
told = jnp.roll(reset, -1, 0)  # the last step of each segment


def loss_of(params, key):
    x, reset, sign = batch(key)
    _, y = model.apply(params, carry, x, reset)
    return jnp.mean(jnp.square(y - sign), where=told)


@jax.jit
def step(params, opt_state, key):
    loss, grads = jax.value_and_grad(loss_of)(params, key)
    updates, opt_state = optimizer.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, loss


losses = []
for index, key in enumerate(jax.random.split(jax.random.key(2), STEPS)):
    params, opt_state, loss = step(params, opt_state, key)
    losses.append(float(loss))
    if index % (STEPS // 5) == 0:
        print(f"step {index:4d}  loss {losses[-1]:.3f}")
print(f"at the end {losses[-1]:.3f}; to say 0 always would cost 1")

# %% [markdown]
# ## One call, or one step at a time
#
# Acting is the case T = 1, of the same call: no scan, and a cost that does not grow
# with what was read.

# %%
_, whole = model.apply(params, carry, x, reset)
one_step = jax.jit(model.apply)
memory, stepped = carry, []
for t in range(T):
    memory, y = one_step(params, memory, x[t : t + 1], reset[t : t + 1])
    stepped.append(y[0])
step_error = float(jnp.abs(whole - jnp.stack(stepped)).max())
print(f"largest difference {step_error:.1e}")

# %% [markdown]
# ## What a reset keeps apart
#
# A NaN in one segment reaches no other, though both are in one call. (In training,
# replace it before the core: the gradients of parameters are sums over all segments.)

# %%
_, spoiled = model.apply(params, carry, x.at[1, 0].set(jnp.nan), reset)
nan_in_its_own = bool(jnp.isnan(spoiled[1:SEGMENT, 0]).all())
others = spoiled.at[:SEGMENT, 0].set(whole[:SEGMENT, 0])
nan_elsewhere = float(jnp.abs(others - whole).max())
print(f"its own segment is lost: {nan_in_its_own}; elsewhere: {nan_elsewhere:.1e}")

# %% [markdown]
# ## Another memory
#
# A name is all that changes; `describe()` says how large one is.

# %%
for name in ("s5", "gru", "mamba", "window_attention"):
    print(name, s5rl.make_core(name, features=16, num_layers=1).describe())

"""Matrix memories as their papers write them: a step, in NumPy, without chunks.

Each maps (parameters, state, x [B, H], config) to (state, y [B, H]), in float64.
"""

import numpy as np

from tests.s5rl.cores.equations.gated import (
    convolved,
    dense,
    gelu,
    layer_norm,
    rms_norm,
    sigmoid,
    silu,
    softplus,
)


def heads_of(x, heads):
    return x.reshape(len(x), heads, -1)


def flat(x):
    return x.reshape(len(x), -1)


def head_norm(x):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)


def read(state, q):
    return np.einsum("bhk,bhkv->bhv", q, state)


def outer(k, v):
    return np.einsum("bhk,bhv->bhkv", k, v)


def qkv(p, u, config):
    return (
        heads_of(dense(p[name], u), config.num_heads)
        for name in ("query", "key", "value")
    )


def linear_attention(p, state, x, config):
    q, k, v = qkv(p, layer_norm(x, **p["norm"]), config)
    q, k = (np.where(z > 0, z + 1, np.exp(z)) for z in (q, k))
    sums, normaliser = state[..., :-1] + outer(k, v), state[..., -1] + k
    below = np.einsum("bhk,bhk->bh", q, normaliser)[..., None] + 1e-6
    state = np.concatenate([sums, normaliser[..., None]], axis=-1)
    return state, x + dense(p["out"], flat(read(sums, q) / below))


def retnet(p, state, x, config):
    """The state turns, by one step's angle at each step; keys and queries do not."""
    u, half = layer_norm(x, **p["norm"]), config.key_size // 2
    q, k, v = qkv(p, u, config)
    decay = 1 - 2.0 ** (-5 - np.arange(config.num_heads))
    turn = np.exp(-1j * 10_000.0 ** (-np.arange(half) / half))
    pairs = state[:, :, :half] + 1j * state[:, :, half:]
    pairs = decay[:, None, None] * turn[:, None] * pairs
    pairs = pairs + outer(k[..., :half] + 1j * k[..., half:], v)
    state = np.concatenate([pairs.real, pairs.imag], axis=2)
    y = flat(head_norm(read(state, q) / config.key_size**0.5))
    return state, x + dense(p["out"], y * silu(dense(p["gate"], u)))


def gla(p, state, x, config):
    u = layer_norm(x, **p["norm"])
    q, k, v = qkv(p, u, config)
    a = sigmoid(dense(p["decay_out"], dense(p["decay_in"], u))) ** (1 / 16)
    state = heads_of(a, config.num_heads)[..., None] * state + outer(k, v)
    y = flat(head_norm(read(state, q) / config.key_size**0.5))
    return state, x + dense(p["out"], y * silu(dense(p["gate"], u)))


def mamba2(p, carry, x, config):
    state, tail = carry
    width, n = config.expansion * x.shape[-1], config.state_size
    mixed = dense(p["in"], rms_norm(p["norm"], x))
    z, u, rough = np.split(mixed, [width, 2 * width + 2 * n], axis=-1)
    tail, u = convolved(p["convolution"], tail, u)
    v, b, c = np.split(silu(u), [width, width + n], axis=-1)
    step = softplus(rough + p["step_bias"])
    v = heads_of(v, step.shape[-1])
    decay = np.exp(-np.exp(p["log_rate"]) * step)[..., None, None]
    state = decay * state + np.einsum("bn,bhv->bhnv", b, step[..., None] * v)
    y = np.einsum("bn,bhnv->bhv", c, state) + p["skip"][:, None] * v
    y = rms_norm(p["out_norm"], flat(y) * silu(z))
    return (state, tail), x + dense(p["out"], y)


def delta(p, carry, x, config):
    (state, tails), u = carry, layer_norm(x, **p["norm"])
    parts, after = {}, {}
    for name in ("query", "key", "value"):
        after[name], smooth = convolved(
            p[f"{name}_convolution"], tails[name], dense(p[name], u)
        )
        parts[name] = heads_of(silu(smooth), config.num_heads)
    q, k = (
        parts[name] / np.sqrt((parts[name] ** 2).sum(-1, keepdims=True) + 1e-6)
        for name in ("query", "key")
    )
    beta = sigmoid(dense(p["beta"], u)) * (1 + config.negative_eigenvalues)
    gated = "gate" in p
    if gated:
        rough = softplus(dense(p["decay"], u) + p["decay_bias"])
        state = np.exp(-np.exp(p["log_rate"]) * rough)[..., None, None] * state
    # (I - beta k k^T) S + beta k v^T, as a matrix
    keep = np.eye(k.shape[-1]) - beta[..., None, None] * outer(k, k)
    state = keep @ state + beta[..., None, None] * outer(k, parts["value"])
    y = flat(head_norm(read(state, q) / config.key_size**0.5))
    if gated:
        y = y * silu(dense(p["gate"], u))
    return (state, after), x + dense(p["out"], y)


def mlstm(p, carry, x, config):
    """With C and n as they are, of no running maximum."""
    state, m, tail = carry
    true = state * np.exp(m)[..., None, None]
    up = dense(p["up"], layer_norm(x, **p["norm"]))
    u, z = np.split(up, 2, axis=-1)
    tail, smooth = convolved(p["convolution"], tail, u)
    smooth = silu(smooth)

    def blocks(value, name):
        kernel = p[f"{name}_kernel"]
        groups = value.reshape(len(value), len(kernel), -1)
        return flat(np.einsum("bni,nij->bnj", groups, kernel))

    q, k, v = blocks(smooth, "query"), blocks(smooth, "key"), blocks(u, "value")
    gates = np.concatenate([q, k, v], axis=-1)
    write = dense(p["input_gate"], gates)
    forget = sigmoid(dense(p["forget_gate"], gates))
    q, k, v = (heads_of(part, config.num_heads) for part in (q, k, v))
    k = k / k.shape[-1] ** 0.5
    with_one = np.concatenate([v, np.ones_like(v[..., :1])], axis=-1)
    true = forget[..., None, None] * true
    true = true + np.exp(write)[..., None, None] * outer(k, with_one)
    both = read(true, q)
    y = both[..., :-1] / np.maximum(np.abs(both[..., -1:]), 1)
    # What is stored beside m, a gauge, that y knows nothing of.
    m = np.maximum(np.log(forget) + m, write)
    state = true * np.exp(-m)[..., None, None]
    y = (flat(head_norm(y)) + p["skip"] * smooth) * silu(z)
    return (state, m, tail), x + dense(p["down"], y)


def slstm(p, carry, x, config):
    """c / n as a mean of tanh(z), weighted by gates that have no maximum taken out."""
    (before, c, n, m), tail = carry
    c, n = c * np.exp(m), n * np.exp(m)
    u = layer_norm(x, **p["norm"])
    tail, smooth = convolved(p["convolution"], tail, u)
    smooth = silu(smooth)
    raw = np.stack(
        [
            dense(p["input"], smooth),
            dense(p["forget"], smooth),
            dense(p["candidate"], u),
            dense(p["output"], u),
        ],
        axis=1,
    )
    for head, kernel in enumerate(p["cell"]["recurrent"]):
        here = slice(head * kernel.shape[0], (head + 1) * kernel.shape[0])
        raw[:, :, here] += np.einsum("bi,igj->bgj", before[:, here], kernel)
    i, f, z, o = raw.transpose(1, 0, 2)
    started = n != 0
    c = sigmoid(f) * c + np.exp(i) * np.tanh(z)
    n = sigmoid(f) * n + np.exp(i)
    y = sigmoid(o) * c / n
    m = np.where(started, np.maximum(i, np.log(sigmoid(f)) + m), i)
    state = y, c * np.exp(-m), n * np.exp(-m), m
    x = x + p["scale"] * flat(head_norm(heads_of(y, config.num_heads)))
    if config.mlp_expansion:
        w, mlp = layer_norm(x, **p["mlp_norm"]), p["mlp"]
        x = x + dense(mlp["down"], gelu(dense(mlp["gate"], w)) * dense(mlp["value"], w))
    return (state, tail), x


STEPS = {
    "linear_attention": linear_attention,
    "retnet": retnet,
    "gla": gla,
    "mamba2": mamba2,
    "deltanet": delta,
    "gated_deltanet": delta,
    "mlstm": mlstm,
    "slstm": slstm,
}

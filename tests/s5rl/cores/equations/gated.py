"""Gated and diagonal recurrences as their papers write them: a step, in NumPy.

Each maps (parameters, state, x [B, H], config) to (state, y [B, H]), in float64.
"""

import numpy as np
from scipy.special import expit as sigmoid


def gelu(x):
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def silu(x):
    return x * sigmoid(x)


def softplus(x):
    return np.logaddexp(0, x)


def dense(p, x):
    return x @ p["kernel"] + p.get("bias", 0)


def layer_norm(x, scale=1, bias=0):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * scale + bias


def rms_norm(p, x):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * p["scale"]


def convolved(p, tail, x):
    """(tail, y): a window over the last inputs, x the last of them."""
    window = np.concatenate([tail, x[:, None]], axis=1)
    return window[:, 1:], (window * p["kernel"]).sum(1) + p["bias"]


def lru(p, h, x, config):
    u = layer_norm(x, **p["norm"])
    a = np.exp(-np.exp(p["nu"]) + 1j * np.exp(p["theta"]))
    b, c = (p[key][0] + 1j * p[key][1] for key in ("input_matrix", "output_matrix"))
    h = a * h + np.exp(p["gamma"]) * (u @ b)
    y = gelu((h @ c).real + p["feedthrough"] * u)
    return h, x + dense(p["value"], y) * sigmoid(dense(p["gate"], y))


def s4d(p, h, x, config):
    u = layer_norm(x, **p["norm"])
    poles = -np.exp(p["eigenvalue_decay"]) - 1e-4 + 1j * p["eigenvalue_frequency"]
    a = np.exp(poles * np.exp(p["log_step"])[:, None])
    states = a * h.swapaxes(1, 2) + (a - 1) / poles * u[..., None]
    c = p["output_matrix"][0] + 1j * p["output_matrix"][1]
    y = gelu(2 * (c * states).sum(-1).real + p["feedthrough"] * u)
    y = dense(p["value"], y) * sigmoid(dense(p["gate"], y))
    return states.swapaxes(1, 2), x + y


def candidate(v, config):
    if config.candidate == "identity":
        return v
    return np.where(v >= 0, v + 0.5, sigmoid(v))


def mingru(p, h, x, config):
    u = layer_norm(x, **p["norm"])
    z = sigmoid(dense(p["update"], u))
    h = (1 - z) * h + z * candidate(dense(p["candidate"], u), config)
    return h, x + dense(p["out"], h)


def minlstm(p, h, x, config):
    u = layer_norm(x, **p["norm"])
    f, i = sigmoid(dense(p["forget"], u)), sigmoid(dense(p["input"], u))
    g = candidate(dense(p["candidate"], u), config)
    h = f / (f + i) * h + i / (f + i) * g
    return h, x + dense(p["out"], h)


def rglru(p, state, x, config):
    h, tail = state
    u = rms_norm(p["norm"], x)
    left = gelu(dense(p["gate"], u))
    tail, right = convolved(p["convolution"], tail, dense(p["in"], u))

    def gate(name):
        blocks = np.split(right, config.num_heads, axis=-1)
        parts = [b @ k for b, k in zip(blocks, p[f"kernel_{name}"], strict=True)]
        return sigmoid(np.concatenate(parts, axis=-1) + p[f"bias_{name}"])

    a = np.exp(-8 * gate("a") * softplus(p["decay"]))
    h = a * h + np.sqrt(1 - a**2) * gate("x") * right
    x = x + dense(p["out"], left * h)
    if config.mlp_expansion:
        v, mlp = rms_norm(p["mlp_norm"], x), p["mlp"]
        x = x + dense(mlp["down"], gelu(dense(mlp["gate"], v)) * dense(mlp["value"], v))
    return (h, tail), x


def ffm(p, h, x, config):
    written = dense(p["input"], x) * sigmoid(dense(p["input_gate"], x))
    states = h.reshape(len(x), config.memory_size, config.context_size)
    gamma = np.exp(-softplus(p["decay"])[:, None] + 1j * p["frequency"][None])
    h = (gamma * states + written[..., None]).reshape(h.shape)
    z = layer_norm(dense(p["mix"], np.concatenate([h.real, h.imag], axis=-1)))
    g = sigmoid(dense(p["output_gate"], x))
    return h, z * g + dense(p["skip"], x) * (1 - g)


def mamba(p, state, x, config):
    h, tail = state
    u, z = np.split(dense(p["in"], rms_norm(p["norm"], x)), 2, axis=-1)
    tail, u = convolved(p["convolution"], tail, u)
    u = silu(u)
    size, rank = config.state_size, -(-x.shape[-1] // 16)
    rough, b, c = np.split(dense(p["project"], u), [rank, rank + size], axis=-1)
    step = softplus(dense(p["step"], rough))[..., None]
    states = (
        np.exp(-step * np.exp(p["log_decay"])) * h.swapaxes(1, 2)
        + step * b[:, None] * u[..., None]
    )
    y = (states * c[:, None]).sum(-1) + p["skip"] * u
    return (states.swapaxes(1, 2), tail), x + dense(p["out"], y * silu(z))


def elman(p, h, x, config):
    h = np.tanh(dense(p["i"], x) + dense(p["h"], h))
    return h, h


STEPS = {
    "s4d": s4d,
    "lru": lru,
    "mingru": mingru,
    "minlstm": minlstm,
    "rglru": rglru,
    "ffm": ffm,
    "mamba": mamba,
    "elman": elman,
}

"""Windows as their papers write them: a lane's step over the rows that it sees.

Each maps (parameters, state, x [B, H], config) to (state, y [B, H]), in float64. What
opens a segment is added here: rows that were learned stand before its first step.
"""

import numpy as np

from tests.s5rl.cores.equations.gated import dense, gelu, layer_norm, sigmoid


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def rows_seen(cache, count, now, window, opening):
    """(rows oldest first, the present one last; each one's distance)."""
    rows = [*(cache[-count:] if count else []), now]
    if opening is not None:
        missing = window - len(rows)
        rows = [*(opening[-missing:] if missing else []), *rows]
    return np.stack(rows), np.arange(len(rows))[::-1]


def slid(cache, now):
    """The cache after a step, [B, W-1, ...]."""
    return np.concatenate([cache[:, 1:], now[:, None]], axis=1)


def counted(count, window):
    return np.minimum(count + 1, window - 1)


def attention(q, k, v, scores):
    """[h d] of q [h, d], k and v [rows, h, d] and scores [h, rows]."""
    return np.einsum("hs,shd->hd", softmax(scores), v).reshape(-1)


def turned_back(rows, away):
    """[rows, h, d] of keys, as complex numbers, turned by their distances."""
    half = rows.shape[-1] // 2
    angle = -away[:, None, None] / 10_000 ** (np.arange(half) / half)
    z = (rows[..., :half] + 1j * rows[..., half:]) * np.exp(1j * angle)
    return np.concatenate([z.real, z.imag], axis=-1)


def window_attention(p, state, x, config):
    (keys, values, count), u = state, layer_norm(x, **p["norm"])
    shape = (len(x), config.num_heads, config.head_size)
    q, k, v = (dense(p[name], u).reshape(shape) for name in ("query", "key", "value"))
    learned = p.get("initial_state", (None, None))
    lanes = []
    for b in range(len(x)):
        args = count[b], config.window
        row_k, away = rows_seen(keys[b], args[0], k[b], args[1], learned[0])
        row_v, _ = rows_seen(values[b], args[0], v[b], args[1], learned[1])
        if config.positions == "rotary":
            row_k = turned_back(row_k, away)
        scores = np.einsum("hd,shd->hs", q[b], row_k) / config.head_size**0.5
        if config.positions == "bias":
            scores = scores + p["distance_bias"][:, away]
        lanes.append(attention(q[b], row_k, row_v, scores))
    x = x + dense(p["out"], np.stack(lanes))
    if config.mlp_expansion:
        x = x + dense(p["down"], gelu(dense(p["up"], layer_norm(x, **p["mlp_norm"]))))
    return (slid(keys, k), slid(values, v), counted(count, config.window)), x


def gate(p, x, y):
    def mixed(name, stream):
        return dense(p[f"{name}_y"], y) + dense(p[f"{name}_x"], stream)

    r = sigmoid(mixed("reset", x))
    z = sigmoid(mixed("update", x) - p["bias"])
    return (1 - z) * x + z * np.tanh(mixed("candidate", r * x))


def gtrxl(p, state, x, config):
    memory, count = state
    window, heads = config.memory_length + 1, (config.num_heads, config.head_size)
    lanes = []
    for b in range(len(x)):
        rows, _ = rows_seen(memory[b], count[b], x[b], window, None)
        e = layer_norm(rows, **p["norm"])
        e, away = rows_seen(e[:-1], len(e) - 1, e[-1], window, p.get("initial_state"))
        k, v = (dense(p[name], e).reshape(-1, *heads) for name in ("key", "value"))
        q = dense(p["query"], e[-1]).reshape(heads)
        half = -(-x.shape[1] // 2)
        angle = away[:, None] / 10_000 ** (np.arange(half) / half)
        sinusoid = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
        place = dense(p["place"], sinusoid[:, : x.shape[1]]).reshape(-1, *heads)
        scores = np.einsum("hd,shd->hs", q + p["content_bias"], k)
        scores = scores + np.einsum("hd,shd->hs", q + p["place_bias"], place)
        lanes.append(attention(q, k, v, scores / config.head_size**0.5))
    a = np.maximum(dense(p["out"], np.stack(lanes)), 0)
    o = gate(p["gate_1"], x, a)
    inner = np.maximum(dense(p["up"], layer_norm(o, **p["mlp_norm"])), 0)
    y = gate(p["gate_2"], o, np.maximum(dense(p["down"], inner), 0))
    return (slid(memory, x), counted(count, window)), y


def frame_stack(p, state, x, config):
    frames, count = state
    lanes = []
    for b in range(len(x)):
        seen = [x[b], *frames[b][::-1][: count[b]]]
        missing = config.frames - len(seen)
        instead = p.get("initial_state", np.zeros((config.frames - 1, x.shape[1])))
        rows = [*seen, *instead[::-1][:missing]]
        bits = [1.0] * len(seen) + [0.0] * missing
        lanes.append(
            np.concatenate([[*row, bit] for row, bit in zip(rows, bits, strict=True)])
        )
    y = gelu(dense(p["dense"], np.stack(lanes)))
    return (slid(frames, x), counted(count, config.frames)), y


STEPS = {
    "window_attention": window_attention,
    "gtrxl": gtrxl,
    "frame_stack": frame_stack,
}

"""Memories made of others, as their papers write them: a step, in NumPy and float64."""

import numpy as np

from tests.s5rl.cores.equations.gated import STEPS as GATED
from tests.s5rl.cores.equations.gated import dense, layer_norm, silu
from tests.s5rl.cores.equations.spaces import STEPS as SPACES
from tests.s5rl.cores.equations.spaces import space
from tests.s5rl.cores.equations.window import attention, counted, rows_seen, softmax

PARTS = GATED | SPACES


def restarted(p, state, where):
    """A state [B, P], zeros or what is learned in some lanes."""
    start = p.get("initial_state", np.zeros(state.shape[1:]))
    if np.iscomplexobj(state) and "initial_state" in p:
        start = start[0] + 1j * start[1]
    return np.where(where[:, None], start, state)


def hiss(p, state, x, config):
    low, high, above, count = state
    size, parts = config.chunk, config.parts()
    name, told = parts["low"]
    low = restarted(p["low"], low, count % size == 0)
    low, y = PARTS[name](p["low"], low, x, told)
    ends, complete = count % size == size - 1, count >= size - 1
    name, told = parts["high"]
    high_now = restarted(p["high"], high, count == size - 1)
    high_now, u = PARTS[name](p["high"], high_now, y, told)
    high, above = (
        np.where(complete[:, None], np.where(ends[:, None], new, old), 0)
        for new, old in ((high_now, high), (u, above))
    )
    count = np.where(count + 1 < 2 * size, count + 1, size)
    y = dense(p["out"], np.concatenate([y, above], axis=-1))
    return (low, high, above, count), y


def seqboat(p, state, x, config):
    state, (keys, values, count) = state
    state, m = space(p["ssm"], state, layer_norm(x, **p["norm"]), config.space)
    m = silu(m)
    route = dense(p["route"], m)
    chance = softmax(route / np.exp(p["log_temperature"]))[:, 1]
    active = route[:, 1] > route[:, 0]
    inner, size = p["attention"], config.key_size
    z, r, v = np.split(
        silu(dense(inner["in"], m)), [size, size + values.shape[-1]], axis=-1
    )
    q, k = (z * inner["scale"][i] + inner["shift"][i] for i in range(2))
    learned = inner.get("initial_state")
    starts = (None, None) if learned is None else np.split(learned, [size], axis=-1)
    y = x + dense(p["plain"], m)
    counts = np.arange(config.window - 1, 0, -1)[None] <= count[:, None]
    keys, values = (np.where(counts[..., None, None], c, 0) for c in (keys, values))
    count = count.copy()
    for b in np.flatnonzero(active):
        args = count[b], config.window
        row_k, away = rows_seen(keys[b], args[0], k[b][None], args[1], starts[0])
        row_v, _ = rows_seen(values[b], args[0], v[b][None], args[1], starts[1])
        scores = row_k[:, 0] @ q[b] / size**0.5 + inner["distance_bias"][away]
        read = attention(q[b], row_k, row_v, scores[None])
        y[b] += chance[b] * dense(inner["out"], read * r[b])
        keys[b] = np.concatenate([keys[b][1:], k[b][None, None]])
        values[b] = np.concatenate([values[b][1:], v[b][None, None]])
        count[b] = counted(count[b], config.window)
    return (state, (keys, values, count)), silu(y)


STEPS = {"hiss": hiss, "seqboat": seqboat}

"""State spaces as their papers write them: a step, in NumPy and float64."""

import numpy as np

from tests.s5rl.cores.equations.gated import dense, gelu, layer_norm, sigmoid


def space(p, state, u, config):
    """(state, y) of S5's discretised system."""
    decay = np.exp(p["eigenvalue_decay"]) + 1e-4
    eigenvalue = -decay + 1j * p["eigenvalue_frequency"]
    each = config.state_size // config.blocks if config.init == "legs_ptd" else 1
    step = np.repeat(np.exp(p["log_step"]), each)  # of a block, or of a state
    if config.discretization == "zoh":
        a = np.exp(eigenvalue * step)
        b_gain = (a - 1) / eigenvalue
    else:
        a = (1 + eigenvalue * step / 2) / (1 - eigenvalue * step / 2)
        b_gain = step / (1 - eigenvalue * step / 2)
    b, c = (p[k][0] + 1j * p[k][1] for k in ("input_matrix", "output_matrix"))
    state = a * state + b_gain * (u @ b)
    full = config.init == "legs_ptd" or config.conjugate_symmetry is False
    y = (state @ c).real * (1 if full else 2)
    return state, y + p["feedthrough"] * u


def s5(p, state, x, config):
    u = layer_norm(x, **p["norm"]) if config.norm == "pre" else x
    state, y = space(p["ssm"], state, u, config)
    smooth = gelu(y)
    gate = sigmoid(dense(p["gate"], smooth)) if config.activation != "gelu" else 1
    ungated = {"half_glu2": y, "half_glu1": smooth, "gelu": smooth}
    if config.activation == "full_glu":
        ungated["full_glu"] = dense(p["value"], smooth)
    y = x + gate * ungated[config.activation]
    return state, layer_norm(y, **p["norm"]) if config.norm == "post" else y


STEPS = {"s5": s5}

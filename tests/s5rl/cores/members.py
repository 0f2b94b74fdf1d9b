"""The one list of cores that laws run over: a row here is all that a new core needs.

Sizes are small, windows and chunks shorter than the sequences that the laws use.
"""

import pytest

import s5rl
from s5rl.config import CORES

MATRIX = {"num_heads": 2, "key_size": 3, "value_size": 2, "chunk": 4}
SMALL = {
    "s5": {"state_size": 8, "blocks": 2},
    "s4d": {"state_size": 4},
    "lru": {"state_size": 6},
    "mingru": {},
    "minlstm": {"candidate": "identity"},
    "rglru": {"num_heads": 2, "conv_width": 3},
    "ffm": {"memory_size": 3, "context_size": 2},
    "mamba": {"state_size": 2},
    "linear_attention": MATRIX,
    "retnet": MATRIX | {"key_size": 4},
    "gla": {"num_heads": 2, "key_size": 2, "value_size": 3, "gate_rank": 2},
    "mamba2": {"state_size": 3, "head_size": 4, "conv_width": 3, "chunk": 4},
    "deltanet": MATRIX | {"conv_width": 3},
    "gated_deltanet": MATRIX | {"conv_width": 3, "negative_eigenvalues": True},
    "mlstm": {"num_heads": 2, "conv_width": 3, "chunk": 4},
    "window_attention": {"num_heads": 2, "head_size": 3, "window": 3},
    "gtrxl": {"num_heads": 2, "head_size": 3, "memory_length": 2},
    "frame_stack": {"frames": 3},
    "hybrid": {
        "pattern": ("s5", "window_attention"),
        "options": ("s5.state_size=8", "window_attention.window=3"),
    },
    "hiss": {"chunk": 3, "options": ("low.state_size=4", "high.state_size=6")},
    "seqboat": {"state_size": 4, "window": 3, "key_size": 3, "expansion": 1},
    "gru": {"num_layers": 2},
    "lstm": {"num_layers": 2},
    "elman": {"num_layers": 2},
    "slstm": {"num_heads": 2, "conv_width": 3},
    "mlp": {},
}
# What is computed otherwise than by a core's defaults: other starts alone are no rows.
VARIANTS = {
    "s5-associative": ("s5", SMALL["s5"] | {"method": "associative", "num_layers": 1}),
    "window_attention-rotary": (
        "window_attention",
        SMALL["window_attention"]
        | {"head_size": 4, "positions": "rotary", "mlp_expansion": 0}
        | {"learned_initial_state": True, "learned_rows": 1},
    ),
    "s5-legs-ptd": ("s5", SMALL["s5"] | {"init": "legs_ptd"}),
    "s5-fourier-full": (
        "s5",
        SMALL["s5"] | {"init": "fourier", "conjugate_symmetry": False},
    ),
}
# One of each kind of memory: the others obey their equations by default, and all laws
# if slow tests run: `pytest -m "slow or not slow" tests/s5rl/cores`.
KINDS = {"s5", "gru", "mlp", "mamba", "window_attention", "linear_attention"}
LEARNERS = {"s5", "gru"}  # by an operator, and step by step
REMEMBER = [name for name in s5rl.core_names() if name != "mlp"]
LEARNED = {
    f"{name}-learned": (name, SMALL[name] | {"learned_initial_state": True})
    for name in REMEMBER
}
ROUNDED = {
    f"{name}-bfloat16": (name, SMALL[name] | {"dtype": "bfloat16"}) for name in CORES
}
EXACT = {name: (name, SMALL[name]) for name in CORES} | VARIANTS | LEARNED


def members(cases, *, quick=KINDS):
    """Parameters of a test: those of these cores by default, the others if slow."""

    def mark(case):
        name, _, how = case.rpartition("-")
        is_quick = case in quick or (how == "bfloat16" and name in KINDS)
        is_quick |= how == "learned" and name in LEARNERS
        return () if is_quick else pytest.mark.slow

    return [pytest.param(case, id=case, marks=mark(case)) for case in cases]

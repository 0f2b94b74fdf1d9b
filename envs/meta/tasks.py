"""Splits of a task distribution. Free of JAX, as the configurations are.

A task distribution is a small frozen object. `draw(key, split)` gives the fields of the
base environment's params that hold the hidden task; `split` is static:

    train      what the agent learns on
    held_out   the same law, but tasks that training never shows: another part of a
               finite set, or, where the law is continuous, other seeds
    shifted    a declared other law, on which nothing was learnt
    bodies     environments on which nothing was learnt, where there are several
"""

# Every split's seeds hang on its place here.
TRAIN, HELD_OUT, SHIFTED, BODIES = ALL_SPLITS = (
    "train",
    "held_out",
    "shifted",
    "bodies",
)
SPLITS = (TRAIN, HELD_OUT, SHIFTED)  # of one environment's tasks
SHIFTED_RATE = 0.5  # the highest of a shifted bandit's arms; 1 in training


def check_split(split: str, known: tuple[str, ...] = SPLITS) -> None:
    """Refuses a split that is not one of the known."""
    if split not in known:
        raise ValueError(f"split must be one of {', '.join(known)}; got {split!r}.")

"""How far a lens may be turned: `python -m results.ladder.turns RUN_DIR`.

Plays the learners of a run of `ladder/turned_one` behind lenses that it was not trained
on, with both of a task's matrices, with that of observations alone, and with that of
actions alone; and writes results/ladder/turned/turns.csv: the return of the two trials,
by how far the lens is turned. How far is the mean cosine between where an observation
(an action) of the body points and where it is seen (done): 1 is identity. Then puts the
table into docs/in_context.md.
"""

import sys
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import envs
import experiment
from results import common
from results.documents import put, table
from results.ladder.play import rewards

DOCUMENT = common.ROOT / "docs" / "in_context.md"
OUT = Path(__file__).parent / "turned" / "turns.csv"
BODY, TRIALS, STEPS = "cartpole_swingup", 2, 500
SEEN, DONE = 5, 1  # sizes of the body's observation and action
TASKS = 512
EDGES = (-1.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.01)  # of cosines
SECOND = "second_of_learner_"  # of columns
SIDES = ("both", "observations", "actions")


def played(trained: Any, env: Any, params: Any, key: Any, side: str) -> Any:
    """(cosine [N], returns [N, TRIALS]) of the likeliest actions."""
    obs, state = jax.vmap(env.reset, (0, None))(jax.random.split(key, TASKS), params)
    lens = state.task[-1]
    size = lens["observe"].shape[-1]
    body = jnp.einsum("nij,ni->nj", lens["observe"], obs[:, :size])
    one = {name: jnp.broadcast_to(jnp.eye(x.shape[-1]), x.shape)
           for name, x in lens.items()}  # fmt: skip
    if side == "observations":
        lens = {**lens, "act": one["act"]}
    if side == "actions":
        lens = {**lens, "observe": one["observe"]}
    state = state.replace(task=(*state.task[:-1], lens))
    obs = obs.at[:, :size].set(jnp.einsum("nij,nj->ni", lens["observe"], body))

    keys = jax.random.split(key, TRIALS * STEPS)
    paid = rewards(trained, env, params, (obs, state), keys, draw=False)
    which, count = ("act", DONE) if side == "actions" else ("observe", SEEN)
    cosine = jnp.diagonal(lens[which], axis1=1, axis2=2)[:, :count].mean(-1)
    return cosine, paid.reshape(TRIALS, STEPS, TASKS).sum(1).T


def lines() -> list[list[str]]:
    """Of the table: the second trial, by what is turned and how far."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in common.read(OUT):
        learners = [float(row[f"{SECOND}{i}"]) for i in range(3)]
        mean, low, high = float(row["second_trial"]), min(learners), max(learners)
        told = f"{mean:.0f} ({low:.0f} to {high:.0f})"
        found.setdefault((row["from"], row["to"]), {})[row["turned"]] = told
    return [
        [f"{low} to {high}".replace("-1.0", "-1"), *(cells[side] for side in SIDES)]
        for (low, high), cells in found.items()
    ]


TABLES = {"turns": lambda: table(("mean cosine", *SIDES), lines())}


def main() -> None:
    """Of all learners, in one table."""
    env, params = envs.make(
        "projected_control", law="turned", split="held_out", train_bodies=(BODY,)
    )
    rows = []
    for side in SIDES:
        found = []
        for seed in range(3):
            trained = experiment.load(sys.argv[1], seed=seed)
            play = jax.jit(partial(played, trained, env, params, side=side))
            found.append(play(jax.random.key(0)))
        cosine = np.asarray(found[0][0])
        returns = np.stack([np.asarray(x) for _, x in found])  # [learner, task, trial]
        for low, high in pairwise(EDGES):
            here = (low <= cosine) & (cosine < high)
            if here.sum() < 5:
                continue
            means = returns[:, here].mean(1)  # [learner, trial]
            row = {"turned": side, "from": low, "to": min(high, 1.0)}
            row |= {"tasks": int(here.sum())}
            trials = zip(("first_trial", "second_trial"), means.mean(0), strict=True)
            row |= {name: f"{mean:.1f}" for name, mean in trials}
            seconds = enumerate(means[:, 1])
            rows.append(row | {f"{SECOND}{i}": f"{x:.1f}" for i, x in seconds})
    common.write(OUT, rows)
    put(DOCUMENT, "turns", TABLES["turns"]())


if __name__ == "__main__":
    main()

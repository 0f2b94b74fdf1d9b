"""What a trial of the ladder looks like: `python -m results.ladder.course RECIPE ...`.

Plays the learners of the recipes' runs behind lenses that they were not trained on, and
writes results/ladder/course.csv: mean reward by time within the first trial, over tasks
and learners, and in how many of the tasks the pole stands, in the trial's last 200
steps, for most of the time. A reward above 0.8 is a pole that stands, nearly. Then puts
the table into docs/in_context.md.
"""

import sys
from functools import partial

import jax
import numpy as np

import envs
import experiment
from results import common
from results.documents import put, table
from results.ladder import climb
from results.ladder.play import rewards

DOCUMENT = climb.DOCUMENT
OUT = climb.HERE / "course.csv"
STEPS, PART, TASKS = 500, 50, 256
STANDS, MOST, LAST = 0.8, 0.7, 200


def row(recipe: str) -> dict[str, str]:
    """What the learners of a recipe do."""
    env_name = climb.RECIPES[recipe].env
    if not (env_name.startswith("ladder/") and env_name.endswith("_one")):
        raise SystemExit(f"a recipe must be of ladder/..._one; got {env_name}.")
    law = env_name.removeprefix("ladder/").removesuffix("_one")
    (body,) = climb.RECIPES[recipe].bodies or climb.ONE
    env, params = envs.make(
        "projected_control", law=law, split="held_out", train_bodies=(body,)
    )
    reset_key, play_key = jax.random.split(jax.random.key(0))
    keys = jax.random.split(reset_key, TASKS)
    start = jax.vmap(env.reset, (0, None))(keys, params)
    found = []
    for seed in range(climb.LEARNERS):
        learner = experiment.load(climb.RUNS / recipe, seed=seed)
        play = jax.jit(partial(rewards, learner, env, params, draw=True))
        found.append(np.asarray(play(start, jax.random.split(play_key, STEPS))))
    paid = np.stack(found)  # [learner, STEPS, TASKS]
    parts = paid.reshape(len(found), -1, PART, TASKS).mean((0, 2, 3))
    stands = (paid[:, -LAST:] > STANDS).mean(1) > MOST
    told = {f"to_{PART * (i + 1)}": f"{x:.3f}" for i, x in enumerate(parts)}
    return {"recipe": recipe, "stands": f"{stands.mean():.3f}", **told}


def lines() -> list[list[str]]:
    """Of the table."""
    return [
        [
            f"`{one['recipe']}`",
            *(f"{float(one[f'to_{at}']):.2f}" for at in range(PART, STEPS + 1, PART)),
            f"{float(one['stands']):.0%}",
        ]
        for one in common.read(OUT)
    ]


HEADS = ("recipe", *(f"to step {at}" for at in range(PART, STEPS + 1, PART)), "stands")
TABLES = {"course": lambda: table(HEADS, lines())}


def main() -> None:
    """Of the recipes that are named."""
    new = [row(recipe) for recipe in sys.argv[1:]]
    kept = [one for one in common.read(OUT) if one["recipe"] not in sys.argv[1:]]
    common.write(OUT, kept + new)
    put(DOCUMENT, "course", TABLES["course"]())


if __name__ == "__main__":
    main()

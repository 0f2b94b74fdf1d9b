"""What imitation can come to in dark_room: `python -m results.agents.beliefs`.

Plays dark_room with an exact belief in place of a learned memory, and writes the mean
return by trial into results/agents/beliefs.csv. The belief is uniform over the goals
that may be and were not stood on. Each step draws a goal from it and then one of the
shortest ways there, which is the law that imitation's loss has its least at:

    anew   of the belief as it is, so a goal is drawn anew at every step
    kept   of the belief given that this trial's own actions were the expert's, since
           the last step that no goal left would explain

Goals are those of the environment's splits. A learner knows which cells are never goals
of training, but not that a goal is held out: on training goals the belief begins with
those alone, on held-out goals with every cell.
"""

from pathlib import Path

import jax
import numpy as np

from envs.meta import room, tasks
from envs.meta.cells import cells_of
from envs.meta.dark_room import DarkRoom, DarkRoomTasks
from results import common

OUT = Path(__file__).with_suffix(".csv")
PLAYED, TRIALS = 20_000, 20
LAWS = ("anew", "kept")


def ways(size: int) -> np.ndarray:
    """[cell, goal, action]: chances of an expert's actions, equal among the best."""
    cells = cells_of(np.arange(size**2), size)
    to_goals = jax.vmap(room.towards, (None, 0))
    best = np.asarray(jax.vmap(to_goals, (0, None))(cells, cells))
    return best / best.sum(-1, keepdims=True)


def moves(size: int) -> np.ndarray:
    """[cell, action]: where a step leads."""
    cells, actions = cells_of(np.arange(size**2), size), np.arange(len(room.MOVES))
    step = jax.vmap(lambda cell, action: room.move(cell, action, size), (None, 0))
    there = np.asarray(jax.vmap(step, (0, None))(cells, actions))
    return room.number(np.moveaxis(there, -1, 0), size)


def play(
    law: str,
    goals: np.ndarray,
    possible: np.ndarray,
    rng: np.random.Generator,
    trials: int = TRIALS,
) -> np.ndarray:
    """[trials]: mean return by trial.

    Args:
      law: one of `LAWS`.
      goals: [N] cells, the hidden goal of each game.
      possible: [M] cells, where the belief begins.
      rng: what draws.
      trials: of a game.
    """
    env = DarkRoom()
    horizon = int(env.default_params.max_steps_in_episode)
    expert, leads = ways(env.size), moves(env.size)
    everyone = np.arange(len(goals))
    belief = np.zeros((len(goals), env.size**2))
    belief[:, possible] = 1.0
    start = int(room.number(env.default_params.start, env.size))
    paid = np.zeros(trials)
    for trial in range(trials):
        here = np.full(len(goals), start)
        meant = np.ones_like(belief)  # how likely a goal makes this trial's actions
        for _ in range(horizon):
            weight = belief * meant
            lost = weight.sum(-1) <= 0
            meant[lost], weight[lost] = 1.0, belief[lost]
            chance = np.einsum("ng,nga->na", weight, expert[here])
            action = drawn(chance, rng)
            if law == "kept":
                meant *= expert[here, :, action]
            here = leads[here, action]
            found = here == goals
            paid[trial] += found.mean()
            belief[everyone, here] = 0.0
            belief[found] = 0.0
            belief[found, goals[found]] = 1.0
    return paid


def drawn(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """[N] int: of each row of weights [N, A], not all zero, an index drawn by them."""
    steps = weights.cumsum(-1)
    mark = rng.random(len(weights)) * steps[:, -1]
    return (steps > mark[:, None]).argmax(-1)


def main() -> None:
    """Writes the file."""
    rng, size = np.random.default_rng(0), DarkRoom().size
    law = DarkRoomTasks()
    cells = {
        split: room.number(law.goals(split).T, size)
        for split in (tasks.TRAIN, tasks.HELD_OUT)
    }
    begins = {tasks.TRAIN: cells[tasks.TRAIN], tasks.HELD_OUT: np.arange(size**2)}
    rows = []
    for split, goals in cells.items():
        for name in LAWS:
            hidden = rng.choice(goals, PLAYED)
            found = play(name, hidden, begins[split], rng)
            rows += [
                {"split": split, "law": name, "trial": i + 1, "return": f"{x:.3f}"}
                for i, x in enumerate(found)
            ]
    common.write(OUT, rows)


if __name__ == "__main__":
    main()

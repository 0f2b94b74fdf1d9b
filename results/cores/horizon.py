"""What memories trained on short corridors answer after long ones: exact returns.

python -m results.cores.study t_maze; python -m results.cores.horizon

In a passive `t_maze` of a given length there are two episodes, one for each side, and
one decision counts: the turn. Both are played by the environment, read by each learner
of the study's runs, and the mean of P(right turn) - P(wrong turn) is the return that
the policy expects; nothing is sampled. Writes results/cores/t_maze_horizon.csv.
"""

import sys
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

import envs
from experiment.run.checkpoints import Checkpoints
from experiment.run.run_folder import RunFolder
from experiment.setup.building import build_agent, learner_shapes
from results import common
from results.cores.study import HERE, trials

LENGTHS = (100, 200, 1_000, 10_000, 100_000)
CHUNK = 1_000  # observations that are read at a time
FIELDS = ("core", "seed", "length", "return")


def corridors(length: int) -> tuple[Array, Array]:
    """(observations [length + 1, 2, 2], sides [2]) of a left and of a right episode."""
    env, params = envs.make("t_maze", length_min=length, length_max=length)
    keys = jax.random.split(jax.random.key(0), 64)
    _, states = jax.vmap(env.reset, (0, None))(keys, params)
    lanes = jnp.array([jnp.argmin(states.side), jnp.argmax(states.side)])
    obs, state = jax.vmap(env.reset, (0, None))(keys[lanes], params)
    step = jax.vmap(env.step, (0, 0, 0, None))
    nothing = jnp.zeros(2, jnp.int32)  # in a corridor no action does anything

    def onward(carry, _):
        obs, state = carry
        return step(keys[:2], state, nothing, params)[:2], obs

    (last, _), before = jax.lax.scan(onward, (obs, state), length=length)
    return jnp.concatenate([before, last[None]]), state.side


def expected_return(agent: Any, params: Any, obs: Array, side: Array) -> Array:
    """[] what one learner's policy expects of both corridors, (T is a chunk's)."""
    policy = agent.policy(params)

    def read(carry, now):
        carry, *_ = policy(carry, *now)
        return carry, None

    reset = jnp.zeros(obs.shape[:2], bool).at[0].set(True)
    carry = agent.network.initial_carry(obs.shape[1])
    size = (len(obs) - 1) // CHUNK * CHUNK
    chunks = (a[:size].reshape(-1, CHUNK, *a.shape[1:]) for a in (obs, reset))
    if size:
        carry, _ = jax.lax.scan(read, carry, tuple(chunks))
    _, distribution, _ = policy(carry, obs[size:], reset[size:])
    right = jnp.stack([jnp.exp(distribution.log_prob(jnp.full(
        (len(obs) - size, 2), a, jnp.int32)))[-1] for a in (0, 1)])  # fmt: skip
    return jnp.mean(jnp.where(side > 0, right[1] - right[0], right[0] - right[1]))


def measured(row: str, setting: str) -> list[dict[str, object]]:
    """Every learner of one run at every length."""
    folder = RunFolder.existing(
        str(common.ROOT / "runs" / "cores" / "t_maze" / f"{row}-{setting}"), "run"
    )
    config = folder.load_config()
    agent = build_agent(config)
    like = learner_shapes(agent, config)
    _, learners = Checkpoints(folder.checkpoints, config).restore(like)
    rows = []
    for length in LENGTHS:
        obs, side = corridors(length)
        found = jax.jit(partial(expected_return, agent, obs=obs, side=side))
        for seed in range(config.schedule.num_seeds):
            params = jax.tree.map(lambda x, s=seed: x[s], learners.params)
            value = float(np.asarray(found(params)))
            rows.append(
                {"core": row, "seed": seed, "length": length, "return": f"{value:.4f}"}
            )
    return rows


def main(*only: str) -> None:
    """Measures what is trained and not measured yet."""
    path = HERE / "t_maze_horizon.csv"
    known = {row["core"] for row in common.read(path)}
    for row, setting in trials("t_maze"):
        folder = common.ROOT / "runs" / "cores" / "t_maze" / f"{row}-{setting}"
        is_trained = (folder / "summary.json").exists()
        if row in known or not is_trained or (only and row not in only):
            continue
        rows = measured(row, setting)
        common.append(path, FIELDS, rows)
        for found in rows:
            print(*found.values(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

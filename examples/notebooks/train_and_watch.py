# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Train and watch
#
# An agent learns to keep one bit for a number of steps; then it is watched, step by
# step, and its memory is taken away. Runs as a program, too, from the checkout's
# folder: `python examples/notebooks/train_and_watch.py`.

# %%
import os
import sys
import tempfile
from pathlib import Path

HERE = Path.cwd()
ROOT = next(p for p in (HERE, *HERE.parents) if (p / "evaluate.py").exists())
sys.path.insert(0, str(ROOT))  # a notebook starts in its own folder

import jax
import jax.numpy as jnp
import matplotlib

if "ipykernel" not in sys.modules:
    matplotlib.use("Agg")
import matplotlib.pyplot as plt

import experiment

SMALL = bool(os.environ.get("S5RL_SMALL"))  # as CI runs it: less to learn
LENGTH = 5 if SMALL else 50
STEPS = 60_000 if SMALL else 600_000
FOLDER = Path(tempfile.mkdtemp())

# %% [markdown]
# ## Two runs
#
# The same twice: with the memory `s5`, and with `mlp`, which has none. What the command
# line says stands in a mapping; `python train.py env=memory_chain core=mlp` is the
# same.

# %%
task = {
    "env": "memory_chain",
    "env.memory_length": LENGTH,
    "num_seeds": 2,
    "total_steps": STEPS,
}
if SMALL:
    task |= {"core.features": 16, "core.num_layers": 1, "agent.learning_rate": 3e-3}
runs = {
    core: experiment.train({**task, "core": core, "run_dir": str(FOLDER / core)})
    for core in ("s5", "mlp")
}
final = {core: run.summary["final_return"] for core, run in runs.items()}
print(final)

# %% [markdown]
# Without memory the mean return is 0 at best, whatever is learned; 1 is always right.

# %%
for core, run in runs.items():
    for seed in (0, 1):
        rows = [row for row in run.metrics if row["seed"] == seed]
        plt.plot(
            [row["env_steps"] for row in rows],
            [row["episode/return"] for row in rows],
            color={"s5": "#0072B2", "mlp": "#999999"}[core],
            label=core if seed == 0 else None,
        )
plt.xlabel("environment steps")
plt.ylabel("return")
plt.legend()
plt.show()

# %% [markdown]
# ## Watching
#
# `run.load` gives a learner back. `act` takes memory, observation and the reset flag,
# and gives memory and action. Here in 64 episodes at once, of which the first is
# printed. The observation is the share of time left, the question, and the bit while it
# is shown.

# %%
trained = runs["s5"].load(seed=0)
env, params = trained.env, trained.env_params
NUM = 64


def play(key, forget_at=None):
    """Returns [NUM] of an episode each, and what was seen and done in the first."""
    keys = jax.random.split(key, NUM)
    obs, state = jax.vmap(env.reset, (0, None))(keys, params)
    carry, reset = trained.initial_carry(NUM), jnp.ones(NUM, bool)
    total, seen = jnp.zeros(NUM), []
    for t in range(LENGTH + 1):
        if t == forget_at:
            reset = jnp.ones(NUM, bool)
        carry, action = trained.act(carry, obs, reset)
        seen.append((obs[0], action[0]))
        keys = jax.random.split(jax.random.fold_in(key, t), NUM)
        obs, state, reward, *_ = jax.vmap(env.step, (0, 0, 0, None))(
            keys, state, action, params
        )
        total, reset = total + reward, jnp.zeros(NUM, bool)
    return total, seen


returns, seen = play(jax.random.key(1))
for t, (obs, action) in enumerate(seen):
    if t < 3 or t > LENGTH - 2:
        print(f"step {t:3d}  observation {obs}  action {action}")
watched = float(returns.mean())
print(f"mean return of {NUM} episodes: {watched:+.2f}")

# %% [markdown]
# ## Taking its memory away
#
# The flag that clears memory where an episode begins can be set anywhere. Set in the
# middle of the episode, the bit is gone, and the answer is a guess.

# %%
returns, _ = play(jax.random.key(1), forget_at=LENGTH // 2)
forgotten = float(returns.mean())
print(f"and with memory cleared at step {LENGTH // 2}: {forgotten:+.2f}")

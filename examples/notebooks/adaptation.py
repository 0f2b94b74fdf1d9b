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
# # Adaptation, and its controls
#
# Does an agent learn *in context*: without a change of its parameters, from what it
# meets? A curve that rises over trials is not enough. Here an agent plays bandits whose
# arms it has never met, with its memory as it is, and with its memory tampered with.
# Runs as a program, too, from the checkout's folder: `python
# examples/notebooks/adaptation.py`.

# %%
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path.cwd()
ROOT = next(p for p in (HERE, *HERE.parents) if (p / "evaluate.py").exists())
sys.path.insert(0, str(ROOT))  # a notebook starts in its own folder

import matplotlib

if "ipykernel" not in sys.modules:
    matplotlib.use("Agg")
import matplotlib.pyplot as plt

import experiment

SMALL = bool(os.environ.get("S5RL_SMALL"))  # as CI runs it: fewer arms and pulls
ARMS, PULLS, TASKS = (2, 12, 64) if SMALL else (5, 50, 256)
STEPS = 400_000 if SMALL else 2_000_000
RUN = Path(tempfile.mkdtemp()) / "bandit"

# %% [markdown]
# ## Training
#
# A task is a hidden chance of pay for each arm, a trial is one pull, and a meta-episode
# all pulls on one task. Memory lives through it, and is cleared where the next one
# begins.

# %%
settings = {
    "env": "meta_bandit",
    "env.num_arms": ARMS,
    "env.num_trials": PULLS,
    "core": "gru",
    "num_seeds": 3,
    "total_steps": STEPS,
    "run_dir": str(RUN),
}
if SMALL:
    settings |= {"core.features": 24, "core.num_layers": 1}
run = experiment.train(settings)

# %% [markdown]
# ## Playing tasks that were never trained on
#
# The command plays every split of the tasks, for twice as many pulls as in training,
# under every control; beside random play and Thompson sampling.

# %%
subprocess.run(
    [
        *(sys.executable, "evaluate.py", f"run={RUN}"),
        *("transfer=true", f"tasks={TASKS}"),
    ],
    cwd=ROOT,
    check=True,
)
(folder,) = (RUN / "evaluations").glob("transfer-*")
result = json.loads((folder / "result.json").read_text())
held_out, levels = result["splits"]["held_out"], result["levels"]["held_out"]

# %% [markdown]
# ## The curve
#
# *cleared*: nothing is remembered from one pull to the next. *swapped*: in the middle,
# memory is that of another task. *never_reset*: the meta-episode begins with the memory
# of one on another task.

# %%
with (folder / "adaptation.csv").open() as file:
    rows = [row for row in csv.DictReader(file) if row["split"] == "held_out"]
for control in dict.fromkeys(row["control"] for row in rows):
    curve = [float(row["return"]) for row in rows if row["control"] == control]
    plt.plot(range(1, len(curve) + 1), curve, label=control)
plt.axhline(levels["expert"], color="k", ls=":", label=levels["expert_name"])
plt.axvline(PULLS, color="#999999", lw=0.8)  # where training ended
plt.xlabel("pull")
plt.ylabel("return on held-out tasks")
plt.legend()
plt.show()

# %% [markdown]
# ## What may be said
#
# Three numbers, each with a 95 % interval over the three learners: the first pull, the
# last quarter of those trained on, and what clearing memory costs there. Where the last
# interval contains 0, learning in context is not shown, however the curve may rise.

# %%
first, adapted = held_out["zero_shot"], held_out["adapted"]
loss = held_out["controls"]["cleared"]["loss"]
for name, (mean, low, high) in (
    ("first pull", first),
    ("adapted", adapted),
    ("loss by clearing memory", loss),
):
    print(f"{name:24s} {mean:6.3f} [{low:.3f}, {high:.3f}]")
print(f"{'random play':24s} {levels['random']:6.3f}")
print(f"{levels['expert_name']:24s} {levels['expert']:6.3f}")

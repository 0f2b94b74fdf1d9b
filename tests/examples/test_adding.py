"""What docs/adding.md shows: an environment, a core and an agent, to be copied.

The page includes these files, so what is tested here is what is read there.

| mutant | fails |
|---|---|
| parity: the next bit is not counted | test_the_environment_pays_for_the_parity |
| parity: pays at every step | test_the_environment_pays_for_the_parity |
| leaky: `reset` is not handed on | test_the_core_forgets_at_a_reset_* |
| leaky: carry is handed back unread | test_the_core_forgets_at_a_reset_* |
| a2c: the fit begins with the memory of the end | test_all_three_train_together |
| a2c: the loss climbs | test_all_three_train_together |
"""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from examples.adding.core_row import LeakyConfig
from examples.adding.environment import make
from examples.adding.environment_row import SPEC, ParityConfig
from s5rl.config import CORES, base

ROOT = Path(__file__).parents[2]
LENGTH = 4


@pytest.mark.usefixtures("quick_compilation")
def test_the_environment_pays_for_the_parity():
    """Three episodes of each of 16 lanes, beside sums of what was shown."""
    env, params = make(ParityConfig(length=LENGTH))
    envs.check(env, params)
    keys = jax.random.split(jax.random.key(0), (3 * LENGTH + 1, 16))
    actions = jax.random.randint(jax.random.key(1), (3 * LENGTH, 16), 0, 2)

    def step(now, given):
        (obs, state), (keys, action) = now, given
        best = jax.vmap(env.best_actions, (0, None))(state, params)
        after, state, reward, terminated, truncated, _ = jax.vmap(
            env.step, (0, 0, 0, None)
        )(keys, state, action, params)
        return (after, state), (obs, reward, terminated, truncated, best)

    begun = jax.vmap(env.reset, (0, None))(keys[0], params)
    seen = jax.jit(lambda: jax.lax.scan(step, begun, (keys[1:], actions))[1])()
    obs, reward, terminated, truncated, best = map(np.asarray, seen)
    episodes = obs[..., 0].reshape(3, LENGTH, 16)
    parity = (episodes > 0).sum(1) % 2
    paid = reward.reshape(3, LENGTH, 16)
    right = np.asarray(actions).reshape(3, LENGTH, 16)[:, -1] == parity
    assert not paid[:, :-1].any() and right.any() and not right.all()
    np.testing.assert_array_equal(paid[:, -1], np.where(right, 1, -1))
    last = np.arange(3 * LENGTH) % LENGTH == LENGTH - 1
    np.testing.assert_array_equal(terminated, np.broadcast_to(last[:, None], (12, 16)))
    np.testing.assert_array_equal(obs[..., 1], terminated)
    assert not truncated.any()
    told = best.reshape(3, LENGTH, 16, 2)
    assert told[:, :-1].all()
    np.testing.assert_array_equal(told[:, -1].argmax(-1), parity)
    assert (told[:, -1].sum(-1) == 1).all()


def test_the_core_forgets_at_a_reset_and_chunks_are_invisible(monkeypatch):
    """Beside two calls, cut where the reset stands, the second from nothing."""
    import s5rl

    monkeypatch.setitem(CORES, "leaky", base.TABLE["leaky"])
    core = s5rl.make_core("leaky", features=4, num_layers=1, time_min=5.0)
    x = jax.random.normal(jax.random.key(0), (9, 2, 3))
    reset = jnp.zeros((9, 2), bool).at[5].set(True)
    empty = core.initial_carry(2)
    variables = core.init(jax.random.key(1), empty, x, reset)
    carry, whole = core.apply(variables, empty, x, reset)
    none = jnp.zeros_like(reset)
    kept, first = core.apply(variables, empty, x[:3], none[:3])
    _, second = core.apply(variables, kept, x[3:5], none[3:5])
    last_carry, third = core.apply(variables, empty, x[5:], none[5:])
    np.testing.assert_allclose(
        whole, jnp.concatenate([first, second, third]), atol=1e-6
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6),
                 carry, last_carry)  # fmt: skip
    _, forgotten = core.apply(variables, empty, x[3:5], none[3:5])
    assert jnp.abs(second - forgotten).max() > 1e-3
    with pytest.raises(ValueError, match="at least time_min"):
        LeakyConfig(time_min=5.0, time_max=2.0)


def test_the_page_shows_these_files_whole():
    page = (ROOT / "docs" / "adding.md").read_text()
    shown = set(re.findall(r'--8<-- "(examples/adding/\w+\.py)"', page))
    files = (ROOT / "examples" / "adding").glob("*.py")
    assert shown == {path.relative_to(ROOT).as_posix() for path in files}
    assert SPEC.name in page


@pytest.mark.slow
def test_all_three_train_together(tmp_path):
    """As the page's command does; without memory the mean return is 0."""
    done = subprocess.run(
        [sys.executable, "-m", "examples.adding", str(tmp_path / "run")],
        cwd=ROOT,
        env={**os.environ, "JAX_COMPILATION_CACHE_DIR": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["env"], summary["core"], summary["agent"]) == (
        *("parity", "leaky", "a2c"),
    )
    assert min(summary["final_return_per_seed"]) > 0.8
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").open()))
    errors = [float(row["diagnostics/first_replay_error"]) for row in rows]
    assert rows and max(errors) < 1e-4

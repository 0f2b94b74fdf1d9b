"""How fast do the environments step, beside the packages that they reproduce?

    python -m benchmarks.environments                       # all of them, an hour
    python -m benchmarks.environments --env "popgym_*_easy" --reference

Random actions, 1, 64 and 2048 environments. A line of JSON per measurement: environment
steps per second, all environments together, automatic resets included, compiling apart.
With `--reference`, beside it the package popgym (`pip install -e ".[conformance]"`):
one Python process that steps one environment and resets it when it ends, in the same
run, between our measurements; `ratio` is ours over its. A meta-environment is measured
beside the environment inside it. `--table` prints the worst
ratio of each family at the end, in Markdown. `--profile` says of each where the time
goes: drawing keys and actions, the step itself, the automatic reset and what it costs
to hand on states.
"""

import argparse
import fnmatch
import json
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

import envs
from benchmarks.measure import machine, positive
from envs import popgym
from envs.meta.bodies import BodySet

SECONDS = 0.3  # of each measurement, at least
ROUNDS = 3  # of which the median counts
DOWNLOADS = "gymnax/MNISTBandit-bsuite"


def rollout(
    env: Any, params: Any, steps: Any, carry: Any, part: str = "everything"
) -> Any:
    """Random actions for `steps` steps; sums keep what is computed from being dropped.

    Args:
      env: in the gymnax 1.x contract, with its `params`.
      steps: [] how many, of each environment; not static, so it compiles once.
      carry: `(key, state, sums)`, state [B, ...], sums [B].
      part: "everything"; "step" without automatic reset; "draws" of keys and actions.

    Returns:
      The carry after them; sums have grown by observations, rewards and ends.
    """
    space = env.action_space(params)
    batch = len(carry[-1])

    def step(_, carry):
        key, state, sums = carry
        key, act_key, step_key = jax.random.split(key, 3)
        action = jax.vmap(space.sample)(jax.random.split(act_key, batch))
        keys = jax.random.split(step_key, batch)
        axes = (0, 0, 0, None)
        if part == "draws":
            drawn = jax.vmap(jax.random.bits)(keys).astype(jnp.float32)
            return key, state, sums + drawn + action.reshape(batch, -1).sum(-1)
        if part == "step":
            obs, state, reward, ends, _ = jax.vmap(env.step_env, axes)(
                keys, state, action, params
            )
        else:
            obs, state, reward, terminated, truncated, _ = jax.vmap(env.step, axes)(
                keys, state, action, params
            )
            ends = terminated.astype(jnp.float32) + truncated
        seen = [x.reshape(batch, -1).sum(-1) for x in jax.tree.leaves(obs)]
        return key, state, sums + sum(seen) + reward + ends

    return jax.lax.fori_loop(0, steps, step, carry)


def ours(name: str, num_envs: int) -> dict[str, float]:
    """Steps per second of one environment, and the seconds that it took to compile.

    Of a meta-environment also those of the environment inside, and the share of its
    speed that is left.
    """
    env, params = popgym.make(name) if name in popgym.TABLE else envs.make(name)
    timing = measured(env, params, num_envs)
    if envs.spec(name).splits:
        bare = bare_speed(env, params, num_envs)
        timing |= {"bare": bare, "ratio_to_bare": timing["steps_per_second"] / bare}
    return timing


def profile(name: str, num_envs: int) -> dict[str, Any]:
    """Nanoseconds that a step of one environment takes, part by part."""
    env, params = popgym.make(name) if name in popgym.TABLE else envs.make(name)
    seconds = {
        part: 1 / measured(env, params, num_envs, part)["steps_per_second"]
        for part in ("draws", "step", "everything")
    }
    return {
        "draws_ns": 1e9 * seconds["draws"],
        "step_ns": 1e9 * (seconds["step"] - seconds["draws"]),
        "reset_ns": 1e9 * (seconds["everything"] - seconds["step"]),
    }


def bare_speed(meta: Any, params: Any, num_envs: int) -> float:
    """Steps per second of what is inside; of several bodies, in their mean time."""
    inside = [(meta.env, params.inner)]
    if isinstance(meta.env, BodySet):
        inside = list(zip(meta.env.bodies, params.inner.inner, strict=True))
    speeds = [measured(*pair, num_envs)["steps_per_second"] for pair in inside]
    return len(speeds) / sum(1 / speed for speed in speeds)


def measured(
    env: Any, params: Any, num_envs: int, part: str = "everything"
) -> dict[str, float]:
    """Steps per second, and the seconds that it took to compile."""
    key = jax.random.key(0)
    keys = jax.random.split(key, num_envs)
    _, state = jax.jit(jax.vmap(env.reset, (0, None)))(keys, params)
    carry = (key, state, jnp.zeros(num_envs))
    began = time.perf_counter()
    run = jax.jit(partial(rollout, env, params, part=part))
    run = run.lower(32, carry).compile()
    compile_seconds = time.perf_counter() - began

    def timed(steps: int, carry: Any) -> tuple[float, Any]:
        began = time.perf_counter()
        carry = jax.block_until_ready(run(steps, carry))
        return time.perf_counter() - began, carry

    steps, taken = 32, 0.0
    while taken < SECONDS / 2:  # also gets past the start that all have in common
        steps *= 2
        taken, carry = timed(steps, carry)
    steps = int(steps * SECONDS / taken)
    times = []
    for _ in range(ROUNDS):
        taken, carry = timed(steps, carry)
        times.append(taken)
    speed = steps * num_envs / sorted(times)[ROUNDS // 2]
    return {"steps_per_second": speed, "compile_seconds": compile_seconds}


def reference(name: str) -> float:
    """Steps per second of the package popgym: one process, one environment."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import popgym.envs

        difficulty = name.rsplit("_", 1)[1].capitalize()
        class_name = popgym_class(name) + difficulty
        env = getattr(popgym.envs, class_name)()
        env.reset(seed=0)
        actions = [env.action_space.sample() for _ in range(1024)]
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < 2 * SECONDS:
            for action in actions:
                _, _, terminated, truncated, _ = env.step(action)
                if terminated or truncated:
                    env.reset()
            count += len(actions)
        return count / (time.perf_counter() - began)


def popgym_class(name: str) -> str:
    """The reference's name of the class of one of our names, without difficulty."""
    return popgym.TABLE[name].env_class.__name__


def measurements(
    names: list[str], sizes: list[int], beside: bool
) -> Iterator[dict[str, Any]]:
    """One row per environment and size."""
    for name in names:
        for size in sizes:
            row: dict[str, Any] = {"env": name, "num_envs": size, **ours(name, size)}
            if beside and name in popgym.TABLE:
                row["reference"] = reference(name)
                row["ratio"] = row["steps_per_second"] / row["reference"]
            yield {k: _short(v) for k, v in row.items()}


def can_be_made(name: str) -> bool:
    """Whether it is there to be measured: installed, and in need of no more telling."""
    try:
        envs.check_config(name, {})
    except ValueError:
        return False
    return True


def table(rows: list[dict[str, Any]], sizes: list[int]) -> str:
    """The slowest difficulty of each family, beside the reference, in Markdown."""
    lines = [
        "| family | reference | " + " | ".join(f"{n:,}" for n in sizes) + " |",
        "|---|---" + "|---" * len(sizes) + "|",
    ]
    families: dict[str, dict[int, dict[str, Any]]] = {}
    for row in rows:
        if "ratio" in row:
            cells = families.setdefault(row["env"].rsplit("_", 1)[0], {})
            worst = cells.get(row["num_envs"])
            if worst is None or row["ratio"] < worst["ratio"]:
                cells[row["num_envs"]] = row
    for family, cells in families.items():
        theirs = min(row["reference"] for row in cells.values())
        text = [f"{c['steps_per_second']:,.0f} ({c['ratio']:.3g} x)" for c in
                (cells[n] for n in sizes)]  # fmt: skip
        lines.append(f"| {family} | {theirs:,.0f} | " + " | ".join(text) + " |")
    return "\n".join(lines)


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main(flags: list[str] | None = None, show: Callable[[str], None] = print) -> None:
    """Measures what the flags ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", nargs="*", default=["*"], help="names or patterns")
    parser.add_argument("--num-envs", nargs="*", type=positive, default=[1, 64, 2048])
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args(flags)
    known = [n for n in envs.names() if n not in popgym.ALIASES]
    known = [n for n in known if n != DOWNLOADS and can_be_made(n)]
    names = [n for n in known if any(fnmatch.fnmatch(n, p) for p in chosen.env)]
    if not names:
        parser.error(f"no environment matches {' '.join(chosen.env)}")
    if chosen.profile:
        for name in names:
            for size in chosen.num_envs:
                parts = {k: _short(v) for k, v in profile(name, size).items()}
                show(json.dumps({"env": name, "num_envs": size} | parts | machine()))
        return
    rows = []
    for row in measurements(names, chosen.num_envs, chosen.reference):
        rows.append(row)
        show(json.dumps(row | machine()))
    if chosen.table:
        show(table(rows, chosen.num_envs))


if __name__ == "__main__":
    main()

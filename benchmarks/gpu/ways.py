"""Which way of working on some lanes is faster on a card, and what each asks of it.

    python -m benchmarks.gpu.ways            # what is counted, without a card: Markdown

`python -m benchmarks.gpu` times the same (`environments/*`).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

import envs
from benchmarks.environments import rollout
from benchmarks.gpu.launches import in_loop
from benchmarks.gpu.methods import seconds_of
from benchmarks.gpu.questions import WAYS
from benchmarks.measure import machine, rounded
from envs.contract import lanes

# One of each kind of costly reset, and of bodies.
FAMILIES = (
    *("control/cartpole_swingup", "projected_control", "meta_cartpole", "dark_room"),
    *("meta_bandit", "popgym_higher_lower_easy", "popgym_count_recall_easy"),
    *("popgym_concentration_easy", "popgym_battleship_easy"),
    *("popgym_minesweeper_easy", "popgym_labyrinth_escape_easy"),
    "popgym_multiarmed_bandit_easy",
)


class Asks(NamedTuple):
    """What a step asks of a card, of what cannot be fused with its neighbours."""

    waits: int  # loops whose end the device decides: the host waits at each round
    sorts: int  # with top_k
    scatters: int
    rounds: int  # of loops of known length, all together
    equations: int


def asks(step: Callable[..., Any], *arguments: Any) -> Asks:
    """Counted in the traced step, a loop's body as often as it is known to run."""
    count = equations(jax.make_jaxpr(step)(*arguments).jaxpr)
    return Asks(
        waits=count["while"],
        sorts=count["sort"] + count["top_k"],
        scatters=count["scatter"],
        rounds=count["rounds"],
        equations=count["equations"],
    )


def equations(jaxpr: Any, *, by_length: bool = True, times: int = 1) -> Counter[str]:
    """How often each primitive runs, and "equations" and "rounds" of loops in all.

    Args:
      jaxpr: of a trace.
      by_length: count what is in a loop as often as that is known to run, not once.
      times: how often `jaxpr` itself runs.
    """
    found: Counter[str] = Counter()
    for equation in jaxpr.eqns:
        name, length = equation.primitive.name, 1
        found[name] += times
        found["equations"] += times
        if name == "scan" and by_length:
            length = equation.params["length"]
            found["rounds"] += times * length
        for leaf in jax.tree.leaves(list(equation.params.values())):
            inner = getattr(leaf, "jaxpr", leaf)
            if hasattr(inner, "eqns"):
                found += equations(inner, by_length=by_length, times=times * length)
    return found


def many(env: Any, params: Any, num_envs: int) -> tuple[Callable[..., Any], tuple]:
    """A step of a batch, and shapes of its arguments."""
    keys = jax.random.split(jax.random.key(0), num_envs)
    _, state = jax.eval_shape(jax.vmap(env.reset, (0, None)), keys, params)
    action = jax.eval_shape(jax.vmap(env.action_space(params).sample), keys)
    return jax.vmap(env.step, (0, 0, 0, None)), (keys, state, action, params)


def counted(name: str, way: lanes.Way, num_envs: int) -> Asks:
    """Of one environment's step."""
    with lanes.forced(way):
        step, arguments = many(*envs.make(name), num_envs)
        return asks(step, *arguments)


def timed(
    name: str, way: str, *, num_envs: int, length: int, calls: int = 5
) -> Callable[[], Iterator[dict[str, Any]]]:
    """Microseconds that a step of a batch takes; `way` "chosen": as it comes."""
    with lanes.forced(None if way == "chosen" else way):  # type: ignore[arg-type]
        env, params = envs.make(name)
        keys = jax.random.split(jax.random.key(0), num_envs)
        _, state = jax.jit(jax.vmap(env.reset, (0, None)))(keys, params)
        carry = (jax.random.key(1), state, jnp.zeros(num_envs))
        run = jax.jit(partial(rollout, env, params, length)).lower(carry).compile()
    row: dict[str, Any] = {"env": name, "way": way, "num_envs": num_envs}
    try:
        row |= in_loop(run.as_text() or "", length)._asdict()
    except ValueError as error:
        row["said"] = str(error)

    def answer() -> Iterator[dict[str, Any]]:
        seconds = seconds_of(partial(run, carry), calls=calls)
        row["microseconds_a_step"] = rounded(1e6 * seconds / length)
        row["steps_per_second"] = rounded(num_envs * length / seconds)
        yield row | machine()

    return answer


def taken(name: str, num_envs: int) -> str:
    """The way that is taken when a step is lowered for CUDA: "select", "any" or "both".

    Told by the loops of the lowered program. "both": short work and long.
    """

    def loops(way: lanes.Way | None) -> int:
        with lanes.forced(way):
            step, arguments = many(*envs.make(name), num_envs)
            traced = jax.jit(step).trace(*arguments)
        text = traced.lower(lowering_platforms=("cuda",)).as_text()
        return text.count("stablehlo.while")

    chosen = loops(None)
    return next((way for way in ("select", "any") if loops(way) == chosen), "both")


def main(num_envs: int = 1024) -> None:
    """Prints the table of docs/performance_environments.md."""
    print("| environment | way | waits | sorts | scatters | rounds | equations |")
    print("|---|---|---|---|---|---|---|")
    for name in FAMILIES:
        chosen = taken(name, num_envs)
        if chosen == "both":
            name += " (both)"
        for way in WAYS:
            cells = " | ".join(
                f"{n:,}" for n in counted(name.split()[0], way, num_envs)
            )
            mark = " (taken)" if way == chosen else ""
            print(f"| {name} | {way}{mark} | {cells} |", flush=True)


if __name__ == "__main__":
    main()

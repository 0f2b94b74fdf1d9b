"""Whether what is asked for fits into memory, counted by its shapes before it is made.

Nothing is allocated: `jax.eval_shape` says how large learners are, and what is played
beside them. What does not fit is refused with the option that makes it so large: the
one that is the most times its default, among those that the largest part hangs on.
(What is built eagerly, by shapes that one option gives, is bounded where it is checked:
`s5rl.config.base.LARGEST`, `envs.values.SIZE`.)
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jax

import envs
from envs.config import OpenConfig
from experiment import memory
from experiment.errors import InputError
from experiment.setup.config import RunConfig

NETWORK = ("core", "encoder", "env", "num_seeds")  # what its parameters hang on
NAMED = 2  # options in a sentence, at most


class Part(NamedTuple):
    """One of what memory is taken for."""

    size: int  # bytes
    what: str  # as in "of which 3 GB are for ..."
    options: tuple[str, ...]  # kinds of those that it hangs on (`_options`)


def check_run(config: RunConfig, learners: Any) -> None:
    """Refuses a run whose learners and rollouts cannot lie in memory together.

    Args:
      config: of the run.
      learners: [S, ...] shapes, and where they lie.

    Raises:
      InputError: naming what is taken, what there is, and what to lower.
    """
    now = getattr(learners, "situation", None)
    lanes = ("lanes", "num_seeds")
    parts = [
        Part(memory.size(learners) - memory.size(now), "parameters", NETWORK),
    ]
    if now is not None:
        length = config.agent.options.rollout_length
        carry, obs = memory.size(now.carry), memory.size(now.obs)
        parts += [
            Part(carry, "what lanes remember", ("core", *lanes)),
            Part(memory.size(now) - carry, "environments", ("env", *lanes)),
            Part(length * obs, "observations of a rollout", ("env", "length", *lanes)),
        ]
    _check("this run takes", parts, _options(config))


def check_played(
    config: RunConfig,
    agent: Any,
    learners: Any,
    lanes: Mapping[str, int],
    steps: Mapping[str, int] | None = None,
) -> None:
    """Likewise of an evaluation, that plays so many lanes of each learner.

    Args:
      config: of the run.
      agent: that plays.
      learners: [S, ...] that it plays; they are there already.
      lanes: the option that says how many, and its value.
      steps: likewise of steps, where observations of all of them are kept.

    Raises:
      InputError: as `check_run` does.
    """
    (count,) = lanes.values()

    def begun(key: Any) -> tuple[Any, Any]:
        keys = jax.random.split(key, count)
        reset = jax.vmap(agent.env.reset, in_axes=(0, None))
        return agent.initial_carry(count), reset(keys, agent.env_params)

    carry, (obs, state) = jax.eval_shape(begun, jax.random.key(0))
    each = max((len(leaf) for leaf in jax.tree.leaves(learners)[:1]), default=1)
    length = max((steps or {}).values(), default=1)
    options = _options(config) | {"played": [(k, v, 1) for k, v in lanes.items()]}
    options["kept"] = [(k, v, 1) for k, v in (steps or {}).items()]
    seen = each * (memory.size(state) + length * memory.size(obs))
    parts = [
        Part(each * memory.size(carry), "what lanes remember", ("played",)),
        Part(seen, "environments", ("env", "played", "kept")),
    ]
    _check("this evaluation takes", parts, options)


def _check(what: str, parts: Iterable[Part], options: Mapping[str, list]) -> None:
    parts = list(parts)
    needed, most = sum(part.size for part in parts), memory.there_is()
    if needed <= most:
        return
    largest = max(parts, key=lambda part: part.size)
    known = [row for kind in largest.options for row in options[kind]]
    known.sort(key=lambda row: -row[1] / row[2])
    above = [row for row in known if row[1] > row[2]] or known[:1]
    named = " or ".join(f"{key} ({value:,})" for key, value, _ in above[:NAMED])
    raise InputError(
        f"{what} at least {memory.shown(needed)} of memory, of which "
        f"{memory.shown(largest.size)} for {largest.what}, and "
        f"{jax.devices()[0].device_kind} has {memory.shown(most)}: lower {named}."
    )


def _options(config: RunConfig) -> dict[str, list[tuple[str, int, int]]]:
    """(key, value, default) of options that shapes hang on, by kind."""
    agent = _numbers("agent", config.agent.options)
    by_key = {row[0]: row for row in agent}
    return {
        "core": [
            ("core.features", config.core.features, 64),
            *_numbers("core", config.core.options),
        ],
        "encoder": [
            (f"agent.{name}", max(sizes), 64)
            for name in ("encoder_sizes", "head_sizes")
            if (sizes := getattr(config.agent.options, name, ()))
        ],
        "env": _of_env(config),
        "lanes": [by_key["agent.num_envs"]],
        "length": [by_key["agent.rollout_length"]],
        "num_seeds": [("num_seeds", config.schedule.num_seeds, 1)],
    }


def _numbers(section: str, options: Any) -> list[tuple[str, int, int]]:
    """Those that are whole numbers."""
    return [
        (f"{section}.{field.name}", value, max(1, field.default))
        for field in dataclasses.fields(options)
        if type(value := getattr(options, field.name)) is int
        if type(field.default) is int
    ]


def _of_env(config: RunConfig) -> list[tuple[str, int, int]]:
    """Of an environment whose own code knows its parameters, those that were given."""
    params = config.env.params
    kind = envs.spec(config.env.name).config
    if not issubclass(kind, OpenConfig):
        return _numbers("env", kind(**params))
    return [(f"env.{key}", x, 1) for key, x in params.items() if type(x) is int]

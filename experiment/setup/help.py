"""The text of `--help`: what would run, key by key.

Made from a composed configuration, the dataclasses that its keys come from, and the
comments that their fields have.
"""

import dataclasses
import textwrap
from collections.abc import Mapping
from typing import Any

import agents
import envs
from envs.config import (
    ControlConfig,
    GymnaxConfig,
    OpenConfig,
    PopgymConfig,
    SuiteConfig,
)
from experiment.setup import comments, distributed, keys
from experiment.setup.config import RunConfig, Schedule
from experiment.setup.devices import MeshConfig
from experiment.setup.distributed import Distributed
from experiment.setup.sections import MESH
from experiment.setup.settings import HALVE_AT, SAMPLES, SWEEP, sweepable
from s5rl.config import CORES

_WIDTH = 88
_HISTORY = "append previous action, previous reward and a start flag to observations"
_OPEN = (
    "Parameters of its own are set likewise (env.<parameter>=); it refuses what it "
    "does not have."
)

_SWEEP = {
    "sweep.<key>": (
        "[1e-4,1e-3]",
        "every combination trains; or log(1e-4,1e-2), uniform(0,1), to draw from",
        (),
    ),
    f"{SWEEP}.{SAMPLES}": (None, "how many settings are drawn", ()),
    f"{SWEEP}.{HALVE_AT}": ([], "shares of training after which the worse half of the "
                            "settings stops", ()),
}  # fmt: skip
_CACHE = {keys.CACHE: ("on", keys.CACHE_IS, ())}
_PROCESSES = {distributed.KEY: ("null", distributed.IS, ())}


def train_help(config: RunConfig) -> str:
    """What `python train.py` understands, and what this configuration would run."""
    env, core, agent = config.env, config.core, config.agent
    spec = envs.spec(env.name)
    classes = {"core": type(core.options), "agent": type(agent.options)}
    kept = {"env.history": (env.history, _HISTORY, ())}
    features = {"core.features": (core.features, "width of memory and layers", ())}
    lines = [
        "python train.py [key=value ...]        train",
        "python train.py resume=RUN_DIR         go on with an interrupted run",
        "python train.py -m core=s5,gru seed=0,1    a run for each combination",
        "python train.py -m launcher=joblib launcher.n_jobs=2 ...    side by side; or",
        "    launcher=submitit_slurm, sweeper=optuna (docs/field.md)",
        "python train.py env=... core=... --help    what would run with that choice",
        "",
        "What would run:",
        "",
        f"env={env.name}: {spec.measures}",
        *_table(_of("env", spec.config, env.params) | kept),
        *([f"  {line}" for line in textwrap.wrap(_OPEN, _WIDTH - 2)]
          if issubclass(spec.config, OpenConfig) else []),
        "",
        f"core={core.name}: {CORES[core.name].summary}",
        *_table(features | _of("core", type(core.options), vars(core.options))),
        "",
        f"agent={agent.name}: {agents.AGENTS[agent.name].summary}",
        *_table(_of("agent", type(agent.options), vars(agent.options))),
        "",
        "memory=reset|never_reset, which sets agent.memory",
        "scale=cpu|gpu, which sets agent.num_envs, agent.num_minibatches, total_steps",
        "    and, for what has a preset, agent.learning_rate",
        "",
        "the run",
        *_table(
            _of("", Schedule, vars(config.schedule))
            | _of(MESH, MeshConfig, vars(config.mesh))
            | _CACHE
            | _PROCESSES
            | _of(distributed.KEY, Distributed, vars(Distributed()))
        ),
        "",
        "settings side by side, in one program (docs/sweeps.md)",
        *_table(_SWEEP),
        *_hung("  <key>  ", ", ".join(sweepable(classes)), _WIDTH - 9),
        "",
        "agents",
        *_listed({name: row.summary for name, row in agents.AGENTS.items()}),
        "",
        "cores",
        *_listed({name: row.summary for name, row in CORES.items()}),
        "",
        *_environments(),
    ]  # fmt: skip
    return "\n".join(lines)


def request_help(kinds: Mapping[str, type]) -> str:
    """The keys of requests, each kind under its title."""
    lines = []
    for title, cls in kinds.items():
        defaults = {field.name: field.default for field in dataclasses.fields(cls)}
        lines += [title, *_table(_of("", cls, defaults)), ""]
    return "\n".join([*lines, "both", *_table(_CACHE)])


def _of(
    section: str, cls: type, values: Mapping[str, Any]
) -> dict[str, tuple[Any, str, tuple[str, ...]]]:
    """Value, comment and choices by key; of an open configuration what was set."""
    prefix = f"{section}." if section else ""
    if issubclass(cls, OpenConfig):
        return {f"{prefix}{name}": (value, "", ()) for name, value in values.items()}
    said = comments.of(cls)
    found = {}
    for field in dataclasses.fields(cls):
        choices = field.metadata.get("choices", ())
        if field.name == "split":
            choices = getattr(cls, "SPLITS", ())
        value = values[field.name]
        if value is None and field.name in keys.are_text(cls):
            value = "-"  # null would be taken for a name
        found[f"{prefix}{field.name}"] = (value, said.get(field.name, ""), choices)
    return found


def _table(keys: Mapping[str, tuple[Any, str, tuple[str, ...]]]) -> list[str]:
    """Three columns: key, value, and what it is."""
    if not keys:
        return []
    shown = {key: _as_typed(value) for key, (value, *_) in keys.items()}
    first = max(map(len, shown))
    second = min(24, max(map(len, shown.values())))
    lines = []
    for key, (_, comment, choices) in keys.items():
        if choices:
            comment = f"{comment} ({'|'.join(choices)})".strip()
        start = f"  {key.ljust(first)}  {shown[key].ljust(second)}  "
        room = max(30, _WIDTH - len(start))
        lines += _hung(start, comment, room)
    return lines


def _hung(start: str, text: str, room: int) -> list[str]:
    """Text beside `start`; what does not fit stands below its beginning."""
    head, *rest = textwrap.wrap(text, room, break_long_words=False) or [""]
    return [f"{start}{head}".rstrip(), *(f"{' ' * len(start)}{line}" for line in rest)]


def _as_typed(value: Any) -> str:
    """A value as a command line has it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:_}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, tuple | list):
        return f"[{','.join(map(_as_typed, value))}]"
    return str(value)


def _listed(summaries: Mapping[str, str]) -> list[str]:
    """A line each, what it is and whose."""
    width = max(map(len, summaries))
    return [
        line
        for name, summary in summaries.items()
        for line in _hung(f"  {name.ljust(width)}  ", summary, _WIDTH - width - 4)
    ]


def _environments() -> list[str]:
    """What `env=` can be."""
    kinds: dict[type, list[str]] = {}
    ours = []
    for name in envs.names():
        cls = envs.spec(name).config
        if issubclass(cls, OpenConfig):
            kinds.setdefault(cls, []).append(name)
        else:
            ours.append(name)
    games = [name for name in kinds[PopgymConfig] if not envs.spec(name).is_alias]
    bodies = kinds[ControlConfig]
    others, suites = kinds[GymnaxConfig], kinds[SuiteConfig]
    known = sorted({name.partition("/")[0] for name in suites})
    return [
        "environments (python -m envs lists them)",
        *textwrap.wrap(", ".join(ours), _WIDTH, initial_indent="  ",
                       subsequent_indent="  "),
        f"  {len(games)} POPGym games, popgym_<family>_<difficulty>: {games[0]} ...",
        f"  {len(bodies)} control tasks, control/<task>: {bodies[0]} ...",
        f"  {len(others)} of gymnax, gymnax/<id>: {others[0]} ...",
        f"  {len(suites)} of {', '.join(known)}, each with the extra of its name",
        "  your own: env=custom env.entry_point=my_module:MyEnv",
    ]  # fmt: skip

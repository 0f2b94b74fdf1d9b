"""The text of `--help`, made from the dataclasses that the keys come from."""

import dataclasses

import agents
import envs
from envs.config import (
    ControlConfig,
    GymnaxConfig,
    OpenConfig,
    PopgymConfig,
    SuiteConfig,
)
from experiment.setup.config import Schedule
from s5rl.config import CORE_CONFIGS


def train_help() -> str:
    """What `python train.py` understands."""
    ours = [n for n in envs.names() if not issubclass(envs.spec(n).config, OpenConfig)]
    games = [name for name in envs.names() if envs.spec(name).config is PopgymConfig]
    bodies = [name for name in envs.names() if envs.spec(name).config is ControlConfig]
    others = [name for name in envs.names() if envs.spec(name).config is GymnaxConfig]
    suites = [n for n in envs.names() if envs.spec(n).config is SuiteConfig]
    known = sorted({name.partition("/")[0] for name in suites})
    lines = [
        "python train.py [key=value ...]        train",
        "python train.py resume=RUN_DIR         go on with an interrupted run",
        "python train.py --multirun seed=0,1    one run per combination (Hydra)",
        "",
        f"env={'|'.join(ours)}|popgym_<family>_<difficulty>|control/<task>|gymnax/<id>",
        f"    {len(games)} names of POPGym games: {games[0]} ... {games[-1]}",
        f"    {len(bodies)} control tasks: {bodies[0]} ... {bodies[-1]}",
        f"    {len(others)} environments of gymnax: {others[0]} ... {others[-1]}",
        f"    {len(suites)} of {', '.join(known)}, each with the extra of its name",
        "env=custom env.entry_point=my_module:MyEnv   an environment of your own",
        "    env.history = False     append previous action, reward and start flag",
    ]
    for name in ours:
        lines += _keys(f"env={name}", "env", envs.spec(name).config)
    lines += ["", "memory=reset|never_reset  whether an episode clears it (a baseline)"]
    lines += ["", f"core={'|'.join(CORE_CONFIGS)}", "    core.features = 64"]
    for name, config in CORE_CONFIGS.items():
        lines += _keys(f"core={name}", "core", config)
    for name, config in agents.CONFIGS.items():
        lines += ["", *_keys(f"agent={name}", "agent", config)]
    lines += ["", *_keys("the run", "", Schedule)]
    lines += ["", "configs/ overrides some of these defaults for some environments."]
    return "\n".join(lines)


def _keys(title: str, section: str, config: type) -> list[str]:
    prefix = f"{section}." if section else ""
    return [
        f"  {title}",
        *(
            f"    {prefix}{field.name} = {field.default}"
            for field in dataclasses.fields(config)
        ),
    ]

"""Presets of an environment's named settings: what they do not say, it says for them.

A file under configs/env may set another environment than its own name: a setting, such
as `ladder/orthogonal_one` of `projected_control`. What an agent, a core or a scale
needs in it is looked up by the setting's name, and else by its environment's.
"""

from collections.abc import Mapping
from pathlib import Path

import yaml

# Groups that are chosen by what else is chosen, and the names in theirs.
BY_ENV = {
    "env_agent": ("agent",),
    "env_core": ("core",),
    "env_core_agent": ("core", "agent"),
}


def environment(configs: Path, setting: str) -> str:
    """The environment of a setting; of an environment, itself."""
    path = configs / "env" / f"{setting}.yaml"
    if not path.is_file():
        return setting
    content = yaml.safe_load(path.read_text()) or {}
    own = content.get("env", {}).get("name")
    if own is not None:
        return own
    parents = [entry for entry in content.get("defaults", ()) if entry != "_self_"]
    for parent in parents:
        if isinstance(parent, str) and parent.startswith("/env/"):
            return environment(configs, parent.removeprefix("/env/"))
    return setting


def inherited(configs: Path, chosen: Mapping[str, str]) -> dict[str, str]:
    """Files of a setting's environment, by group, where it has none of its own.

    Args:
      configs: the folder of all groups.
      chosen: a name for each of env, agent and core.
    """
    setting = chosen["env"]
    name, found = environment(configs, setting), {}
    if name == setting:
        return found
    for group, parts in BY_ENV.items():
        rest = "".join(f"_{chosen[part]}" for part in parts)
        own, theirs = (
            (configs / group / f"{owner}{rest}.yaml").is_file()
            for owner in (setting, name)
        )
        if theirs and not own:
            found[group] = f"{name}{rest}"
    return found

"""How large a run is for its machine: presets, and a hint where one is missing.

`scale=gpu` sets lanes, minibatches, steps and learning rates for a card: those of
configs/scale/gpu.yaml, over them those of the environment or its family, under
configs/env_scale. A preset is a choice of values like any other: a run's configuration
holds the values, and not the name.
"""

from pathlib import Path

SCALE = "scale"  # the group, chosen by name as env and core are
PRESETS = "env_scale"  # the group of what one environment, or family, has of its own
IDLE_BELOW = 512  # lanes


def preset(configs: Path, env: str, scale: str, group: str = PRESETS) -> str | None:
    """The file in `configs`/`group` for an environment at a scale, if there is one.

    The environment's own, else that of the longest part of its name, at an underscore
    or a slash: popgym_minesweeper_easy has popgym_minesweeper's, or popgym's, and
    control/reacher_easy has control's.
    """
    ends = [at for at, letter in enumerate(env) if letter in "_/"]
    for end in (len(env), *reversed(ends)):
        name = f"{env[:end]}_{scale}"
        if (configs / group / f"{name}.yaml").is_file():
            return name
    return None


def idle(platform: str, device: str, lanes: int) -> str | None:
    """What to say of a card with next to nothing to do; None where all is well.

    Args:
      platform: as JAX names it: "cpu", "gpu" and so on.
      device: kind of the device, for the sentence.
      lanes: environments stepped together, of all learners.
    """
    if platform == "cpu" or lanes >= IDLE_BELOW:
        return None
    return (
        f"hint: {lanes} environments leave the {device} nearly idle; scale=gpu trains "
        "with as many as it has room for."
    )

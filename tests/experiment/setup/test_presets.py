"""A named setting has what its environment's agents and cores need.

| mutant | fails |
|---|---|
| the setting's own file is not looked for | own_file |
| presets are looked up by the setting's name alone | what_its_environment_has |
| a parent is not followed | what_its_environment_has |
| a preset is over the command line | the_command_line |
"""

import pytest

from envs.meta.projection import LAWS
from experiment.setup import cli, presets
from experiment.setup import config as run_config

RUNGS = sorted(
    path.relative_to(cli.CONFIGS / "env").with_suffix("").as_posix()
    for path in (cli.CONFIGS / "env" / "ladder").glob("*.yaml")
)


def loaded(*arguments):
    return run_config.load(cli.composed("train", arguments))


@pytest.mark.parametrize("rung", RUNGS)
def test_a_rung_has_what_its_environment_has_but_law_and_bodies(rung):
    config, base = loaded(f"env={rung}"), loaded("env=projected_control")
    law, count = rung.removeprefix("ladder/").split("_")
    assert config.env.name == "projected_control"
    assert config.env.params["law"] == law
    assert len(config.env.params["train_bodies"]) == {"one": 1, "four": 4}[count]
    own = {"law", "train_bodies"}
    rest = [
        {k: v for k, v in c.env.params.items() if k not in own} for c in (config, base)
    ]
    assert rest[0] == rest[1]
    assert (config.agent, config.core) == (base.agent, base.core)
    assert config.schedule == base.schedule


def test_there_is_a_rung_for_every_law():
    counts = ("one", "four")
    assert set(RUNGS) == {f"ladder/{law}_{n}" for law in LAWS for n in counts}


def test_the_command_line_is_over_what_is_inherited():
    config = loaded("env=ladder/orthogonal_one", "agent.learning_rate=0.5")
    assert config.agent.options.learning_rate == 0.5
    large = loaded("env=ladder/orthogonal_one", "scale=gpu")
    base = loaded("env=projected_control", "scale=gpu")
    assert (large.agent, large.schedule) == (base.agent, base.schedule)


@pytest.fixture
def configs(tmp_path):
    """`world` with a setting `small`, and one of that, `tiny`."""
    for group in ("env", presets.AGENTS, *presets.BY_CORE):
        (tmp_path / group).mkdir()
    (tmp_path / "env" / "world.yaml").write_text("env:\n  name: world\n")
    for name, parent in (("small", "world"), ("tiny", "small")):
        text = f"defaults:\n  - /env/{parent}\n  - _self_\nenv:\n  size: 1\n"
        (tmp_path / "env" / f"{name}.yaml").write_text(text)
    (tmp_path / "env_agent" / "world_ppo.yaml").touch()
    (tmp_path / "env_core_agent" / "world_s5_ppo.yaml").touch()
    return tmp_path


@pytest.mark.parametrize("setting", ["small", "tiny"])
def test_an_own_file_of_a_setting_counts_before_its_environments(configs, setting):
    chosen = {"env": setting, "agent": "ppo", "core": "s5"}
    assert presets.environment(configs, setting) == "world"
    every = {"env_agent": "world_ppo", "env_core_agent": "world_s5_ppo"}
    assert presets.of(configs, chosen) == every
    assert presets.of(configs, {**chosen, "agent": "pqn"}) == {}
    (configs / "env_agent" / f"{setting}_ppo.yaml").touch()
    every["env_agent"] = f"{setting}_ppo"
    assert presets.of(configs, chosen) == every


def test_an_environment_has_its_own_or_its_familys(configs):
    chosen = {"env": "world", "agent": "ppo", "core": "s5"}
    assert presets.of(configs, chosen) == {"env_agent": "world_ppo"}
    assert presets.of(configs, {**chosen, "env": "world/north"}) == {
        "env_agent": "world_ppo"
    }
    assert presets.of(configs, {**chosen, "env": "worlds"}) == {}
    north = "control/pendulum_swingup"
    assert presets.environment(configs, north) == north

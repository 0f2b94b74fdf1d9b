"""Presets for a card are chosen by name, fit together, and fit on a card.

| mutant | fails |
|---|---|
| scale stands before env in the defaults | test_a_preset_is_over_its_environment_* |
| a family's preset is not looked for | test_a_family_has_one_preset |
| the general values are left out | test_what_has_no_preset_has_the_general_values |
| a preset is over the command line | test_the_command_line_is_over_a_preset |
| lanes are of one learner | test_lanes_are_those_of_all_learners |
| 1,024 lanes in 24 minibatches | test_a_preset_is_over_its_environment_* |
"""

import re

import pytest
from omegaconf import OmegaConf

import envs
import train
from experiment import memory
from experiment.run.compiling import compile_update
from experiment.setup import cli, presets, scale
from experiment.setup import config as run_config
from experiment.setup.building import build_agent, learner_shapes

CONFIGS = cli.CONFIGS
PRESETS = sorted(path.stem for path in (CONFIGS / "env_scale").glob("*.yaml"))
GENERAL = OmegaConf.load(CONFIGS / "scale" / "gpu.yaml")
CARD = 40e9  # bytes, of a small one


def example(preset):
    """An environment that has this preset."""
    known = [name for name in envs.names() if scale.preset(CONFIGS, name, "gpu")]
    own = preset.removesuffix("_gpu")
    (chosen, *_) = [name for name in known if name == own or name.startswith(f"{own}_")]
    return chosen


def loaded(*arguments):
    return run_config.load(cli.composed("train", arguments))


@pytest.fixture
def installed(monkeypatch):
    """Other suites are refused where they are not installed; here they all are."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_over_its_environment_and_enough_to_train(preset, installed):
    """What it says is what runs; gradient steps are larger, and not few."""
    chosen = f"env={example(preset)}"
    config, before = loaded(chosen, "scale=gpu"), loaded(chosen)
    plain = OmegaConf.create(run_config.dump(config))
    written = OmegaConf.load(CONFIGS / "env_scale" / f"{preset}.yaml")
    for key in ("agent.num_envs", "agent.num_minibatches", "total_steps"):
        assert OmegaConf.select(plain, key) == OmegaConf.select(written, key), key
    now, then = config.agent.options, before.agent.options
    assert now.rollout_length == then.rollout_length
    assert now.discount == then.discount and config.env == before.env
    assert now.num_envs >= scale.IDLE_BELOW
    assert config.num_updates >= 40
    # A gradient step sees more than on the CPU, and there are not fewer by half.
    per_step = now.steps_per_update // now.num_minibatches
    assert per_step > then.steps_per_update // then.num_minibatches
    count, its = (
        c.num_updates * c.agent.options.epochs * c.agent.options.num_minibatches
        for c in (config, before)
    )
    assert count > 0.5 * its


def test_every_preset_is_of_an_environment():
    for preset in PRESETS:
        assert example(preset)
    wanted = ["memory_chain", *envs.table._META, *envs.table._POPGYM]
    assert all(scale.preset(CONFIGS, name, "gpu") for name in wanted)
    assert not any(scale.preset(CONFIGS, name, "cpu") for name in wanted)
    # What has settings of its own, steps among them, has a preset of its own.
    for path in (CONFIGS / "env").rglob("*.yaml"):
        setting = path.relative_to(CONFIGS / "env").with_suffix("").as_posix()
        name = presets.environment(CONFIGS, setting)
        assert name == "t_maze" or scale.preset(CONFIGS, name, "gpu")


def test_a_family_has_one_preset(tmp_path):
    (tmp_path / "env_scale").mkdir()
    for name in ("popgym_gpu", "popgym_mine_gpu", "popgym_mine_sweeper_easy_gpu"):
        (tmp_path / "env_scale" / f"{name}.yaml").touch()
    found = {
        name: scale.preset(tmp_path, name, "gpu")
        for name in ("popgym_mine_sweeper_easy", "popgym_mine_sweeper_hard",
                     "popgym_minesweeper_easy", "popgymnastics", "meta_popgym")
    }  # fmt: skip
    assert list(found.values()) == [
        *("popgym_mine_sweeper_easy_gpu", "popgym_mine_gpu", "popgym_gpu"),
        *(None, None),
    ]
    assert scale.preset(tmp_path, "popgym_mine_sweeper_easy", "cpu") is None


@pytest.mark.parametrize("name", ["t_maze", "gymnax/CartPole-v1"])
def test_what_has_no_preset_has_the_general_values(name):
    config, before = loaded(f"env={name}", "scale=gpu"), loaded(f"env={name}")
    now, then = config.agent.options, before.agent.options
    assert now.num_envs == GENERAL.agent.num_envs
    assert now.num_minibatches == GENERAL.agent.num_minibatches
    assert config.schedule.total_steps == GENERAL.total_steps
    assert now.learning_rate == then.learning_rate
    assert loaded(f"env={name}", "scale=cpu") == before


def test_the_command_line_is_over_a_preset():
    config = loaded("scale=gpu", "agent.num_envs=2048", "total_steps=3_000_000")
    assert config.agent.options.num_envs == 2048
    assert config.schedule.total_steps == 3_000_000


def test_help_shows_what_a_preset_makes_of_a_run(call):
    status, text, errors = call(train, "scale=gpu", "env=meta_cartpole", "--help")
    assert (status, errors) == (0, "")
    assert re.search(r"  agent\.num_envs +1024  ", text)
    assert re.search(r"  total_steps +50_000_000  ", text) and "scale=cpu|gpu" in text
    status, _, errors = call(train, "scale=tpu")
    assert status == 2 and "unknown scale 'tpu'" in errors and "gpu" in errors


def test_a_card_with_little_to_do_is_told_of():
    said = scale.idle("gpu", "NVIDIA H200", 32)
    assert said and said.count("\n") == 0
    assert "32 environments" in said and "NVIDIA H200" in said and "scale=gpu" in said
    assert scale.idle("cpu", "cpu", 32) is None
    assert scale.idle("gpu", "NVIDIA H200", scale.IDLE_BELOW) is None


def test_lanes_are_those_of_all_learners(go, monkeypatch, capsys):
    """A run says it where there is something to say, and a resumed one does not."""
    heard = []

    def listening(platform, device, lanes):
        heard.append((platform, lanes))
        return "hint: so it is"

    monkeypatch.setattr(scale, "idle", listening)
    go("one", "num_seeds=3", "agent.num_envs=4")
    assert heard == [("cpu", 12)]
    assert "hint: so it is" in capsys.readouterr().out.splitlines()
    go("one", "num_seeds=3", "agent.num_envs=4", resume=True)
    assert "hint" not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.lenient  # distrax's Gaussians, in projected_control
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_fits_on_a_card(preset):
    """As XLA counts it for a CPU, and as much again for a card's own ways."""
    name = example(preset)
    if name == "projected_dmc":
        pytest.skip("needs an extra; of the same sizes as projected_control")
    config = loaded(f"env={name}", "scale=gpu")
    agent = build_agent(config)
    shapes = learner_shapes(agent, config)
    update, _ = compile_update(agent, shapes)
    found = update.memory_analysis()
    assert found is not None
    needed = found.argument_size_in_bytes + found.temp_size_in_bytes
    print(f"{name}: {needed / 1e9:.1f} GB")
    assert memory.size(shapes) < needed < CARD / 2

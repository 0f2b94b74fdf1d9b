"""A composed configuration is typed, checked, and survives being written down.

| mutant | fails |
|---|---|
| dump leaves env.history out | test_load_inverts_dump |
| an override replaces all parameters | test_an_override_keeps_the_rest_* |
| an environment is not registered | test_every_environment_can_be_chosen |
| env_core stands before core in the defaults | test_what_a_core_needs_* |
| env_agent stands before agent, or env after it | test_what_an_agent_needs_* |
| settings of one agent stand in configs/env | test_every_agent_has_every_environment |
"""

import dataclasses
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import agents
import envs
from envs.naming import nearest
from experiment.errors import InputError
from experiment.setup import cli, presets, sections
from experiment.setup import config as run_config
from s5rl.config import CORE_CONFIGS

CONFIGS = Path(__file__).parents[3] / "configs"
AGENTS = sorted(path.stem for path in (CONFIGS / "agent").glob("*.yaml"))
OWN = {
    "ppo": "agent.value_clip_epsilon=0.3",
    "pqn": "agent.epsilon_end=0.3",
    "imitate": "agent.expert_share=0.3",
    "distill": "agent.source_every=3",
}


@pytest.fixture
def compose():
    cli.register()
    return lambda *overrides: run_config.load(cli.composed("train", overrides))


def as_written(config: run_config.RunConfig) -> dict:
    """What comes back from config.yaml."""
    text = OmegaConf.to_yaml(OmegaConf.create(run_config.dump(config)))
    return OmegaConf.to_container(OmegaConf.create(text))  # type: ignore


@pytest.mark.thinned(3)
@pytest.mark.parametrize("core", CORE_CONFIGS)
@pytest.mark.parametrize("agent", AGENTS)
def test_load_inverts_dump(compose, core, agent):
    config = compose(
        f"core={core}",
        f"agent={agent}",
        "env.history=true",
        "agent.learning_rate=1e-7",
        "agent.encoder_sizes=[3,5]",
        OWN[agent],
        "run_dir=somewhere",
        "seed=4294967295",
    )
    assert run_config.load(as_written(config)) == config


# One of every few by default, and the last, which is a class of the user's own.
NAMES = [
    pytest.param(name, marks=pytest.mark.slow if index % 5 else ())
    for index, name in enumerate(reversed(envs.names()))
]


@pytest.mark.thinned(3)
@pytest.mark.parametrize("name", NAMES)
def test_every_environment_can_be_chosen(compose, name, monkeypatch):
    # Other suites are refused where they are not installed; here they all are.
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    needs = ["env.entry_point=my_module:MyEnv"] if name == "custom" else []
    config = compose(f"env={name}", *needs)
    assert config.env.name == name
    assert run_config.load(as_written(config)) == config


def test_every_choice_in_configs_is_one_that_the_code_knows():
    assert {path.stem for path in (CONFIGS / "core").glob("*.yaml")} <= {*CORE_CONFIGS}
    assert {*AGENTS} == {*agents.CONFIGS}
    for path in (CONFIGS / "env").rglob("*.yaml"):
        name = path.relative_to(CONFIGS / "env").with_suffix("").as_posix()
        assert presets.environment(CONFIGS, name) in envs.names()


@pytest.mark.parametrize("path", sorted((CONFIGS / "env").rglob("*.yaml")), ids=str)
def test_an_environments_own_settings_are_taken_over(compose, path):
    """A choice under configs/env may set agent and schedule too; none gets lost."""
    name = path.relative_to(CONFIGS / "env").with_suffix("").as_posix()
    written = OmegaConf.load(path)
    config = run_config.dump(compose(f"env={name}"))
    plain = OmegaConf.create(config)
    written.pop("defaults", None)  # another file, which has its own case
    for key in _leaves(OmegaConf.to_container(written)):
        value = OmegaConf.select(written, key, throw_on_resolution_failure=False)
        if value is not None:
            assert OmegaConf.select(plain, key) == value, key


@pytest.mark.parametrize(
    "path", sorted((CONFIGS / "env_core").rglob("*.yaml")), ids=lambda path: path.stem
)
def test_what_a_core_needs_in_an_environment_is_that_cores_alone(compose, path):
    """Said or not said, the core has it there; another core has none of it."""
    pair = path.relative_to(CONFIGS / "env_core").with_suffix("").as_posix()
    env, _, core = pair.rpartition("_")
    assert env in envs.names() and core in CORE_CONFIGS
    written = OmegaConf.load(path)

    def values(*arguments):
        plain = OmegaConf.create(run_config.dump(compose(f"env={env}", *arguments)))
        keys = list(_leaves(OmegaConf.to_container(written)))
        return {key: OmegaConf.select(plain, key) for key in keys}

    wanted = values(f"core={core}")
    assert wanted == {key: OmegaConf.select(written, key) for key in wanted}
    assert not wanted.items() & values("core=mlp").items()
    if core == "s5":
        assert values() == wanted
    for key, value in {"core.features": 24, "core.num_layers": 3}.items():
        chosen = compose(f"env={env}", f"core={core}", f"{key}={value}")
        assert OmegaConf.select(OmegaConf.create(run_config.dump(chosen)), key) == value


@pytest.mark.parametrize(
    "path", sorted((CONFIGS / "env_agent").rglob("*.yaml")), ids=lambda path: path.stem
)
def test_what_an_agent_needs_in_an_environment_is_what_it_has(compose, path):
    """Over what the environment says, under what is typed; and no other agent's."""
    pair = path.relative_to(CONFIGS / "env_agent").with_suffix("").as_posix()
    env, _, agent = pair.rpartition("_")
    env = {"control": "control/reacher_hard"}.get(env, env)  # a family: one of it
    assert env in envs.names() and agent in agents.CONFIGS
    written = OmegaConf.load(path)
    chosen = [f"env={env}", f"agent={agent}"]
    plain = OmegaConf.create(run_config.dump(compose(*chosen, "core=mlp")))
    keys = list(_leaves(OmegaConf.to_container(written)))
    assert keys and all(
        OmegaConf.select(plain, key) == OmegaConf.select(written, key) for key in keys
    )
    assert compose(*chosen, "agent.learning_rate=3e-7").agent.options.learning_rate == (
        3e-7
    )


@pytest.mark.thinned(4)
@pytest.mark.parametrize("agent", AGENTS)
def test_every_agent_has_every_environment(compose, agent):
    """What an environment, core or card brings is known to every agent."""
    files = [*(CONFIGS / "env").rglob("*.yaml")]
    names = [path.relative_to(CONFIGS / "env").with_suffix("").as_posix()
             for path in files]  # fmt: skip
    for name in [*names, "popgym_minesweeper_easy", "control/reacher_easy"]:
        for core, scale in (("s5", "gpu"), ("gru", "cpu")):
            config = compose(
                f"env={name}", f"agent={agent}", f"core={core}", f"scale={scale}"
            )
            assert type(config.agent.options) is agents.CONFIGS[agent]


def test_what_an_agent_needs_with_a_core_is_for_both(compose):
    options = {
        (core, agent): compose(
            "env=meta_cartpole", f"core={core}", f"agent={agent}"
        ).agent.options
        for core in ("s5", "gru")
        for agent in ("ppo", "pqn")
    }
    assert options["gru", "ppo"].entropy_coefficient == 0.03
    assert options["s5", "ppo"].entropy_coefficient == 0.01
    assert options["gru", "ppo"].discount == 0.97
    assert options["gru", "pqn"].discount == options["s5", "ppo"].discount == 0.99


def _leaves(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        elif not (isinstance(value, str) and "${" in value):
            yield f"{prefix}{key}"


@pytest.mark.parametrize(
    ("text", "value"), [("2_000_000", 2_000_000), ("2e6", 2_000_000), ("3e5", 300_000)]
)
def test_numbers_are_read_as_people_write_them(compose, text, value):
    steps = compose(f"total_steps={text}").schedule.total_steps
    assert steps == value and type(steps) is int


def test_lists_null_and_booleans_reach_their_fields(compose):
    options = compose(
        "agent.encoder_sizes=[]",
        "agent.head_sizes=[16,8]",
        "agent.value_clip_epsilon=null",
        "agent.anneal_learning_rate=true",
        "agent.learning_rate=3e-4",
        "agent.clip_epsilon=1",
    ).agent.options
    assert options.encoder_sizes == () and options.head_sizes == (16, 8)
    assert options.value_clip_epsilon is None
    assert options.anneal_learning_rate is True
    assert options.learning_rate == 3e-4
    assert type(options.clip_epsilon) is float


def test_command_line_overrides_what_an_environment_brings(compose):
    assert compose("env.memory_length=6").agent.options.rollout_length == 7
    chosen = compose("env.memory_length=6", "agent.rollout_length=5", "total_steps=200")
    assert chosen.agent.options.rollout_length == 5
    assert chosen.num_updates == 200 // (5 * chosen.agent.options.num_envs)


def test_an_override_keeps_the_rest_of_the_environment():
    choice = sections.EnvChoice(
        "memory_chain",
        True,
        {"memory_length": 4, "num_bits": 2, "max_steps_in_episode": 50},
    )
    told = sections.override_env(choice, {"memory_length": 9})
    expected = dict(choice.params) | {"memory_length": 9}
    assert told == dataclasses.replace(choice, params=expected)


def test_an_override_that_does_not_fit_a_stored_limit_names_both():
    choice = sections.EnvChoice(
        "memory_chain", False, {"memory_length": 4, "max_steps_in_episode": 5}
    )
    with pytest.raises((InputError, ValueError), match=r"\(9\).*\(5\)"):
        sections.override_env(choice, {"memory_length": 9})
    both = {"memory_length": 9, "max_steps_in_episode": None}
    assert sections.override_env(choice, both).params["memory_length"] == 9


def test_nearest_names_what_is_close_and_nothing_else():
    known = ("memory_length", "num_bits", "memory_chain")
    assert nearest("memry_lenght", known) == "; did you mean 'memory_length'?"
    assert nearest("zzz", known) == "."
    cores = ("gru", "lru", "s5", "hiss")
    assert nearest("gur", cores) == "; did you mean 'gru'?"  # neighbours swapped
    assert nearest("s6", cores) == "; did you mean 's5'?"
    assert nearest("rug", cores) == "."  # letters that are all elsewhere

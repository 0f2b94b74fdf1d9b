"""Bad input: status 2, one sentence that holds what was wanted and what was given.

| mutant | fails |
|---|---|
| unknown keys are dropped | test_train_refuses[unknown key] |
| floats are cut to integers | test_train_refuses[fraction for an integer] |
| num_updates is not checked | test_train_refuses[less than an update] |
| names must be nearer to be suggested | test_train_refuses[distant environment] |
| a folder with a run is taken | test_a_folder_that_holds_a_run_* |
| train.py does not look for wandb | test_wandb_without_the_package_* |
| BAD_INPUT is 1 | all |
"""

import pytest
from omegaconf import OmegaConf

import evaluate
import train
from experiment.setup import config as run_config

LIMIT = ("env.memory_length=9", "env.max_steps_in_episode=9")
ANNEALED = (
    *("agent.anneal_learning_rate=true", "total_steps=1_000_000_000_000"),
    *("agent.num_envs=8", "agent.rollout_length=100", "agent.num_minibatches=4"),
)
WIDE = ("core=window_attention", "core.window=1_000_000_000")
TRAIN = {
    "unknown environment": (["env=memory_chian"], "memory_chian", "'memory_chain'"),
    "distant environment": (["env=memry"], "'memry'", "'memory_chain'"),
    "unknown gymnax environment": (["env=gymnax/CartPole"], "CartPole'", "CartPole-v1"),
    "environment by key": (["env.name=memorychain"], "memorychain", "memory_chain"),
    "unknown core": (["core=s6"], "'s6'", "'s5'"),
    "unknown agent": (["agent=pp0"], "'pp0'", "'ppo'"),
    "unknown key": (["sede=1"], "sede", "'seed'"),
    "unknown env key": (["env.memry=3"], "env.memry", "'env.memory_length'"),
    "unknown core key": (["core.feature=3"], "core.feature", "'core.features'"),
    "unknown agent key": (["agent.num_env=3"], "agent.num_env", "'agent.num_envs'"),
    "text for a number": (["env.memory_length=abc"], "must be int", "'abc'"),
    "fraction for an integer": (["num_seeds=1.5"], "must be int", "1.5"),
    "infinity for an integer": (["total_steps=inf"], "must be int", "inf"),
    "nan for an integer": (["total_steps=nan"], "must be int", "nan"),
    "bool for a number": (["agent.num_envs=true"], "must be int", "True"),
    "number for a list": (["agent.encoder_sizes=8"], "must be", "8"),
    "text for a bool": (["agent.normalize_advantage=perhaps"], "bool", "perhaps"),
    "null for a number": (["seed=null"], "must be int", "None"),
    "null for a choice": (["env=null"], "env=memory_chain", "'null'"),
    "no choice": (["~core"], "core=s5", "None"),
    "no choice, by its name": (["~core=s5"], "core=s5", "got None"),
    "indivisible": (["agent.num_envs=12"], "num_envs (12)", "num_minibatches (8)"),
    "zero features": (["core.features=0"], "positive", "got 0"),
    "negative memory": (["env.memory_length=-3"], "positive", "got -3"),
    "zero lanes": (["agent.num_envs=0"], "at least 1", "got 0"),
    "zero seeds": (["num_seeds=0"], "at least 1", "got 0"),
    "zero log_every": (["log_every=0"], "at least 1", "got 0"),
    "negative layer": (["agent.head_sizes=[8,-8]"], "positive", "[8, -8]"),
    "too many features": (["core.features=2e9"], "at most 65,536", "got 2,000,000,000"),
    "too many seeds": (["num_seeds=2e9"], "at most 65,536", "got 2,000,000,000"),
    "too many bits": (["env.num_bits=2e9"], "at most 65,536", "got 2,000,000,000"),
    "too long a window": (WIDE, "core.window must be at most 65,536", "1,000,000,000"),
    "too large a matrix": (["core.state_size=65536"], "at most 4,096", "got 65,536"),
    "odd state": (["core.state_size=7"], "state_size (7)", "multiple of 2"),
    "less than an update": (["total_steps=10"], "(10)", "= 3232 steps"),
    "annealed for too long": (ANNEALED, "epochs (4)", "= 20,000,000,000"),
    "memory beyond the limit": (LIMIT, "memory_length (9)", "episode (9)"),
    "unknown wandb mode": (["wandb=yes"], "offline", "'yes'"),
    "negative seed": (["seed=-1"], "[0, 2**32)", "-1"),
    "not an assignment": (["fast"], "'fast'", "key=value"),
    "resume from nowhere": (["resume=no/such"], "run folder", "no/such"),
    "resume from a number": (["resume=5"], "run folder", "5"),
    "resume from nothing": (["resume="], "resume=", "is empty"),
}


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch):
    """Everything here is refused before JAX is needed, so before anything compiles."""
    for place in ("building.build_agent", "building.seed_keys"):
        monkeypatch.setattr(
            f"experiment.setup.{place}", lambda *given: pytest.fail("not refused")
        )


@pytest.mark.parametrize(("arguments", "one", "other"), TRAIN.values(), ids=TRAIN)
def test_train_refuses(refused, arguments, one, other):
    sentence = refused(train, *arguments)
    assert one in sentence and other in sentence, sentence


@pytest.fixture
def run_dir(tmp_path, make_config):
    """A folder with a run's configuration, and no checkpoint."""
    config = make_config("total_steps=220", f"run_dir={tmp_path}")
    OmegaConf.save(OmegaConf.create(run_config.dump(config)), tmp_path / "config.yaml")
    return tmp_path


EVALUATE = {
    "another environment": (["env=other"], "memory_chain", "'other'"),
    "another name": (["env.name=other"], "memory_chain", "'other'"),
    "unknown env parameter": (["env.memry=3"], "env.memry", "'env.memory_length'"),
    "wrong env type": (["env.memory_length=x"], "must be int", "'x'"),
    "unknown key": (["episode=3"], "episode", "'episodes'"),
    "no episodes": (["episodes=0"], "at least 1", "got 0"),
    "wrong type": (["episodes=many"], "must be int", "'many'"),
    "negative seed": (["seed=-1"], "[0, 2**32)", "-1"),
    "another core": (["core=gru"], "unknown key core", "env"),
    "no assignment": (["episodes"], "key=value", "'episodes'"),
    "half a list": (["env.num_bits=[1"], "cannot be read", "[1"),
}


@pytest.mark.parametrize(("arguments", "one", "other"), EVALUATE.values(), ids=EVALUATE)
def test_evaluate_refuses(refused, run_dir, arguments, one, other):
    sentence = refused(evaluate, f"run={run_dir}", *arguments)
    assert one in sentence and other in sentence, sentence


def test_evaluate_wants_a_run(refused, tmp_path):
    assert "run=RUN_DIR" in refused(evaluate, "episodes=3")
    assert str(tmp_path) in refused(evaluate, f"run={tmp_path}")


@pytest.mark.parametrize("text", ["a: [", "\x00", "- 1", "", "env: 3"])
@pytest.mark.parametrize(("module", "verb"), [(train, "resume"), (evaluate, "run")])
def test_a_damaged_config_is_refused(refused, tmp_path, text, module, verb):
    (tmp_path / "config.yaml").write_text(text)
    refused(module, f"{verb}={tmp_path}")


@pytest.mark.parametrize(
    ("argument", "given"),
    [
        ("env.memory_length=3", "env"),
        ("seed=4", "seed"),
        ("total_steps=100", "total_steps (100)"),
        ("total_steps=9_000_000_000_000_000", "got 450000000000000"),
        ("total_steps=never", "'never'"),
        ("wandb=maybe", "'maybe'"),
    ],
)
def test_resuming_changes_length_and_wandb_alone(refused, run_dir, argument, given):
    assert given in refused(train, f"resume={run_dir}", argument)


def test_a_folder_that_holds_a_run_is_not_written_over(make_config, run_dir):
    with pytest.raises(train.InputError, match=f"{run_dir} already holds a run"):
        train.start(make_config(f"run_dir={run_dir}"))
    (run_dir / "file").touch()
    with pytest.raises(train.InputError, match="must be a folder"):
        train.start(make_config(f"run_dir={run_dir / 'file'}"))


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_wandb_without_the_package_says_what_to_install(
    make_config, run_dir, monkeypatch, refused, mode
):
    """Also where it is installed: the search for it is what is stubbed."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    config = make_config(f"run_dir={run_dir / 'new'}", f"wandb={mode}")
    with pytest.raises(train.InputError, match=r"pip install .*wandb"):
        train.start(config)
    assert not (run_dir / "new").exists()
    assert "pip install" in refused(train, f"resume={run_dir}", f"wandb={mode}")

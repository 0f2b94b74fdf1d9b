"""What was meant: in another section, by another name, or with a letter wrong.

| mutant | fails |
|---|---|
| other sections are not searched | test_the_key_that_was_meant[agent.norm] |
| other names are not known | test_the_key_that_was_meant[gamma] |
| suites are not searched apart | test_the_environment_that_was_meant |
| LEAST is 0.4 | test_nothing_is_guessed_* |
| a flag's name is written as it came | test_flags_are_answered_* |
"""

import pytest

import compare
import evaluate
from envs import table
from envs.naming import closest
from experiment.errors import InputError
from experiment.setup import cli, keys
from experiment.setup import config as run_config

MEANT = {
    **dict.fromkeys(("learning_rate", "lr", "agent.lr", "optim.lr", "learning-rate",
                     "core.learning_rate", "LR"), "agent.learning_rate"),
    **dict.fromkeys(("gamma", "agent.gamma", "discount"), "agent.discount"),
    **dict.fromkeys(("lambda", "gae", "gae_lambda", "lam"), "agent.gae_lambda"),
    **dict.fromkeys(("ent_coef", "entropy_coef", "entropy"),
                    "agent.entropy_coefficient"),
    "vf_coef": "agent.value_coefficient",
    **dict.fromkeys(("clip", "clip_range", "clip_eps"), "agent.clip_epsilon"),
    **dict.fromkeys(("num_steps", "n_steps", "unroll_length"), "agent.rollout_length"),
    **dict.fromkeys(("num_envs", "n_envs", "num_workers", "batch_size"),
                    "agent.num_envs"),
    "num_minibatches": "agent.num_minibatches",
    "update_epochs": "agent.epochs",
    "max_grad_norm": "agent.max_grad_norm",
    **dict.fromkeys(("hidden_size", "hidden_dim", "d_model"), "core.features"),
    "d_state": "core.state_size",
    **dict.fromkeys(("num_layers", "n_layers"), "core.num_layers"),
    **dict.fromkeys(("total_timesteps", "timesteps", "total_step"), "total_steps"),
    **dict.fromkeys(("env_name", "env_id"), "env"),
    **dict.fromkeys(("save_freq", "checkpoint_interval"), "checkpoint_every"),
    "log_interval": "log_every",
    "exp_name": "run_dir",
    "agent.seed": "seed",
    "agent.norm": "core.norm",  # and not agent.max_grad_norm
    "memory_length": "env.memory_length",
    "env.memry": "env.memory_length",
}  # fmt: skip


@pytest.mark.parametrize("key", MEANT)
def test_the_key_that_was_meant(key):
    argument = f"{key.replace('-', '_')}=3"
    with pytest.raises(InputError, match=f"did you mean '{MEANT[key]}'"):
        run_config.load(cli.composed("train", [argument]))


@pytest.mark.parametrize("name", keys.OTHER_NAMES)
def test_other_names_are_those_of_keys_that_exist(name):
    every = {*cli.train_keys(), *evaluate.KEYS, *compare.KEYS}
    assert name in every
    for other in keys.OTHER_NAMES[name].split():
        assert other.isalnum() and other == other.lower()
        known = {key.replace("_", "") for key in every}
        # Keys of one command that mean another of the next: film's are `steps`.
        assert other not in known or other in ("rundir", "run", "out", "steps")


@pytest.mark.parametrize(
    ("word", "name"),
    [("gymnax/cartpole", "gymnax/CartPole-v1"), ("CartPole-v1", "gymnax/CartPole-v1"),
     ("gimnax/pendulum", "gymnax/Pendulum-v1"), ("memry", "memory_chain"),
     ("popgym_repeat_prev_easy", "popgym_repeat_previous_easy"),
     ("control/cartpole_swing", "control/cartpole_swingup"), ("darkroom", "dark_room"),
     ("brax/pendulum", "brax/inverted_pendulum"),
     ("breakout", "gymnax/Breakout-MinAtar")],
)  # fmt: skip
def test_the_environment_that_was_meant(word, name):
    assert closest(word, table.names()) == name
    with pytest.raises(InputError, match=f"did you mean '{name}'"):
        cli.composed("train", [f"env={word}"])


@pytest.mark.parametrize("word", ["zzz", "hello", "env", "x", "other", "mujoco", "?"])
def test_nothing_is_guessed_that_is_not_alike(word):
    assert closest(word, table.names()) is None
    with pytest.raises(InputError) as error:
        cli.composed("train", [f"env={word}"])
    assert "did you mean" not in str(error.value)


@pytest.mark.parametrize("key", ["zzz", "hydra.run", "qqq.rrr", "foo"])
def test_no_key_is_guessed_that_is_not_alike(key):
    with pytest.raises(InputError) as error:
        run_config.load(cli.composed("train", [f"{key}=3"]))
    assert "did you mean" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "how"),
    [(["--env", "memory_chain"], "write env=memory_chain."),
     (["--env=memory_chain"], "write env=memory_chain."),
     (["env", "memory_chain"], "write env=memory_chain."),
     (["env", "=", "memory_chain"], "write env=memory_chain, without spaces."),
     (["-lr", "3e-4"], "write agent.learning_rate=3e-4."),
     (["--learning-rate=3e-4"], "write agent.learning_rate=3e-4."),
     (["--num_envs", "8", "seed=3"], "write agent.num_envs=8."),
     (["--total-timesteps"], "write total_steps=..."),
     (["--frobnicate"], "--help lists the keys.")],
)  # fmt: skip
def test_flags_are_answered_with_how_keys_are_written(arguments, how):
    with pytest.raises(InputError, match="must be key=value") as error:
        cli.composed("train", arguments)
    assert str(error.value).endswith(how)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["n_episodes=3"], "episodes"), (["deterministic=true"], "greedy"),
     (["epsodes=3"], "episodes")],
)  # fmt: skip
def test_requests_have_other_names_too(refused, arguments, meant):
    assert f"did you mean '{meant}'" in refused(evaluate, "run=x", *arguments)


def test_compares_keys_have_other_names_too(refused):
    assert "did you mean 'labels'" in refused(compare, "runs=x", "names=a")
    assert "did you mean 'out'" in refused(compare, "runs=x", "output=a")


def test_transfers_own_keys_say_that_they_are(refused):
    assert "transfer=true" in refused(evaluate, "run=x", "swap_at=3")

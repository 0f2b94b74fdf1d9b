"""`--help` says what would run: composed values, what each key is, its choices.

| mutant | fails |
|---|---|
| defaults in place of composed values | test_values_are_those_that_would_run |
| comments above a field are not read | test_comments_are_those_of_the_code |
| a base class's fields have no comments | test_comments_are_those_of_the_code |
| choices are left out | test_choices_are_listed |
"""

import dataclasses
import re

import pytest

import agents
import compare
import evaluate
import train
from envs.meta.config import DarkRoomConfig
from experiment.setup import cli, comments, help
from experiment.setup import config as run_config
from experiment.setup.request import Request, TransferRequest
from s5rl.config import CORE_CONFIGS
from s5rl.config.spaces import S5Config


def shown(text, key):
    """The value of a key in the text."""
    (line,) = re.findall(rf"^  {re.escape(key)} +(\S+)", text, re.MULTILINE)
    return line


@pytest.mark.parametrize(
    "arguments",
    [[], ["env=dark_room", "core=gru"], ["env=meta_cartpole"], ["core=lstm"],
     ["env=projected_control", "agent.learning_rate=0.1", "num_seeds=7"]],
)  # fmt: skip
def test_values_are_those_that_would_run(arguments):
    config = run_config.load(cli.composed("train", arguments))
    text = help.train_help(config)
    plain = run_config.dump(config)
    for section in ("env", "core", "agent"):
        for key, value in plain[section].items():
            if key != "name":
                written = shown(text, f"{section}.{key}")
                read = cli.arguments.read(f"{section}.{key}", written)
                if written == "-":  # where text is read as it stands
                    read = None
                assert read == value or list(read) == value, key
    for field in dataclasses.fields(run_config.Schedule):
        assert shown(text, field.name)
    assert all(len(line) <= 110 for line in text.splitlines())


def test_an_environment_and_core_of_ones_choice(call):
    status, text, errors = call(train, "--help", "env=dark_room", "core=gru")
    assert (status, errors) == (0, "")
    assert shown(text, "agent.discount") == "0.9" and shown(text, "env.size") == "9"
    assert "core.state_size" not in text and "total_steps  " in text
    status, text, _ = call(train, "env=custom", "env.entry_point=a:b", "-h", "env.x=3")
    assert shown(text, "env.entry_point") == "a:b" and shown(text, "env.x") == "3"


def test_comments_are_those_of_the_code():
    found = comments.of(DarkRoomConfig)
    assert found["size"] == "squares along a side"
    assert found["num_trials"] == "of a meta-episode"  # the base class says it
    assert found["step_budget"].startswith("cuts a meta-episode")
    assert comments.of(run_config.Schedule)["total_steps"].startswith("environment st")


@pytest.mark.parametrize(
    "cls",
    [*CORE_CONFIGS.values(), *agents.CONFIGS.values(), run_config.Schedule, Request,
     TransferRequest, DarkRoomConfig],
)  # fmt: skip
def test_every_key_says_what_it_is(cls):
    said = comments.of(cls)
    for field in dataclasses.fields(cls):
        assert said.get(field.name) or field.metadata.get("choices"), field.name


def test_choices_are_listed():
    text = help.train_help(run_config.load(cli.composed("train", [])))
    for field in dataclasses.fields(S5Config):
        if choices := field.metadata.get("choices"):
            assert f"({'|'.join(choices)})" in text.replace("\n", " "), field.name
    assert "off|offline|online" in text and "reset|never_reset" in text


@pytest.mark.parametrize("module", [train, evaluate, compare])
def test_help_with_a_bad_key_is_refused(refused, module):
    assert "zzz" in refused(module, "--help", "zzz=3")
    refused(module, "--help", "x")


def test_requests_are_all_listed(call):
    _, text, _ = call(evaluate, "--help")
    for cls in (Request, TransferRequest):
        for field in dataclasses.fields(cls):
            assert field.name in text
    _, text, _ = call(compare, "--help")
    assert all(f"{key}=" in text for key in compare.KEYS)

"""Whatever is typed is understood or refused; nothing else, for every key there is.

Drawn from the schema by hypothesis, in this process; `tests/faults` runs real ones.

| mutant | fails |
|---|---|
| nested lists reach the dataclass untyped | test_any_value_of_any_key_* |
| lists may be nested without end | test_any_text_is_read_or_refused |
| a value is looked up (`${...}`) | test_nothing_is_looked_up |
| paths are read like other values | test_paths_are_text |
| a leading ~ is kept | test_a_leading_tilde_is_the_home |
| an empty path is the working directory | test_an_empty_path_is_refused |
| int32 is not checked | test_numbers_fit_in_32_bits |
| float32 is not checked | test_numbers_fit_in_32_bits |
| what YAML quotes is not quoted | test_a_name_survives_config_yaml |
"""

import dataclasses

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import compare
from envs import registry, values
from envs.config import MemoryChainConfig
from envs.meta.config import DarkRoomConfig
from experiment.errors import InputError
from experiment.run.run_folder import RunFolder
from experiment.setup import cli, plain, sections
from experiment.setup import config as run_config
from experiment.setup.request import Request, TransferRequest
from tests.faults.refusals import ANY, LONG, WRONG

QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[*HealthCheck], database=None
)
EVERY = sorted({text for texts in WRONG.values() for text in texts} | {*ANY, "0", "-0"})
TEXTS = st.one_of(
    st.sampled_from(EVERY),
    st.text(max_size=20),
    st.text(alphabet="[]{},:'\"$ -.0123456789eEntrufalsi_~*&!?", max_size=30),
    st.integers().map(str),
    st.floats().map(str),
    st.lists(st.integers(), max_size=3).map(str),
    st.recursive(
        st.sampled_from(["1", "x", "null"]),
        lambda inner: st.lists(inner, max_size=3).map(lambda p: f"[{','.join(p)}]"),
    ),
)
NAMES = ("20260101_1230", "007", "1e3", "12:30", "1.50", "on", "a #b", "josé/run",
         "a=b", "null", "true", "1_0", "2026-01-01", "0x1F", "{a", "- x", "[x]", "a,b",
         "'q'", "!x", "&x", "*", "%", "@x", "?", ".inf", "a: b", "x ")  # fmt: skip


def understood_or_refused(*overrides):
    """Status 0 or 2, and for the latter a sentence."""
    try:
        config = run_config.load(cli.composed("train", overrides))
    except InputError as error:
        assert str(error).strip()
    else:
        text = plain.write(run_config.dump(config))
        assert run_config.load(plain.read(text)) == config


@QUICK
@given(key=st.sampled_from(cli.train_keys()), text=TEXTS)
@example(key="agent.encoder_sizes", text="[[]]")
@example(key="agent.encoder_sizes", text="[[[]]]")
@example(key="core", text="[1,2]")
@example(key="run_dir", text=LONG)
def test_any_value_of_any_key_is_understood_or_refused(key, text):
    section, _, leaf = key.partition(".")
    chosen = {"core": "s5", "env": "memory_chain"}
    if section == "env" and leaf not in {
        field.name for field in dataclasses.fields(MemoryChainConfig)
    }:
        chosen["env"] = "projected_control"
    given = [f"{name}={choice}" for name, choice in chosen.items()]
    understood_or_refused(*given, f"{key}={text}")


@QUICK
@given(st.lists(st.text(max_size=15) | TEXTS.map("seed={}".format), max_size=3))
def test_any_arguments_are_understood_or_refused(arguments):
    understood_or_refused(*arguments)
    for read in (cli.assignments, compare.options):
        try:
            read(arguments)
        except InputError as error:
            assert str(error).strip()


@QUICK
@given(
    cls=st.sampled_from((Request, TransferRequest, MemoryChainConfig, DarkRoomConfig)),
    data=st.data(),
)
def test_any_request_is_understood_or_refused(cls, data):
    name = data.draw(st.sampled_from([field.name for field in dataclasses.fields(cls)]))
    try:
        read = cli.assignments([f"{name}={data.draw(TEXTS)}"])
        sections.typed(cls, read)
    except InputError as error:
        assert str(error).strip()


@QUICK
@given(TEXTS)
@example("[" * 10_000)
@example("{a:" * 5_000)
@example("9" * 10_000)
@example("1e" + "9" * 10_000)
def test_any_text_is_read_or_refused(text):
    try:
        values.read(text)
    except ValueError as error:
        assert str(error).strip()


@pytest.mark.parametrize(
    ("text", "value"),
    [("2_000", 2000), ("2e3", 2e3), ("-.5", -0.5), ("true", True), ("null", None),
     ("[1, [x, 'a,b']]", [1, ["x", "a,b"]]), ("{a: [1], b: c}", {"a": [1], "b": "c"}),
     ("12:30", "12:30"), ("on", "on"), ("a=b", "a=b"), ("'1'", "1"), ("", "")],
)  # fmt: skip
def test_values_are_read_as_people_write_them(text, value):
    read = values.read(text)
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize("text", ["${oc.env:HOME}", "a${seed}", "[${seed}]"])
@pytest.mark.parametrize("key", ["seed", "run_dir", "core", "agent.memory", "run"])
def test_nothing_is_looked_up(key, text, monkeypatch):
    monkeypatch.setenv("HOME", "/secret-home")
    for read in (lambda a: cli.composed("train", a), cli.assignments):
        with pytest.raises(InputError, match="interpolation") as error:
            read([f"{key}={text}"])
        assert "secret" not in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_paths_are_text(name):
    composed = cli.composed("train", ["env=memory_chain", f"run_dir={name}"])
    assert run_config.load(composed).schedule.run_dir == name
    assert str(RunFolder.choose(run_config.load(composed)).path) == name
    for key in ("run", "resume", "out", "experts"):
        assert cli.assignments([f"{key}={name}"])[key] == name
    if "," not in name and "[" not in name:
        assert compare.listed(compare.options([f"runs={name}"])["runs"]) == [
            name.strip()
        ]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_survives_config_yaml(name):
    config = run_config.load(cli.composed("train", [f"run_dir={name}"]))
    assert run_config.load(plain.read(plain.write(run_config.dump(config)))) == config


def test_a_leading_tilde_is_the_home(monkeypatch):
    monkeypatch.setenv("HOME", "/of/mine")
    assert cli.composed("train", ["run_dir=~/x"])["run_dir"] == "/of/mine/x"
    assert cli.assignments(["run=~/x"])["run"] == "/of/mine/x"
    assert cli.assignments(["run=a~/x"])["run"] == "a~/x"
    with pytest.raises(InputError, match="/of/mine/x"):
        compare.compare(compare.options(["runs=~/x"]))


@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_path_is_refused(text):
    with pytest.raises(InputError, match="run_dir= must name"):
        cli.composed("train", [f"run_dir={text}"])
    for key in ("run", "resume", "out", "experts"):
        with pytest.raises(InputError, match=f"{key}= must name"):
            cli.assignments([f"{key}={text}"])
    with pytest.raises(InputError, match="out= must name"):
        compare.compare(compare.options(["runs=a", f"out={text}"]))
    with pytest.raises(InputError, match="none is named"):
        compare.compare(compare.options([f"runs={text}"]))
    for cls, key in ((run_config.Schedule, "run_dir"), (TransferRequest, "experts")):
        with pytest.raises(ValueError, match="empty"):
            cls(**{key: text})


@pytest.mark.parametrize(
    ("argument", "bound"),
    [("core.features=2147483648", "int32"), ("agent.learning_rate=1e39", "float32"),
     ("agent.learning_rate=1e-60", "float32"), ("agent.discount=nan", "finite"),
     ("agent.clip_epsilon=inf", "finite"), ("agent.head_sizes=[4294967296]", "int32"),
     ("env.memory_length=2147483647", "int32"), ("agent.epochs=-2147483649", "int32"),
     ("total_steps=1e17", "at most 9,007"), ("seed=4294967296", "at most 4,294"),
     ("log_every=" + "9" * 200, "digits")],
)  # fmt: skip
def test_numbers_fit_in_32_bits(argument, bound):
    with pytest.raises(InputError, match=bound):
        run_config.load(cli.composed("train", [argument]))


@pytest.mark.parametrize(
    ("name", "params"),
    [("popgym_battleship_easy", {"board_size": 2**31}),
     ("popgym_battleship_easy", {"board_size": "x"}),
     ("popgym_repeat_previous_easy", {"num_decks": None}),
     ("gymnax/CartPole-v1", {"gravity": 1e39}),
     ("gymnax/CartPole-v1", {"max_steps_in_episode": 2**31}),
     ("control/cartpole_swingup", {"pole_length": 1e-60}),
     ("gymnax/DeepSea-bsuite", {"size": -1}), ("memory_chain", {"memory_length": "x"}),
     ("dark_room", {"size": 0}), ("meta_bandit", {"num_arms": -1}),
     ("projected_control", {"held_out_bodies": ["pendulum"]})],
)  # fmt: skip
def test_an_environment_says_which_value_cannot_be(name, params):
    """From Python as from a command line, and whatever breaks underneath."""
    with pytest.raises(ValueError) as error:
        registry.make(name, **params)
    assert next(iter(params)).rstrip("s") in str(error.value) or "body" in str(
        error.value
    )


@pytest.mark.parametrize("text", ["0", "-3"])
def test_a_trial_to_swap_at_is_none_below_the_first(text):
    with pytest.raises(InputError, match=f"swap_at must be at least 1.*got {text}"):
        sections.typed(TransferRequest, cli.assignments([f"swap_at={text}"]))

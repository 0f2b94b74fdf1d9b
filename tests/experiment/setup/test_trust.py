"""A run folder is data: nothing that it names is imported, called or looked up.

| mutant | fails |
|---|---|
| entry points are not checked | test_code_of_others_* |
| a namespace package is looked up on the whole path | test_a_module_elsewhere_* |
| modules in the run folder are one's own | test_what_came_with_the_folder_* |
| imported names are one's own | test_a_name_that_is_only_imported_* |
| the program's own functions may be called | test_the_programs_own_* |
| config.yaml is read by OmegaConf | test_config_yaml_is_plain_data |
| references are taken for text | test_references_are_refused_* |
| a benchmark's path is not checked | test_a_file_to_unpickle_* |
"""

import sys

import pytest

import evaluate
import train
from experiment.errors import InputError
from experiment.run.run_folder import RunFolder
from experiment.setup import cli, plain, trust
from experiment.setup import config as run_config

ENV = "class Env:\n    pass\n\n\ndef make():\n    pass\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory, and modules elsewhere that leave a mark when imported."""
    here, elsewhere = tmp_path / "here", tmp_path / "here" / "elsewhere"
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", [str(elsewhere), *sys.path])
    mark = f"open({str(here / 'imported')!r}, 'w')\n"
    (elsewhere / "theirs_1.py").write_text(mark + ENV)
    (here / "mine_1.py").write_text(
        mark + ENV + "from theirs_1 import Env as Far\n"
        "from os import system\nimport os\nOther = Env\n"
    )
    (here / "star_1.py").write_text("from mine_1 import *\n")
    (here / "package_1").mkdir()
    (here / "package_1" / "inner.py").write_text(ENV)
    (here / "package_1" / "two.py").write_text("from .inner import Env\n")
    yield here
    assert not (here / "imported").exists()  # nothing is imported to find that out


@pytest.fixture
def run(place):
    """`(**env) -> folder`: a run of that environment, in the working directory."""

    def run(**env):
        folder = place / "runs" / "x"
        folder.mkdir(parents=True, exist_ok=True)
        base = cli.composed("train", [])
        base["env"] = {"name": "custom", "history": False, **env}
        (folder / "config.yaml").write_text(plain.write(base))
        return folder

    return run


OF_OTHERS = ("os:system", "theirs_1:Env", "builtins:exec", "subprocess:run", "sys:exit",
             "gymnax:make", "no_such:Env", "json:loads",
             "importlib:import_module")  # fmt: skip


@pytest.mark.parametrize("entry_point", OF_OTHERS)
@pytest.mark.parametrize(("module", "verb"), [(train, "resume"), (evaluate, "run")])
def test_code_of_others_is_refused(refused, run, module, verb, entry_point):
    folder = run(entry_point=entry_point, command="true")
    sentence = refused(module, f"{verb}={folder}")
    assert entry_point in sentence and "trust=true" in sentence
    for wrong in ("1", "yes", "no"):
        refused(module, f"{verb}={folder}", f"trust={wrong}")


@pytest.mark.parametrize(
    "entry_point",
    ["mine_1:Env", "mine_1:make", "mine_1:Other", "star_1:Env", "package_1.two:Env",
     "package_1.inner:make", "mine_1:missing", "envs.memory_chain:MemoryChain"],
)  # fmt: skip
def test_ones_own_is_let_through(place, entry_point):
    assert trust.is_own(entry_point, place / "runs" / "x")


@pytest.mark.parametrize("entry_point", OF_OTHERS[:3])
def test_trust_lets_it_through(run, entry_point):
    config = RunFolder(run(entry_point=entry_point)).load_config()
    trust.check(config, run(entry_point=entry_point), True)
    with pytest.raises(InputError, match="trust=true"):
        trust.check(config, run(entry_point=entry_point), False)


@pytest.mark.parametrize("entry_point", ["mine_1:Far", "mine_1:system", "mine_1:os"])
def test_a_name_that_is_only_imported_is_not_ones_own(place, entry_point):
    assert not trust.is_own(entry_point, place / "runs" / "x")


@pytest.mark.parametrize("name", ["runs.x.evil", "runs.evil", "evil"])
def test_what_came_with_the_folder_is_not_ones_own(place, name, monkeypatch):
    """In it, beside it, and where the working directory is the folder itself."""
    (place / "runs" / "x").mkdir(parents=True)
    for path in ("runs/x/evil.py", "runs/evil.py"):
        (place / path).write_text(ENV)
    if name == "evil":
        monkeypatch.chdir(place / "runs" / "x")
    assert not trust.is_own(f"{name}:Env", place / "runs" / "x")


def test_a_module_elsewhere_is_not_ones_own_by_its_packages_name(place):
    """A folder `far_1` is here, and another one on the path, with the module."""
    (place / "far_1").mkdir()
    (place / "elsewhere" / "far_1").mkdir()
    (place / "elsewhere" / "far_1" / "module.py").write_text(ENV)
    assert not trust.is_own("far_1.module:Env", place / "runs" / "x")
    (place / "linked_1.py").symlink_to(place / "elsewhere" / "theirs_1.py")
    assert not trust.is_own("linked_1:Env", place / "runs" / "x")


@pytest.mark.parametrize(
    "entry_point",
    ["evaluate:evaluate", "train:resume", "envs.__main__:main", "envs.registry:make",
     "experiment.files:write", "envs.registry:import_module", "envs.custom:make"],
)  # fmt: skip
def test_the_programs_own_functions_are_no_environments(place, entry_point):
    """evaluate(options={trust: true, ...}) would consent in the user's name."""
    assert not trust.is_own(entry_point, place / "runs" / "x")


def test_what_the_user_types_is_consent(run, place, monkeypatch):
    """Up to the import, which is the user's wish."""
    config = run_config.load(
        cli.composed("train", ["env=custom", "env.entry_point=os:system"])
    )
    assert config.env.params["entry_point"] == "os:system"


def test_a_file_to_unpickle_needs_trust(refused, run, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    name = "xland/XLand-MiniGrid-R1-9x9"
    folder = run(name=name, benchmark_path="evil.bz2")
    sentence = refused(evaluate, f"run={folder}")
    assert "evil.bz2" in sentence and "trust=true" in sentence


@pytest.mark.parametrize(
    "text",
    ["run_dir: ${oc.env:HOME}", "seed: ${oc.decode:1}", "a: &a [*a]", "x: *y",
     "a: !!python/object/apply:os.system [true]", "!!python/name:os.system ''",
     "a: &x [1]\nb: [*x, *x]", "[" * 5000, "a: " + "9" * 5000, "? [1]\n: 2",
     "\x00", "a: \ud800", "x" * (plain.MOST + 1)],
)  # fmt: skip
def test_config_yaml_is_plain_data(refused, tmp_path, monkeypatch, text):
    monkeypatch.setenv("HOME", "/secret-home")
    (tmp_path / "config.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    for module, verb in ((train, "resume"), (evaluate, "run")):
        sentence = refused(module, f"{verb}={tmp_path}")
        assert "secret" not in sentence and len(sentence) < 1000


@pytest.mark.parametrize("text", ["a: ${oc.env:HOME}", "[{x: '${y}'}]", "${a}: 1"])
def test_references_are_refused_and_not_kept_as_text(text):
    """Whoever wrote one meant it to be looked up."""
    with pytest.raises(ValueError, match="reference"):
        plain.read(text)


def test_a_pipe_or_a_folder_in_its_place_is_refused(refused, tmp_path):
    import os

    os.mkfifo(tmp_path / "config.yaml")
    assert "no file" in refused(evaluate, f"run={tmp_path}")
    (tmp_path / "other" / "config.yaml").mkdir(parents=True)
    refused(evaluate, f"run={tmp_path / 'other'}")

"""The table of other suites, which needs none of them: names, and what to install.

Mutants, and the test written to fail for each (not all tried yet):

    a missing package is not looked for     what_to_install
    a suite without an extra of its name    extra_and_an_adapter
    `import jax` in table.py                no_jax
"""

import importlib.util
import tomllib
from pathlib import Path

import pytest

import envs
from envs.suites.table import SUITES
from tests import fresh

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("suite", SUITES)
def test_a_missing_package_is_answered_by_what_to_install(suite, monkeypatch):
    package = SUITES[suite].package
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == package else find(name, *rest),
    )
    name = f"{suite}/{next(iter(SUITES[suite].environments))}"
    with pytest.raises(ValueError) as raised:
        envs.make(name)
    sentence = str(raised.value)
    assert f"the package {package}, which is not installed" in sentence
    assert f'pip install -e ".[train,{suite}]"' in sentence
    assert sentence.endswith(".") and "\n" not in sentence


@pytest.mark.parametrize("suite", SUITES)
def test_every_environment_has_a_name_and_says_what_it_measures(suite):
    assert SUITES[suite].environments
    for name, measures in SUITES[suite].environments.items():
        full = f"{suite}/{name}"
        assert full in envs.names()
        assert envs.spec(full).measures == measures and measures
        assert envs.spec(full).factory == f"envs.suites.{suite}:make"


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_has_an_extra_and_an_adapter_and_is_documented(suite):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert suite in project["optional-dependencies"]
    assert (ROOT / "envs" / "suites" / f"{suite}.py").exists()
    table = (ROOT / "envs" / "suites" / "__init__.py").read_text()
    assert f"| `{suite}/" in table and f"| `{suite}` |" in table


def test_a_name_of_a_suite_that_is_mistyped_is_answered_by_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'brax/ant'"):
        envs.make("brax/amt")


def test_the_table_needs_no_jax_and_no_suite():
    code = "import envs.suites.table, envs.table; envs.table.names()"
    packages = [suite.package for suite in SUITES.values()]
    assert fresh.imported(code, ["jax", *packages]) == ""

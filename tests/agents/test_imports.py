"""distrax stays in one module, and importing a package does not wait for JAX."""

import ast
import pathlib

import pytest

from tests import fresh

HEAVY = ("jax", "flax", "gymnax", "distrax", "optax", "numpy")
ROOT = pathlib.Path(__file__).parents[2]
SOURCES = sorted(
    path
    for part in ("agents", "envs", "s5rl", "experiment")
    for path in ROOT.glob(f"{part}/**/*.py")
) + sorted(ROOT.glob("*.py"))


def imported(path):
    """The top-level packages that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def test_distrax_is_imported_in_one_module_only():
    assert len(SOURCES) > 20
    users = [str(p.relative_to(ROOT)) for p in SOURCES if "distrax" in set(imported(p))]
    assert users == ["agents/acting/distributions.py"]


@pytest.mark.parametrize("package", ["agents", "envs", "s5rl"])
def test_importing_a_package_does_not_import_jax(package):
    # A command line reads tables and configurations, and must answer at once.
    assert fresh.imported(f"import {package}", HEAVY) == ""

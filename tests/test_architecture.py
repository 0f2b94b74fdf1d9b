"""What the house rules say about every file, read off its syntax tree.

| mutant | fails |
|---|---|
| `import optax` in s5rl/ssm/layer.py | test_imports_point_down |
| `import agents.ppo.agent` in experiment/ | test_experiment_knows_agents_* |
| sys.argv read in experiment/setup/cli.py | test_only_entry_points_read_the_* |
| sys.argv read in envs/show/catalogue.py | test_only_entry_points_read_the_* |
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENTRY_POINTS = [
    path for name in ("train.py", "evaluate.py", "compare.py")
    if (path := ROOT / name).exists()
]  # fmt: skip
OURS = {"s5rl", "envs", "agents", "experiment"}

# What each package may import, beside itself and the standard library.
MAY_IMPORT = {
    "s5rl": {"jax", "flax", "chex", "numpy"},
    "envs": {"jax", "flax", "gymnax", "gymnasium", "numpy"},
    "agents": {
        *("s5rl", "envs"),
        *("jax", "flax", "chex", "numpy", "optax", "distrax", "gymnax"),
    },
    "experiment": {
        *("agents", "envs", "s5rl"),
        *("jax", "numpy", "scipy", "omegaconf", "hydra", "yaml", "orbax"),
        *("matplotlib", "rich", "tensorboardX", "wandb", "optuna"),
    },
}
FILES = {name: sorted((ROOT / name).rglob("*.py")) for name in MAY_IMPORT}
EVERY = [*ENTRY_POINTS, *(path for files in FILES.values() for path in files)]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path, *, lazy: bool = True) -> set[str]:
    """Every module that a file imports, anywhere in it or (not lazy) when it is."""
    found = set()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if lazy else _at_import(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _at_import(tree: ast.AST):
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            yield from _at_import(node)


def top(modules: set[str]) -> set[str]:
    return {module.split(".")[0] for module in modules} - sys.stdlib_module_names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_down(package):
    assert FILES[package]
    for path in FILES[package]:
        # A renderer or an adapter in envs imports what it needs when it is called.
        found = top(imports(path, lazy=package != "envs"))
        assert found <= MAY_IMPORT[package] | {package}, name_of(path)
        assert top(imports(path)) & OURS <= MAY_IMPORT[package] | {package}


# Rooms of a package and single files at its top, as floors: what stands in a line may
# import what stands in the lines before it, and its own room, but no neighbour's.
FLOORS = {
    "s5rl": (
        ("config", "recurrence"),
        ("ssm",),
        ("cores.parts",),
        ("cores",),
        ("",),  # s5rl/__init__.py
    ),
    "agents": (
        ("acting",),
        ("ppo", "pqn", "imitate", "distill"),
        ("",),
    ),
    "envs": (
        ("naming", "titles", "scale", "values", "experts", "contract", "drawing"),
        ("fields",),
        ("arguments", "suites.table", "popgym.table", "control.table", "meta.tasks"),
        ("config", "meta.config"),
        (
            *("popgym", "control", "suites", "outside"),
            *("memory_chain", "t_maze", "custom", "gymnax_suite"),
        ),
        ("gymnax_table",),
        ("meta",),
        ("table",),
        ("registry",),
        ("",),
        ("show",),
        ("__main__",),
    ),
    "experiment": (
        ("errors", "faults", "unfinished", "importing"),
        ("signals", "memory"),
        ("files",),
        ("entry",),
        ("compiled",),
        ("setup",),
        ("report", "histories"),
        ("run",),
        ("evaluate", "multirun"),
        ("compare", "start", "export", "keep", "inside"),
        ("in_python",),
        ("",),
    ),
}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for files in FILES.values() for path in files}


def modules_imported(path: Path) -> set[str]:
    """Files of ours that a file imports: `from room import x` is x, where x is one."""
    found = set()
    for name in imports(path):
        while name and name not in MODULES:
            name = name.rpartition(".")[0]
        found |= {name} if name else set()
    return found - {module_of(path)}


def place_of(module: str) -> tuple[str, int, str]:
    """`(package, floor, room)`: the longest name in the table that fits."""
    package, _, rest = module.partition(".")
    fits = [
        (len(room), floor, room)
        for floor, rooms in enumerate(FLOORS[package])
        for room in rooms
        if rest == room or (room and rest.startswith(f"{room}."))
    ]
    assert fits, f"{module} has no floor: give its room a line in FLOORS"
    return package, *max(fits)[1:]


@pytest.mark.parametrize("package", FLOORS)
def test_rooms_import_the_floors_below(package):
    for path in FILES[package]:
        own, floor, room = place_of(module_of(path))
        for module in modules_imported(path):
            other, below, theirs = place_of(module)
            if other == own and theirs != room:
                assert below < floor, f"{name_of(path)} imports {module}"


def test_no_imports_go_in_a_circle():
    edges = {name: modules_imported(path) for name, path in MODULES.items()}
    while leaves := {name for name, found in edges.items() if not found & edges.keys()}:
        edges = {name: found for name, found in edges.items() if name not in leaves}
    assert not edges, f"a circle among {sorted(edges)}"


def test_the_core_imports_nothing_of_ours():
    for path in FILES["s5rl"]:
        assert not top(imports(path)) & (OURS - {"s5rl"}), name_of(path)


def test_agents_know_the_contract_and_no_environment():
    """Spaces are the contract's vocabulary, wrappers fit any environment."""
    allowed = (
        "envs.contract",
        "gymnax.environments.spaces",
    )
    for path in FILES["agents"]:
        for module in imports(path):
            if module.split(".")[0] in ("envs", "gymnax"):
                assert module.startswith(allowed), f"{name_of(path)}: {module}"


def test_experiment_knows_agents_cores_and_environments_by_name():
    """The packages, their configurations, how a wrong name is answered, experts; and
    what plays and draws an episode of any environment."""
    allowed = re.compile(
        r"agents|envs|s5rl|agents\.acting\.(controls|axes)\..*|s5rl\.config\..*|"
        r"envs\.(config|registry|table|naming|titles|values|fields|SPLITS|contract\.expert)(\..*)?|"
        r"envs\.(show|drawing\.picture)(\..*)?"
    )
    for path in FILES["experiment"]:
        for module in imports(path):
            if module.split(".")[0] in OURS - {"experiment"}:
                assert allowed.fullmatch(module), f"{name_of(path)}: {module}"


def test_distrax_is_imported_in_one_place():
    users = [path for path in EVERY if "distrax" in top(imports(path))]
    assert len(users) <= 1


def test_only_entry_points_read_the_command_line():
    """The manifest records it, and decides nothing by it."""
    allowed = {
        *map(name_of, ENTRY_POINTS),
        "envs/__main__.py",  # python -m envs
        "experiment/export/__main__.py",  # python -m experiment.export
        "experiment/histories/__main__.py",  # python -m experiment.histories
        "experiment/keep.py",  # python -m experiment.keep
        "experiment/run/manifest.py",
    }
    for path in EVERY:
        tree = ast.parse(path.read_text())
        reads = any(
            isinstance(node, ast.Attribute) and node.attr in ("argv", "orig_argv")
            for node in ast.walk(tree)
        ) or top(imports(path)) & {"absl", "tyro", "click"}
        assert not reads or name_of(path) in allowed, name_of(path)
        assert "argparse" not in imports(path), name_of(path)


def test_everything_public_is_documented():
    """Modules, classes and functions; and methods of public classes but dunders.

    A method that only says again what its class or its contract says may go without.
    """
    bare = []
    for path in EVERY:
        tree = ast.parse(path.read_text())
        public = [
            node for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
        ]  # fmt: skip
        bare += [
            f"{name_of(path)}: {getattr(node, 'name', 'module')}"
            for node in [tree, *public]
            if not ast.get_docstring(node)
        ]
    assert not bare


def tracked() -> list[Path]:
    """Files under version control; where there is no git, our own and the tests."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return [*EVERY, *(ROOT / "tests").rglob("*.py")]
    return [
        path for name in listed.stdout.split("\0")
        if name and (path := ROOT / name).is_file()
    ]  # fmt: skip


def test_no_file_names_a_place_on_one_machine():
    roots = "home|Users|root|work|tmp|opt|mnt"
    absolute = re.compile(rf"(?<![\w.~/:<>)\]}}*-])/(?:{roots})/[\w.]")
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # a picture
        found = absolute.search(text)
        assert not found, f"{name_of(path)}: {text[found.start() :][:40]!r}"

"""Whether a run folder may have code run that it names but does not hold.

A run folder is data, and may be somebody else's. Two keys of its configuration make
Python run code: `env.entry_point` is imported and called, `env.benchmark_path` is
unpickled. Both need `trust=true` on the command line, unless the entry point is one's
own: a module of the working directory or of this checkout.

Nothing is imported to find that out. Not one's own, although it lies there, is a module
in the run folder or beside it (what came with the folder), a name that its module only
imports from elsewhere, and what this checkout has besides environments: it reads files,
and starts programs.
"""

import ast
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from experiment.errors import InputError
from experiment.setup.config import RunConfig

CHECKOUT = Path(__file__).resolve().parents[2]
# What the checkout has. Of what holds environments, classes may be named; the rest does
# more than to make one.
_PROGRAM = {
    "agents",
    "experiment",
    "s5rl",
    "train",
    "evaluate",
    "compare",
    "benchmarks",
}
_WITH_ENVS = {"envs", "examples", "tests"}
_DEPTH = 8  # of imports followed from one's own module to one's own module


def check(config: RunConfig, folder: Path, trusted: Any) -> None:
    """Refuses a run's configuration that names code which is not the user's own.

    Args:
      config: as the run folder has it.
      folder: of the run.
      trusted: what `trust=` says; False where it was not given.

    Raises:
      InputError: naming the code and `trust=true`.
    """
    if not isinstance(trusted, bool):
        raise InputError(f"trust must be true or false; got {trusted!r}.")
    params = config.env.params
    if trusted:
        return
    if params.get("benchmark_path") is not None:
        raise InputError(
            f"{folder} names a file to be unpickled, which can run any code: "
            f"benchmark_path {str(params['benchmark_path'])[:200]!r}; if you trust it, "
            "say so with trust=true."
        )
    entry_point = params.get("entry_point") if config.env.name == "custom" else None
    if entry_point is not None and not is_own(str(entry_point), folder):
        raise InputError(
            f"{folder} names code outside the working directory and this checkout: "
            f"entry_point {str(entry_point)[:200]!r}; if you trust it, say so with "
            "trust=true."
        )


def is_own(entry_point: str, folder: Path, depth: int = 0) -> bool:
    """Whether `module:name` is code of the working directory or of this checkout."""
    module, _, name = entry_point.partition(":")
    source = _source(module)
    if source is None or depth > _DEPTH:
        return False
    top = module.split(".")[0]
    if not _lies_where_own_does(source, top, folder):
        return False
    in_checkout = source.is_relative_to(CHECKOUT)
    if in_checkout and (top in _PROGRAM or module.endswith("__main__")):
        return False
    only_classes = in_checkout and top in _WITH_ENVS
    tree = _tree(source)
    package = module if source.name == "__init__.py" else module.rpartition(".")[0]
    for node in reversed(tree.body):  # what comes last counts
        origin = _imported(node, name, package)
        if origin is not None:
            return is_own(origin, folder, depth + 1)
        if _makes(node, name):
            return isinstance(node, ast.ClassDef) or not only_classes
    stars = [node for node in tree.body if _is_star(node)]
    return not only_classes and all(
        is_own(f"{_module(node, package)}:{name}", folder, depth + 1) for node in stars
    )


def _source(module: str) -> Path | None:
    """The file that would be imported; None where there is none that can be read."""
    top, *rest = module.split(".")
    if top in sys.builtin_module_names or top in sys.stdlib_module_names:
        return None
    # In this order `envs.custom` looks, and so does an import.
    here = str(Path.cwd())
    path = sys.path if here in sys.path else [here, *sys.path]
    found: ModuleSpec | None = PathFinder.find_spec(top, path)
    loaded = sys.modules.get(top)
    if found is not None and loaded is not None and loaded.__spec__ is not None:
        if loaded.__spec__.origin != found.origin:
            return None  # another one of that name would be taken
    for part in rest:
        if found is None or found.submodule_search_locations is None:
            return None
        found = PathFinder.find_spec(part, list(found.submodule_search_locations))
    if found is None or found.origin is None or not found.has_location:
        return None
    source = Path(found.origin).resolve()
    return source if source.suffix == ".py" and source.is_file() else None


def _lies_where_own_does(source: Path, top: str, folder: Path) -> bool:
    """In the working directory or the checkout, and did not come with a run folder."""
    run = folder.resolve()
    for base in (Path.cwd().resolve(), CHECKOUT):
        if source != base / f"{top}.py" and not source.is_relative_to(base / top):
            continue
        came = base / run.relative_to(base).parts[0] if base in run.parents else run
        return not source.is_relative_to(came)
    return False


def _tree(source: Path) -> ast.Module:
    try:
        return ast.parse(source.read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return ast.Module([], [])


def _imported(node: ast.stmt, name: str, package: str) -> str | None:
    """`module:name` that a statement imports as `name`, None if it imports no such."""
    if isinstance(node, ast.Import):
        bound = {alias.asname or alias.name.split(".")[0] for alias in node.names}
        return ":" if name in bound else None
    if isinstance(node, ast.ImportFrom):
        for alias in node.names:
            if name == (alias.asname or alias.name):
                return f"{_module(node, package)}:{alias.name}"
    return None


def _module(node: Any, package: str) -> str:
    """The module that `from x import y` imports from."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    parents = parts[: len(parts) - node.level + 1]
    return ".".join([*parents, *([node.module] if node.module else [])])


def _makes(node: ast.stmt, name: str) -> bool:
    """Whether a statement binds a name without importing it by that name."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return node.name == name
    return any(
        isinstance(part, ast.Name)
        and isinstance(part.ctx, ast.Store)
        and part.id == name
        for part in ast.walk(node)
    )


def _is_star(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.names[0].name == "*"

"""The wheel carries the core alone, and the core works with base dependencies alone.

Builds it, installs it into a new environment, and trains a toy there, from a folder
that is not the checkout. Takes the network.

| mutant | fails |
|---|---|
| packages = ["s5rl", "agents"] | test_the_wheel_holds_the_core_alone |
| chex is no base dependency | test_the_wheel_asks_for_what_it_imports |
"""

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOY = """
import importlib.util, jax, jax.numpy as jnp
import s5rl

for name in ("gymnax", "distrax", "hydra", "agents", "envs", "experiment"):
    assert importlib.util.find_spec(name) is None, name

core = s5rl.make_core("s5", features=8, num_layers=1, state_size=8)
carry = core.initial_carry(16)
first = jax.random.rademacher(jax.random.key(0), (1, 16, 1), jnp.float32)
x = jnp.concatenate([first, jnp.zeros((5, 16, 1))])
reset = jnp.zeros((6, 16), bool).at[0].set(True)
params = {
    "core": core.init(jax.random.key(1), carry, x, reset),
    "readout": jax.random.normal(jax.random.key(2), (8,)) / 3,
}

def loss_of(params):
    _, y = core.apply(params["core"], carry, x, reset)
    return jnp.square(y[-1] @ params["readout"] - first[0, :, 0]).mean()

@jax.jit
def step(params):
    loss, grads = jax.value_and_grad(loss_of)(params)
    # Steps of one length: plain descent, and no step size to search for.
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(grads)))
    return jax.tree.map(lambda p, g: p - 0.03 * g / norm, params, grads), loss

losses = []
for _ in range(200):
    params, loss = step(params)
    losses.append(float(loss))
print(losses[0], losses[-1], s5rl.__file__, s5rl.__version__)
assert losses[-1] < 0.2 * losses[0], losses
"""


def run(*command, **options) -> str:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, **options
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, for a build leaves folders behind."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            (source / name).write_bytes((ROOT / name).read_bytes())
    for path in (ROOT / "s5rl").rglob("*"):
        if path.suffix in (".py", ".typed"):
            copy = source / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    for name in ("agents", "envs", "experiment"):
        (source / name).mkdir()
        (source / name / "__init__.py").touch()
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", out, source)
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_the_core_alone(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"s5rl"}
    modules = {name for name in names if name.endswith(".py")}
    ours = {p.relative_to(ROOT).as_posix() for p in (ROOT / "s5rl").rglob("*.py")}
    assert modules == ours


def test_the_wheel_asks_for_what_it_imports(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith("/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
    base = [line for line in metadata.get_all("Requires-Dist") if "extra" not in line]
    names = {line.split(">")[0].split("<")[0].strip() for line in base}
    assert names == {"jax", "flax", "chex", "numpy"}


@pytest.mark.slow
def test_a_fresh_environment_can_train(wheel, tmp_path):
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    printed = run(python, "-c", TOY, cwd=tmp_path, env=clean)
    assert str(tmp_path / "venv") in printed

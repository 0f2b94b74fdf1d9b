"""Writes a policy, and what a stranger has to know to play it; each is tried first."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.export
import numpy as np

from experiment import files
from experiment.errors import InputError, told
from experiment.evaluate.load import Trained
from experiment.export import onnx_file
from experiment.export.policy import NEW, Arrays, Step, program_of, step_of

TRIED = 64  # decisions, some of which open segments
PROGRAM, MODEL, MEMORY = "policy.jax", "policy.onnx", "memory.npz"
ABOUT = "policy.json"
_MEANS = {
    "obs": "what the environment shows, before the action",
    "reset": "whether obs opens an episode: memory is cleared before obs is read",
    "key": "random numbers of numpy.uint32, new in every call: actions are drawn",
    "memory": "as the last call gave it; of the first call, what memory.npz holds",
    "action": "what the environment gets",
}


def write(trained: Trained, out: Path, *, batch: int, greedy: bool, onnx: bool) -> None:
    """Writes policy.jax, memory.npz, policy.json, and policy.onnx if asked.

    Raises:
      InputError: if it cannot be said in ONNX, or what was written plays otherwise.
      MachineError: if something cannot be written.
    """
    step = step_of(trained, batch, greedy=greedy)
    program = bytes(program_of(step).serialize())
    call = jax.export.deserialize(bytearray(program)).call
    check(step, call, trained, batch, PROGRAM)
    model = onnx_file.model_of(step) if onnx else None
    if model is not None:
        check(step, onnx_file.player(model, step), trained, batch, MODEL)
    files.make_folder(out, f"out={out} cannot be made")
    files.write(out / PROGRAM, program)
    if model is not None:
        files.write(out / MODEL, model)
    else:
        with told(f"{out / MODEL} cannot be removed"):
            (out / MODEL).unlink(missing_ok=True)  # of another learner
    files.write(out / MEMORY, _npz(step.memory))
    files.write_json(out / ABOUT, about(trained, step, batch, greedy))


def about(trained: Trained, step: Step, batch: int, greedy: bool) -> dict[str, Any]:
    """What policy.json holds."""
    config, (env, params) = trained.config, (trained.env, trained.env_params)
    return {
        "format": 1,
        "env": config.env.name,
        "core": config.core.name,
        "agent": config.agent.name,
        "updates": trained.update,
        "batch": batch,
        "greedy": greedy,
        "observation_space": repr(env.observation_space(params)),
        "history": _history(config.env.history, env, params),
        "action_space": repr(env.action_space(params)),
        "inputs": [_told(name, x) for name, x in step.inputs.items()],
        "outputs": [_told(name, x) for name, x in step.outputs.items()],
        "memory": {name: f"{NEW}{name}" for name in step.memory},
    }


def check(
    step: Step,
    play: Callable[[Arrays], Any],
    trained: Trained,
    batch: int,
    what: str,
) -> None:
    """Plays what was exported beside the learner itself, each with its own memory.

    Raises:
      InputError: if an action differs.
    """
    draw = np.random.default_rng(0)
    ours, theirs = dict(step.memory), dict(step.memory)
    function = jax.jit(step.function)
    for number in range(TRIED):
        now = {
            name: _drawn(draw, name, shape, number)
            for name, shape in step.inputs.items()
            if name not in step.memory
        }
        one, other = function({**now, **ours}), play({**now, **theirs})
        _same(what, np.asarray(one["action"]), np.asarray(other["action"]))
        ours = {name: one[f"{NEW}{name}"] for name in ours}
        theirs = {name: other[f"{NEW}{name}"] for name in theirs}


def _same(what: str, one: np.ndarray, other: np.ndarray) -> None:
    close = np.issubdtype(one.dtype, np.floating)
    if np.allclose(one, other, rtol=1e-3, atol=1e-4) if close else (one == other).all():
        return
    raise InputError(
        f"{what} does not play as the learner: an action is {other.tolist()}, where it "
        f"is {one.tolist()}. Nothing was written."
    )


def _drawn(draw: np.random.Generator, name: str, x: Any, number: int) -> np.ndarray:
    if name == "reset":
        return (draw.random(x.shape) < 0.1) | (number == 0)
    if name == "key":
        return draw.integers(2**32, size=x.shape, dtype=np.uint32)
    if np.issubdtype(x.dtype, np.floating):
        return draw.normal(size=x.shape).astype(x.dtype)
    return draw.integers(2, size=x.shape).astype(x.dtype)


def _told(name: str, x: Any) -> dict[str, Any]:
    kind = name.removeprefix(NEW).partition("/")[0]
    return {
        "name": name,
        "shape": list(x.shape),
        "dtype": str(np.dtype(x.dtype)),
        "is": _MEANS[kind] if not name.startswith(NEW) else "for the next call",
    }


def _history(history: bool, env: Any, params: Any) -> str | None:
    if not history:
        return None
    return (
        "obs ends with the previous action (one-hot where it is one of several), the "
        "previous reward and 1 where an episode opens; there, action and reward are 0"
    )


def _npz(arrays: dict[str, Any]) -> bytes:
    held = io.BytesIO()
    np.savez(held, **arrays)
    return held.getvalue()

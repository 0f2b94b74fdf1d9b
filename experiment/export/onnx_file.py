"""The same policy as an ONNX model, where the extra `onnx` is installed."""

import importlib
import importlib.util
import logging
import warnings
from typing import Any

import numpy as np

from experiment.errors import InputError
from experiment.export.plain import Unsaid, plain
from experiment.export.policy import Arrays, Step

PACKAGES = ("jax2onnx", "onnxruntime")


def is_there(package: str) -> bool:
    """Whether it is installed."""
    return importlib.util.find_spec(package) is not None


def lacking() -> list[str]:
    """What ONNX needs and is not there."""
    return [name for name in PACKAGES if not is_there(name)]


def model_of(step: Step) -> bytes:
    """An ONNX model with the names of `step`, for actions that are not drawn.

    Raises:
      InputError: naming what of the program has no counterpart.
    """
    # It logs, with a traceback each, what extensions it has for packages not there.
    logging.getLogger("jax2onnx").setLevel(logging.CRITICAL)
    to_onnx = importlib.import_module("jax2onnx").to_onnx
    names = list(step.inputs)

    def flat(*arrays: Any) -> tuple[Any, ...]:
        found = step.function(dict(zip(names, arrays, strict=True)))
        return tuple(found[name] for name in step.outputs)

    shapes = list(step.inputs.values())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own dependencies
            model = to_onnx(
                plain(flat, *shapes),
                shapes,
                input_names=names,
                output_names=list(step.outputs),
                model_name="policy",
            )
    except (NotImplementedError, Unsaid) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"this policy cannot be written as ONNX: {said}; onnx=false leaves it out."
        ) from error
    return model.SerializeToString()


def player(model: bytes, step: Step) -> Any:
    """`arrays -> arrays`, as `step.function`, by ONNX Runtime on the CPU.

    Raises:
      InputError: if it cannot run the model.
    """
    onnxruntime = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # of its own kinds, each named after a status
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"ONNX Runtime cannot run this policy: {said}; onnx=false leaves it out."
        ) from error
    read = [one.name for one in session.get_inputs()]

    def play(arrays: Arrays) -> Arrays:
        given = {name: np.asarray(arrays[name]) for name in read}
        return dict(zip(step.outputs, session.run(None, given), strict=True))

    return play

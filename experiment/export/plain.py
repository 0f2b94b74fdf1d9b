"""A program in fewer words: what an ONNX runtime knows, and no complex numbers.

A traced program is gone through once, operation by operation:

- what depends on parameters alone is computed here and now (of an S5 layer: exp(ΛΔ));
- a complex number is a pair of its parts;
- calls are opened, and a few operations are said in others.

Nothing else changes, so that results differ by rounding at most.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.extend import core


class Pair(NamedTuple):
    """A complex array."""

    real: Any
    imag: Any


class Unsaid(Exception):
    """An operation on complex numbers that is not written here; its name."""


def plain(function: Callable[..., Any], *shapes: Any) -> Callable[..., list[Array]]:
    """The function in other words.

    Args:
      function: of arrays; gives a flat tuple of arrays. Neither may be complex.
      *shapes: of its arguments.

    Returns:
      A function of the same arguments, to be traced.
    """
    closed = jax.make_jaxpr(function)(*shapes)
    return lambda *arguments: _run(closed.jaxpr, closed.consts, arguments)


def _run(program: Any, constants: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
    known: dict[Any, Any] = {}
    known.update(zip(program.constvars, constants, strict=True))
    known.update(zip(program.invars, arguments, strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, core.Literal) else known[atom]

    for equation in program.eqns:
        found = _operation(equation, [read(atom) for atom in equation.invars])
        known.update(zip(equation.outvars, found, strict=True))
    return [read(atom) for atom in program.outvars]


def _operation(equation: Any, values: list[Any]) -> list[Any]:
    name, given = equation.primitive.name, equation.params
    if name in _CALLS:
        inner = given["jaxpr"] if "jaxpr" in given else given["call_jaxpr"]
        return _run(inner.jaxpr, inner.consts, values)
    if not any(map(_is_open, values)):
        with jax.ensure_compile_time_eval():
            return _bound(equation, values)
    kinds = [x.aval.dtype for x in equation.outvars]
    gives = any(jnp.issubdtype(kind, jnp.complexfloating) for kind in kinds)
    if name in _COMPLEX and (gives or any(map(_is_complex, values))):
        return [_COMPLEX[name](equation, *values)]
    if any(isinstance(value, Pair) for value in values):
        raise Unsaid(name)
    if name in _OTHER:
        return [_OTHER[name](equation, *values)]
    return _bound(equation, values)


def _bound(equation: Any, values: list[Any]) -> list[Any]:
    """The operation as it is."""
    found = equation.primitive.bind(*values, **equation.params)
    return list(found) if equation.primitive.multiple_results else [found]


def _is_open(value: Any) -> bool:
    """Whether it depends on an argument."""
    return isinstance(value, jax.core.Tracer | Pair)


def _is_complex(value: Any) -> bool:
    return isinstance(value, Pair) or jnp.iscomplexobj(value)


def _pair(value: Any) -> Pair:
    if isinstance(value, Pair):
        return value
    if isinstance(value, jax.core.Tracer):  # real so far
        return Pair(value, jnp.zeros_like(value))
    value = np.asarray(value)  # a constant: who traces this must not see it
    return Pair(value.real, value.imag)


def _times(_: Any, x: Any, y: Any) -> Pair:
    (a, b), (c, d) = _pair(x), _pair(y)
    return Pair(a * c - b * d, a * d + b * c)


def _each(equation: Any, *values: Any) -> Pair:
    """An operation that moves numbers, or is linear: on either part alone."""
    pairs = [_pair(value) for value in values]
    parts = ([pair[i] for pair in pairs] for i in range(2))
    return Pair(*(_bound(equation, list(part))[0] for part in parts))


def _selected(_: Any, which: Any, *cases: Any) -> Pair:
    pairs = [_pair(case) for case in cases]
    return Pair(*(lax.select_n(which, *(pair[i] for pair in pairs)) for i in range(2)))


def _converted(equation: Any, value: Any) -> Any:
    """To complex, or from one complex type to another, of which there is one here."""
    return value if isinstance(value, Pair) else _pair(value)


def _choice(equation: Any, which: Any, *cases: Any) -> Any:
    """Of bools, in and, or, not."""
    if equation.outvars[0].aval.dtype != jnp.bool_ or len(cases) != 2:
        return _bound(equation, [which, *cases])[0]
    no, yes = cases
    which = jnp.broadcast_to(which, no.shape)
    return (which & yes) | (~which & no)


def _cumulative_max(equation: Any, x: Any) -> Any:
    axis, length = equation.params["axis"], x.shape[equation.params["axis"]]
    if length == 1:
        return x
    parts = [lax.slice_in_dim(x, i, i + 1, axis=axis) for i in range(length)]
    if equation.params["reverse"]:
        parts = parts[::-1]
    for i in range(1, length):
        parts[i] = lax.max(parts[i - 1], parts[i])
    return lax.concatenate(parts[::-1] if equation.params["reverse"] else parts, axis)


def _stacked(equation: Any, *parts: Any) -> Any:
    axis = equation.params["axis"]
    return lax.concatenate([jnp.expand_dims(x, axis) for x in parts], axis)


_CALLS = ("jit", "closed_call", "custom_jvp_call", "custom_vjp_call")
_COMPLEX: dict[str, Callable[..., Any]] = {
    "complex": lambda _, real, imag: Pair(real, imag),
    "real": lambda _, x: _pair(x).real,
    "imag": lambda _, x: _pair(x).imag,
    "mul": _times,
    "select_n": _selected,
    "convert_element_type": _converted,
    **dict.fromkeys(
        ("add", "sub", "neg", "broadcast_in_dim", "reshape", "squeeze", "slice"), _each
    ),
    **dict.fromkeys(("transpose", "concatenate", "rev"), _each),
}
_OTHER: dict[str, Callable[..., Any]] = {
    "select_n": _choice,
    "cummax": _cumulative_max,
    "stack": _stacked,
}

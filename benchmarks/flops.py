"""Counts the floating-point operations of a program's matrix products.

XLA counts too (`compiled.cost_analysis()["flops"]`), but the body of a loop once,
whatever its length; here it counts as often as it runs. Element-wise work is left out.
"""

import math
from collections.abc import Iterator
from typing import Any

import jax


def matrix_products(function: Any, *arguments: Any) -> int:
    """Floating-point operations of the matrix products that a call computes.

    An addition and a multiplication count as two; complex numbers' as eight. Of several
    branches the cheapest counts: what a rollout computes only where a clock cuts an
    episode is left out.

    Raises:
      ValueError: for a matrix product in a loop whose length is not known.
    """
    return _count(jax.make_jaxpr(function)(*arguments).jaxpr)


def _count(program: Any) -> int:
    return sum(_of_equation(equation) for equation in program.eqns)


def _of_equation(equation: Any) -> int:
    name, params = equation.primitive.name, equation.params
    if name == "dot_general":
        return _of_product(equation)
    inner = [_count(each) for each in _programs(params)]
    if name == "scan":
        return params["length"] * sum(inner)
    if name == "cond":
        return min(inner)
    if name == "custom_linear_solve":  # of its four programs, a call runs one
        return _count(params["jaxprs"].solve.jaxpr)
    if name == "while" and sum(inner):
        raise ValueError("a matrix product stands in a loop of unknown length.")
    return sum(inner)


def _of_product(equation: Any) -> int:
    left, right = (variable.aval for variable in equation.invars)
    contracted, batched = equation.params["dimension_numbers"]
    (summed, _), (_, right_batch) = contracted, batched
    others = [
        size
        for axis, size in enumerate(right.shape)
        if axis not in (*contracted[1], *right_batch)
    ]
    assert len(summed) == len(contracted[1])
    each = 8 if left.dtype.kind == "c" else 2
    return each * math.prod(left.shape) * math.prod(others)


def _programs(params: Any) -> Iterator[Any]:
    """The programs inside an equation."""
    for value in params.values():
        for part in jax.tree.leaves(value, is_leaf=_is_program):
            if _is_program(part):
                yield getattr(part, "jaxpr", part)


def _is_program(value: Any) -> bool:
    return hasattr(value, "eqns") or hasattr(value, "jaxpr")

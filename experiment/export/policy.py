"""A trained learner as one function of named arrays, memory among them.

    {obs, reset, memory/0, ...} -> {action, new_memory/0, ...}

Memory goes in and comes out, so that whoever plays it keeps it. Names are those of a
tree's places: an observation that is a dict is `obs/<key>` and so on. Every array has
the batch as its first axis. Complex memory is planes [B, ..., 2, P], real and imaginary
parts; memory of 16 bits is float32, which holds the same numbers.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
from jax import Array

from experiment.evaluate.load import Trained

Arrays = dict[str, Any]
PLATFORMS = ("cpu", "cuda", "tpu")
NEW = "new_"  # before the name of memory that comes out


class Step(NamedTuple):
    """A policy over named arrays."""

    function: Callable[[Arrays], Arrays]
    inputs: dict[str, jax.ShapeDtypeStruct]
    outputs: dict[str, jax.ShapeDtypeStruct]
    memory: dict[str, np.ndarray]  # that has read nothing, by the name of its input


def step_of(trained: Trained, batch: int, *, greedy: bool = True) -> Step:
    """The policy of a learner.

    Args:
      trained: the learner, whose parameters become constants.
      batch: B, of every array.
      greedy: the likeliest, or best, action. Otherwise actions are drawn, with another
        input: `key` [2] uint32, new in every call.
    """
    carry = trained.initial_carry(batch)
    obs, fill = _observed(trained, batch)
    leaves, structure = jax.tree.flatten(carry)
    names = list(named("memory", carry))
    memory = {n: np.asarray(_real(x)) for n, x in zip(names, leaves, strict=True)}
    key = {} if greedy else {"key": jax.ShapeDtypeStruct((2,), jnp.uint32)}
    inputs = {
        **named("obs", obs),
        "reset": jax.ShapeDtypeStruct((batch,), jnp.bool_),
        **key,
        **{name: jax.ShapeDtypeStruct(x.shape, x.dtype) for name, x in memory.items()},
    }

    def function(arrays: Arrays) -> Arrays:
        found = [arrays[name] for name in named("obs", obs)]
        seen = fill(jax.tree.unflatten(jax.tree.structure(obs), found))
        carried = [
            _as(arrays[n], leaf.dtype) for n, leaf in zip(names, leaves, strict=True)
        ]
        drawn = None if greedy else jax.random.wrap_key_data(arrays["key"])
        after, action = trained.act(
            jax.tree.unflatten(structure, carried), seen, arrays["reset"], drawn, greedy
        )
        new = zip(names, jax.tree.leaves(after), strict=True)
        return {"action": action, **{f"{NEW}{n}": _real(x) for n, x in new}}

    return Step(function, inputs, jax.eval_shape(function, inputs), memory)


def program_of(step: Step) -> jax.export.Exported:
    """The policy for every platform; its `call` takes a dict and gives one."""
    return jax.export.export(jax.jit(step.function), platforms=PLATFORMS)(step.inputs)


def named(prefix: str, tree: Any) -> Arrays:
    """The leaves of a tree by their places: "obs", or "obs/key"."""
    paths = jax.tree.leaves_with_path(tree)
    return {
        "/".join([prefix, *(jax.tree_util.keystr((k,), simple=True) for k in path)]): x
        for path, x in paths
    }


def _observed(trained: Trained, batch: int) -> tuple[Any, Callable[[Any], Any]]:
    """What the actor is shown, [B, ...], and what makes an observation of it.

    The hidden state that only a critic sees is no input: zeros stand for it.
    """
    whole, _ = jax.eval_shape(trained.env.reset, jax.random.key(0), trained.env_params)
    whole = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct((batch, *x.shape), x.dtype), whole
    )
    if not getattr(trained.config.agent.options, "privileged_critic", False):
        return whole, lambda obs: obs
    hidden = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), whole["state"])
    return whole["obs"], lambda obs: {"obs": obs, "state": hidden}


def _real(x: Array) -> Array:
    if jnp.iscomplexobj(x):
        return jnp.stack([x.real, x.imag], axis=-2)
    return x.astype(jnp.float32) if x.dtype in (jnp.bfloat16, jnp.float16) else x


def _as(x: Array, dtype: Any) -> Array:
    """The inverse of `_real`."""
    if jnp.issubdtype(dtype, jnp.complexfloating):
        return jax.lax.complex(x[..., 0, :], x[..., 1, :])
    return jnp.asarray(x, dtype)

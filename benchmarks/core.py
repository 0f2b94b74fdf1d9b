"""How long does an S5 stack take to learn and to act, beside a textbook one?

    python -m benchmarks.core
    python -m benchmarks.core --length 64 --batch 2 --repeat 1

Prints a JSON object a line: forward and forward with gradient over a rollout [T, B],
and one acting step over [B]. `ratio_to_textbook` is time over the textbook's time:
below one is faster. Both stacks run on the same parameters and give the same outputs.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from benchmarks.measure import compare, positive, report, textbook_recurrence
from s5rl import S5, make_core
from s5rl.ssm.discretise import eigenvalues


def textbook_stack(core: S5, params: Any, carry: Any, x: Array, reset: Array):
    """`core.apply` as it is usually written.

    Complex matrix products with B̄ formed, the textbook scan, and acting as a scan over
    two elements: the carry and the step. Only `norm="pre"`, `activation="half_glu1"`.
    """
    carries = []
    for index, state in enumerate(carry):
        state, x = _textbook_layer(params[f"layer_{index}"], state, x, reset)
        carries.append(state)
    return tuple(carries), x


def _textbook_layer(p: Any, state: Array, x: Array, reset: Array):
    u = x - x.mean(-1, keepdims=True)
    u = u * jax.lax.rsqrt((u**2).mean(-1, keepdims=True) + 1e-6)
    u = u * p["norm"]["scale"] + p["norm"]["bias"]
    poles = eigenvalues(p["ssm"])
    b, c = (jax.lax.complex(*p["ssm"][k]).T for k in ("input_matrix", "output_matrix"))
    multiplier = jnp.exp(poles * jnp.exp(p["ssm"]["log_step"]))
    b = ((multiplier - 1) / poles)[:, None] * b
    inputs = u.astype(jnp.complex64) @ b.T
    state, states = textbook_recurrence(multiplier, inputs, reset, state)
    y = 2 * (states @ c.T).real + p["ssm"]["feedthrough"] * u
    y = jax.nn.gelu(y)
    gate = jax.nn.sigmoid(y @ p["gate"]["kernel"] + p["gate"]["bias"])
    return state, x + y * gate


def our_stack(core: S5, params: Any, carry: Any, x: Array, reset: Array):
    """The core, as an agent calls it."""
    return core.apply({"params": params}, carry, x, reset)


def forward(run: Callable, *arguments: Any):
    """The new carry and the outputs."""
    return run(*arguments)


def forward_and_gradient(run: Callable, *arguments: Any):
    """The outputs' energy, and its gradient in parameters and inputs."""
    params, carry, x, reset = arguments

    def energy(params, x):
        return jnp.mean(run(params, carry, x, reset)[1] ** 2)

    return jax.value_and_grad(energy, argnums=(0, 1))(params, x)


PASSES = {
    "forward": forward,
    "forward+gradient": forward_and_gradient,
    "acting": forward,
}


def stacks(**options: Any) -> tuple[S5, dict[str, Callable]]:
    """The core, and both ways to run it."""
    core = make_core("s5", **options)
    runs = {"textbook": textbook_stack}
    runs |= {f"s5rl ({core.config.method})": our_stack}
    return core, {name: partial(run, core) for name, run in runs.items()}


def inputs(core: S5, length: int, batch: int) -> tuple:
    """(params, carry, x, reset), with an episode end in 50 steps."""
    x_key, reset_key, key = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(x_key, (length, batch, core.features))
    reset = jax.random.bernoulli(reset_key, 0.02, (length, batch))
    carry = core.initial_carry(batch)
    params = jax.jit(core.init)(key, carry, x, reset)["params"]
    return params, carry, x, reset


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = {"length": 256, "batch": 16, "features": 256, "states": 256, "layers": 4}
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=positive, default=default)
    parser.add_argument("--method", default="auto", help="of linear_recurrence")
    parser.add_argument("--repeat", type=positive, default=11, help="rounds")
    flags = parser.parse_args(argv)
    core, runs = stacks(
        features=flags.features,
        state_size=flags.states,
        num_layers=flags.layers,
        method=flags.method,
    )
    for name, make in PASSES.items():
        length = 1 if name == "acting" else flags.length
        functions = {stack: partial(make, run) for stack, run in runs.items()}
        arguments = inputs(core, length, flags.batch)
        timings = compare(functions, arguments, repeat=flags.repeat)
        facts = {"T": length, "B": flags.batch, "H": flags.features}
        facts |= {"N": flags.states, "layers": flags.layers, "repeat": flags.repeat}
        report(timings, benchmark="core", **{"pass": name}, **facts)


if __name__ == "__main__":
    main()

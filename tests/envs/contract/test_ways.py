"""Every way that lanes are worked on gives the same bits, in every family that has it.

Compiled without the passes that contract products and sums where they stand together.

| mutant | fails |
|---|---|
| "select" hands on what was there before | same_bits, by_platform |
| "any" asks whether all are chosen | same_bits |
| a GPU is given the chunks of a CPU | by_platform |
| work with a sort, or with many draws, counts as short | by_platform |
| bodies that end together are reset in chunks as well | compiled_once |
| the resets of bodies are worked out body by body | compiled_once |
"""

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from benchmarks.gpu.ways import FAMILIES, equations
from envs.contract import lanes

pytestmark = pytest.mark.usefixtures("quick_compilation")

LANES = 80  # five chunks of resets, two of a body's
QUICK = ("dark_room", "popgym_higher_lower_easy")


def old(state, params, ends):
    """States whose clock, and a trial's, stands before the end where `ends`."""

    def late(state, params):
        limit = params.max_steps_in_episode
        return jnp.where(ends, limit - 1, 3).astype(jnp.int32)

    if hasattr(state, "trial"):
        inner, trials = state.inner, params.inner
        # Where a trial ends in a lane, half the time the meta-episode does as well.
        time = jnp.where(jnp.arange(LANES) % 2, late(state, params), 3)
        state = state.replace(time=time.astype(jnp.int32))
        if hasattr(inner, "terminated"):  # of several bodies, each has a clock
            bodies = zip(inner.inner, trials.inner, strict=True)
            each = tuple(s.replace(time=late(s, p)) for s, p in bodies)
            return state.replace(inner=inner.replace(inner=each))
        return state.replace(inner=inner.replace(time=late(inner, trials)))
    return state.replace(time=late(state, params))


@pytest.mark.thinned(2)
@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name in FAMILIES
    ],
)
def test_all_ways_give_the_same_bits(name):
    """None, few, most and all of the lanes end."""
    steps = {}
    for way in ("chunks", "select", "any"):
        axes = (0, 0, 0, None)
        with lanes.forced(way):
            env, params = envs.make(name)
            keys = jax.random.split(jax.random.key(0), LANES)
            _, start = jax.jit(jax.vmap(env.reset, (0, None)))(keys, params)
            action = jax.vmap(env.action_space(params).sample)(keys)
            step = jax.jit(jax.vmap(env.step, axes))
            steps[way] = step.lower(keys, start, action, params).compile()
    seen: Counter[str] = Counter()
    for count in (0, 5, 70, LANES):
        ends = jax.random.permutation(jax.random.key(1), LANES) < count
        state = old(start, params, ends)
        results = {w: step(keys, state, action, params) for w, step in steps.items()}
        for way in ("select", "any"):
            jax.tree.map(np.testing.assert_array_equal, results[way], results["chunks"])
        _, _, _, terminated, truncated, info = results["chunks"]
        seen["ended"] += int((terminated | truncated).sum())
        seen["went on"] += int((~(terminated | truncated)).sum())
        if "trial_ended" in info:
            seen["trials"] += int((info["trial_ended"] & ~truncated).sum())
    assert min(seen.values()) > 20


def drawn(x):
    """Ten draws, one after another."""
    for i in range(10):
        x += jax.random.uniform(jax.random.key(i), x.shape) * x.sum()
    return x


def some(chosen, x, work):
    return lanes.where(chosen, work, (x,), x, smallest=2, parts=4)


@pytest.mark.parametrize(
    ("work", "waits"),
    [(lambda x: jnp.sin(x) * x.sum(), 0), (lambda x: jnp.sort(x) + 1, 1), (drawn, 1)],
    ids=["short", "sort", "draws"],
)
def test_the_way_is_chosen_by_platform(work, waits):
    """Of the program lowered for CUDA: no condition for short work, one for long."""
    chosen, x = jnp.arange(16) < 5, jnp.arange(48.0).reshape(16, 3)[:, ::-1]
    many = jax.jit(jax.vmap(lambda chosen, x: some(chosen, x, work)))
    traced = many.trace(chosen, x)
    lines = {
        p: traced.lower(lowering_platforms=(p,)).as_text() for p in ("cuda", "cpu")
    }
    assert lines["cuda"].count("stablehlo.while") == waits
    assert "top_k" not in lines["cuda"] and "top_k" in lines["cpu"]
    want = np.where(chosen[:, None], jax.jit(jax.vmap(work))(x), x)
    np.testing.assert_array_equal(many(chosen, x), want)


def test_a_step_of_several_bodies_is_compiled_once():
    """As it is lowered for a CPU: a random number stands for a copy of a reset.

    Before, 13,850 lines and 8,516 equations, 6 copies of each body's reset and 2 of its
    step; compiling them took 15 of the 25 CPU seconds of the whole update.
    """
    env, params = envs.make("projected_control")
    keys = jax.random.split(jax.random.key(0), 128)
    _, state = jax.eval_shape(jax.vmap(env.reset, (0, None)), keys, params)
    action = jax.ShapeDtypeStruct((128, 2), jnp.float32)
    step = jax.jit(jax.vmap(env.step, (0, 0, 0, None)))
    text = step.lower(keys, state, action, params).as_text()
    assert text.count("\n") < 7000
    with lanes.forced("chunks"):
        env, params = envs.make("projected_control")
        step = jax.jit(jax.vmap(env.step, (0, 0, 0, None)))
        counted = equations(step.trace(keys, state, action, params).jaxpr.jaxpr)
    # 8 draws of bodies, of a trial and of a meta-episode; 6 of a task.
    assert counted["random_bits"] == 2 * 8 + 6

"""An expert of a bare body, through the lens that a task puts before it.

The environment plays `clip(M a')` of the agent's action a', and a body takes its first
entries. What is wanted of the agent is the a' in its box whose image is nearest:

    through_lens(a, task) = argmin |clip(M a') - a|^2    over |a'_i| <= 1,
                            and of several the one with the least norm

The clip makes this no convex problem: beyond a bound, overshooting is free. But it is
piecewise quadratic, and its pieces are cut by few lines: the sides of the box, where an
entry of the image is clipped (`m a' = +-1`), and where it is right (`m a' = a_i`). With
two actions, a least error is therefore reached where all entries are right, where two
lines cross, or at the least square along one of them; and the least norm among equals
there too, or at the point of a line that is nearest to 0. All of these are tried.

Half of all Gaussian lenses cannot reach full force on a body with one action. What an
expert earns through a lens is so below what it earns without, task by task: that, and
not the bare body's level, is the most that can be learned.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array

from envs.contract.expert import Expert
from envs.contract.wrappers import name_of
from envs.meta.bodies import BodySet
from envs.meta.wrapper import Meta

ACTIONS = 2  # of a lens, that the search below is written for
_EQUAL = 1e-6  # difference of squared errors that is none, in float32


def expert(env: Any, policies: Sequence[Callable[[Array], Array]]) -> Expert:
    """The expert of `projected_control`, made of experts of its bare bodies.

    Args:
      env: from `envs.make`, wrapped or not.
      policies: `observation [D] -> action [A]` of each body as it is alone, in its own
        units, in the order of `envs.bodies`.

    Returns:
      `(state, params) -> [A]`, what the agent has to do, for `jit` and `vmap`.

    Raises:
      ValueError: if `env` is no set of bodies, or has another number of them.
    """
    while not isinstance(env, Meta) and hasattr(env, "env"):
        env = env.env
    several = getattr(env, "env", None)
    if not isinstance(env, Meta) or not isinstance(several, BodySet):
        raise ValueError(f"a lens is before bodies; {name_of(env)} has none.")
    if len(policies) != len(several.bodies):
        raise ValueError(
            f"{env.name} has {len(several.bodies)} bodies; got {len(policies)} "
            "policies."
        )

    def act(state: Any, params: Any) -> Array:
        inner, body = env.inner_params(state, params), state.task[0]["body"]
        wanted, counts = [], []
        for index, policy in enumerate(policies):
            obs = several.body_obs(index, state.inner, inner)
            action = several.unscaled(index, policy(obs), inner)
            wanted.append(jnp.pad(action, (0, several.acted - len(action))))
            counts.append(len(action))
        counts = jnp.asarray(counts, jnp.int32)
        return through_lens(jnp.stack(wanted)[body], state.task, counts[body])

    return act


def through_lens(action: Array, task: Any, count: Any = None) -> Array:
    """The agent's action whose image is nearest to a body's.

    Args:
      action: [n] float32, wanted of the body, in [-1, 1]; n at most A.
      task: as a state of `projected_control` holds it, or the part of it that has the
        matrix "act" [A, A].
      count: [] int32, how many entries of `action` the body takes; None for all.

    Returns:
      [A] float32 in [-1, 1].

    Raises:
      ValueError: for a lens of more than two actions.
    """
    lens = task[-1] if isinstance(task, tuple) else task
    matrix = lens["act"] if "act" in lens else jnp.eye(len(action), dtype=jnp.float32)
    if matrix.shape[1] > ACTIONS:
        raise ValueError(
            f"through_lens wants at most {ACTIONS} actions; got {matrix.shape[1]}."
        )
    rows, size = matrix[: len(action)], matrix.shape[1]
    counted = jnp.arange(len(rows), dtype=jnp.int32) < (
        len(rows) if count is None else count
    )
    if size < ACTIONS:  # a second action that does nothing
        rows = jnp.pad(rows, ((0, 0), (0, ACTIONS - size)))
    # An entry that the body does not take is right whatever is done.
    rows, wanted = jnp.where(counted[:, None], rows, 0), jnp.where(counted, action, 0)
    tried = jnp.clip(_candidates(rows, jnp.clip(wanted, -1, 1)), -1, 1)
    tried = jnp.where(jnp.isfinite(tried), tried, 0)
    image = jnp.clip(_product(tried, rows), -1, 1)
    error = jnp.square(image - wanted[None]).sum(-1)
    norm = jnp.square(tried).sum(-1)
    good = error <= error.min() + _EQUAL
    return tried[jnp.argmin(jnp.where(good, norm, jnp.inf))][:size]


def _candidates(rows: Array, wanted: Array) -> Array:
    """[N, 2]: among them, what is looked for. Some lie outside the box, or nowhere.

    Lines are `normal x = offset`; [L, 2] and [L].
    """
    axes = jnp.eye(2, dtype=jnp.float32)
    normals = jnp.concatenate([axes, axes, rows, rows, rows])
    ones = jnp.ones(2, jnp.float32)
    full = jnp.ones_like(wanted)
    offsets = jnp.concatenate([ones, -ones, full, -full, wanted])
    first, second = jnp.triu_indices(len(offsets), 1)
    crossings = _crossing(
        (normals[first], offsets[first]), (normals[second], offsets[second])
    )
    nearest = normals * (offsets / jnp.square(normals).sum(-1))[:, None]
    # From that point on along the line, to where |rows x - wanted| is least.
    along = jnp.stack([-normals[:, 1], normals[:, 0]], -1)
    moved = _product(along, rows)
    missing = wanted[None] - _product(nearest, rows)
    step = (moved * missing).sum(-1) / jnp.square(moved).sum(-1)
    least = nearest + along * step[:, None]
    nothing = jnp.zeros((1, 2), jnp.float32)
    return jnp.concatenate([nothing, crossings, nearest, least])


def _crossing(one: tuple[Array, Array], other: tuple[Array, Array]) -> Array:
    """[N, 2]: where pairs of lines cross; not finite where they do not."""
    (a, b), (c, d) = one[0].T, other[0].T
    determinant = a * d - b * c
    x = (one[1] * d - b * other[1]) / determinant
    y = (a * other[1] - one[1] * c) / determinant
    return jnp.stack([x, y], -1)


def _product(points: Array, rows: Array) -> Array:
    """[N, n] of [N, 2] and [n, 2]; an accelerator's default has three digits only."""
    return jnp.einsum("pi,ni->pn", points, rows, precision="highest")

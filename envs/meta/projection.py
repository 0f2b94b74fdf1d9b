"""Random linear maps of observations and actions: a body seen through a new lens.

Lu et al. (2023), §3.2 and §4.3-4.4: o' = M_o o and a = M_a a', to a fixed width, drawn
once per meta-episode, so that bodies of different sizes share one network.
"""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from gymnax.environments import spaces
from jax import Array

from envs.meta.config import LAWS
from envs.meta.variations import Unvaried


class Projection(Unvaried):
    """Observations `gain * M_o o`, actions `M_a a'`, with matrices of a named law.

    gaussian: entries N(0, 1 / width of what is projected), which keeps a vector's mean
    square. orthogonal: orthonormal columns (rows where it narrows), uniformly.
    permutation: a reordering, padded with zeros where it widens. identity: the same
    without reordering, which only pads. turned: orthonormal columns anywhere between
    identity's and orthogonal's, for each task by a share of its own: easy tasks and
    hard ones, to climb from.

    A continuous action a' has entries within -1 and 1, and `M_a a'` is clipped by the
    environment. Discrete actions can be permuted.

    Args:
      size: D', width of what is seen; at least that of what is there.
      law: of M_o, by split; "train" stands for the splits that are not named.
      actions: law of M_a, by split likewise.
      gain: factor of all observations.
    """

    def __init__(
        self,
        size: int,
        law: Mapping[str, str],
        actions: Mapping[str, str] | None = None,
        gain: float = 1.0,
    ):
        self.size, self.gain = size, gain
        self.law, self.action_law = dict(law), dict(actions or {"train": "identity"})
        for name in (*self.law.values(), *self.action_law.values()):
            if name not in LAWS:
                raise ValueError(
                    f"a projection's law must be one of {', '.join(LAWS)}; "
                    f"got {name!r}."
                )
        self.observed: int | None = None  # D, once the environment is known
        self.acted: int | None = None  # A

    def observed_size(self, size: int) -> int:
        """D', whatever D."""
        if size > self.size:
            raise ValueError(
                f"observations of size {size} do not fit a projection to {self.size}."
            )
        self.observed = size
        return self.size

    def action_space(self, space: Any) -> spaces.Space:
        """The same kind, of the same size; bounds of a Box become -1 and 1."""
        self.acted = space.n if isinstance(space, spaces.Discrete) else space.shape[0]
        if isinstance(space, spaces.Discrete):
            for law in self.action_law.values():
                if law not in ("identity", "permutation"):
                    raise ValueError(
                        "discrete actions can be permuted (identity, permutation); "
                        f"got {law!r}."
                    )
            return space
        return spaces.Box(-1.0, 1.0, space.shape, jnp.float32)

    def draw(self, key: Array, split: str) -> dict[str, Array]:
        """ "observe" [D', D]; and "act" [A, A], unless every action is itself."""
        assert self.observed is not None and self.acted is not None
        obs_key, act_key = jax.random.split(key)
        law = self.law.get(split, self.law["train"])
        matrix = draw_matrix(obs_key, law, self.size, self.observed)
        task = {"observe": self.gain * matrix}
        if set(self.action_law.values()) != {"identity"}:
            law = self.action_law.get(split, self.action_law["train"])
            task["act"] = draw_matrix(act_key, law, self.acted, self.acted)
        return task

    def observe(self, task: dict[str, Array], obs: Array) -> Array:
        """[D'] = gain M_o o."""
        return task["observe"] @ obs

    def act(self, task: dict[str, Array], action: Any) -> Any:
        """M_a a', or the action that a discrete one stands for."""
        if "act" not in task:
            return action
        if jnp.issubdtype(jnp.asarray(action).dtype, jnp.integer):
            return jnp.argmax(task["act"][:, action]).astype(jnp.int32)
        return task["act"] @ action


def draw_matrix(key: Array, law: str, rows: int, columns: int) -> Array:
    """[rows, columns] float32, rows >= columns, of one of `LAWS`. `key` is consumed."""
    if law == "gaussian":
        return jax.random.normal(key, (rows, columns), jnp.float32) / math.sqrt(columns)
    if law == "orthogonal":
        return _orthonormal(jax.random.normal(key, (rows, columns), jnp.float32))
    if law == "turned":
        return _turned(key, rows, columns)
    order = jnp.arange(rows)
    if law == "permutation":
        order = jax.random.permutation(key, rows)
    return jnp.eye(rows, dtype=jnp.float32)[order][:, :columns]


def _turned(key: Array, rows: int, columns: int) -> Array:
    """Orthonormal columns near (1 - s) identity + s (Gaussian), s uniform in [0, 1]."""
    share_key, key = jax.random.split(key)
    share = jax.random.uniform(share_key, (), jnp.float32)
    away = jax.random.normal(key, (rows, columns), jnp.float32) / math.sqrt(rows)
    stay = jnp.eye(rows, columns, dtype=jnp.float32)
    return _orthonormal((1 - share) * stay + share * away)


def _orthonormal(x: Array) -> Array:
    """Gram-Schmidt over columns: uniform over frames if `x` is Gaussian.

    Not by QR: jaxlib's batched one can deadlock on a CPU (docs/decisions.md), and a
    meta-environment draws tasks under `vmap`. Twice, for float32.
    """

    def orthogonalise(basis, column):
        index, basis = basis
        for _ in range(2):
            column = column - basis.T @ (basis @ column)
        column = column / jnp.linalg.norm(column)
        basis = jax.lax.dynamic_update_index_in_dim(basis, column, index, 0)
        return (index + 1, basis), None

    start = (jnp.int32(0), jnp.zeros(x.T.shape, jnp.float32))
    (_, basis), _ = jax.lax.scan(orthogonalise, start, x.T)
    return basis.T

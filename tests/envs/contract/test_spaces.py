"""Flattening: the same as gymnasium's, for any nest of spaces.

Mutants, and the test that fails for each:

    Dict in order of insertion (found by this test)  gymnasiums
"""

from typing import NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import spaces

from envs.contract.spaces import flat_size, flatten

BOX = spaces.Box(-2.0, 2.0, (2, 3))
PLANE = spaces.Box(0, 5, (4,), jnp.int32)
SCALAR = spaces.Box(0.0, 1.0, ())
DISCRETE = spaces.Discrete(4)
SPACES = {
    "box": BOX,
    "int box": PLANE,
    "scalar box": SCALAR,
    "discrete": DISCRETE,
    "tuple": spaces.Tuple([DISCRETE, BOX, SCALAR]),
    # Out of alphabetical order, which is the order of gymnasium and of JAX.
    "dict": spaces.Dict({"where": BOX, "at": DISCRETE, "of": SCALAR}),
    "nest": spaces.Dict(
        {
            "z": spaces.Tuple([BOX, spaces.Dict({"q": DISCRETE, "p": PLANE})]),
            "a": SCALAR,
        }
    ),
}


def sample(space, key):
    """An element, also of a nest, which gymnax's own `sample` cannot all draw."""
    if isinstance(space, spaces.Dict):
        keys = jax.random.split(key, len(space.spaces))
        parts = zip(space.spaces.items(), keys, strict=True)
        return {name: sample(part, key) for (name, part), key in parts}
    if isinstance(space, spaces.Tuple):
        keys = jax.random.split(key, len(space.spaces))
        return tuple(sample(s, key) for s, key in zip(space.spaces, keys, strict=True))
    return space.sample(key)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_flattening_is_gymnasiums(space, keys):
    theirs = spaces.gymnax_space_to_gym_space(space)
    for _ in range(3):
        x = sample(space, next(keys))
        want = gymnasium.spaces.flatten(theirs, jax.tree.map(np.asarray, x))
        got = flatten(space, x)
        assert got.dtype == jnp.float32 and got.shape == (flat_size(space),)
        np.testing.assert_allclose(got, want, rtol=1e-6)
    assert flat_size(space) == gymnasium.spaces.flatdim(theirs)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_leading_axes_are_kept(space, keys):
    drawn = [sample(space, next(keys)) for _ in range(6)]
    one = jax.tree.map(lambda *x: jnp.stack(x), *drawn)
    batch = jax.tree.map(lambda x: x.reshape(2, 3, *x.shape[1:]), one)
    got = jax.jit(lambda x: flatten(space, x))(batch)
    want = np.stack([flatten(space, x) for x in drawn])
    np.testing.assert_array_equal(got, want.reshape(2, 3, -1))


def test_a_dict_may_be_read_from_the_fields_of_a_struct(keys):
    class Seen(NamedTuple):
        at: jax.Array
        of: jax.Array
        where: jax.Array

    space = SPACES["dict"]
    x = sample(space, next(keys))
    np.testing.assert_array_equal(flatten(space, Seen(**x)), flatten(space, x))


def test_another_space_is_refused():
    with pytest.raises(TypeError, match="wanted a Box, Discrete, Dict or Tuple"):
        flat_size(gymnasium.spaces.Discrete(3))
    with pytest.raises(TypeError, match="wanted a Box, Discrete, Dict or Tuple"):
        flatten(gymnasium.spaces.Text(3), jnp.zeros(3))

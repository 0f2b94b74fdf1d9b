"""Each space has its encoder, and an encoder loses nothing it should keep.

Mutants, and the test that fails for each:

    channels share the rows of the table         mean_different_things
    uint8 not divided by 255                     an_image_of_bytes
    parts in order of insertion                  parts_are_encoded
    an integer out of range not clipped          out_of_range
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import spaces

from agents.acting.encoder import EMBEDDING, Encoder, kind
from envs.contract.spaces import flatten

# flax's Conv adds its bias [C] to [..., H, W, C].
pytestmark = pytest.mark.lenient

IMAGE = spaces.Box(0.0, 1.0, (5, 5, 2), jnp.float32)
BYTES = spaces.Box(0, 255, (5, 5, 2), jnp.uint8)
GRID = spaces.Box(0, np.array([3, 9]), (5, 5, 2), jnp.int32)
PLANE = spaces.Box(-1, 2, (4, 6), jnp.int8)
VECTOR = spaces.Box(-1.0, 1.0, (3,))
DICT = spaces.Dict({"z": GRID, "a": VECTOR, "m": spaces.Discrete(4)})


def encode(space, obs, key=0):
    encoder = Encoder(space, jax.nn.gelu)
    variables = encoder.init(jax.random.key(key), obs)
    return variables, encoder.apply(variables, obs)


def draw(space, lead=(), seed=0):
    """Any element, with leading axes."""
    rng = np.random.default_rng(seed)
    if isinstance(space, spaces.Discrete):
        return jnp.asarray(rng.integers(space.n, size=lead))
    low, high = (np.broadcast_to(x, space.shape) for x in (space.low, space.high))
    if jnp.issubdtype(space.dtype, jnp.integer):
        return jnp.asarray(
            rng.integers(low, high + 1, (*lead, *space.shape)), space.dtype
        )
    return jnp.asarray(rng.uniform(low, high, (*lead, *space.shape)), jnp.float32)


@pytest.mark.parametrize(
    "space, expected",
    [
        (IMAGE, "image"),
        (BYTES, "image"),
        (GRID, "grid"),
        (PLANE, "grid"),
        (DICT, "parts"),
        (VECTOR, "vector"),
        (spaces.Discrete(3), "vector"),
        (spaces.Box(0, 9, (4,), jnp.int32), "vector"),
        (spaces.Box(0.0, 1.0, (4, 6)), "vector"),  # coordinates, not a picture
    ],
)
def test_each_space_has_its_encoder(space, expected):
    assert kind(space) == expected


@pytest.mark.parametrize("space", [VECTOR, spaces.Discrete(4)])
def test_a_vector_is_handed_on_as_it_is(space):
    obs = draw(space, (3, 2))
    variables, y = encode(space, obs)
    assert not variables
    np.testing.assert_array_equal(y, flatten(space, obs))


@pytest.mark.thinned(2)
@pytest.mark.parametrize("space", [IMAGE, BYTES, GRID, PLANE])
def test_leading_axes_are_independent(space):
    """[T, B, ...] is encoded as each of its elements is."""
    obs = draw(space, (3, 2))
    variables, y = encode(space, obs)
    assert y.ndim == 3 and np.std(y) > 0.01
    encoder = Encoder(space, jax.nn.gelu)
    for t in range(3):
        alone = encoder.apply(variables, obs[t, 1])
        np.testing.assert_allclose(y[t, 1], alone, rtol=1e-5, atol=1e-6)


def test_an_image_of_bytes_is_read_as_shares_of_255():
    obs = draw(BYTES, (2,))
    variables, y = encode(BYTES, obs)
    shares = jnp.asarray(obs, jnp.float32) / 255
    same = Encoder(IMAGE, jax.nn.gelu).apply(variables, shares)
    np.testing.assert_allclose(y, same, rtol=1e-6, atol=1e-6)


def test_channels_of_a_grid_mean_different_things():
    """The same integer in another channel, or another integer, reads another row."""
    variables, _ = encode(GRID, draw(GRID))
    table = variables["params"]["embedding"]["embedding"]
    assert table.shape == (4 + 10, EMBEDDING)

    def gradient(obs):
        def total(params):
            return Encoder(GRID, jax.nn.gelu).apply({"params": params}, obs).sum()

        rows = jax.grad(total)(variables["params"])["embedding"]["embedding"]
        return set(np.flatnonzero(np.abs(rows).sum(1)))

    for first, second in ((0, 0), (3, 3), (1, 9)):
        obs = jnp.stack([jnp.full((5, 5), first), jnp.full((5, 5), second)], -1)
        assert gradient(obs) == {first, 4 + second}


def test_integers_start_at_the_spaces_lowest():
    variables, y = encode(PLANE, jnp.full((4, 6), -1, jnp.int8))
    assert variables["params"]["embedding"]["embedding"].shape[0] == 4
    other = Encoder(PLANE, jax.nn.gelu).apply(variables, jnp.zeros((4, 6), jnp.int8))
    assert np.abs(y - other).max() > 1e-3


def test_an_integer_out_of_range_does_not_read_another_channel():
    variables, _ = encode(GRID, draw(GRID))
    apply = Encoder(GRID, jax.nn.gelu).apply
    inside, outside = jnp.full((5, 5, 2), 3), jnp.full((5, 5, 2), 3).at[..., 0].set(7)
    np.testing.assert_array_equal(apply(variables, inside), apply(variables, outside))


def test_parts_are_encoded_each_by_its_rule_and_concatenated():
    obs = {"z": draw(GRID, (2,)), "a": draw(VECTOR, (2,)), "m": jnp.array([1, 3])}
    variables, y = encode(DICT, obs)
    grid = Encoder(GRID, jax.nn.gelu).apply(
        {"params": variables["params"]["part_z"]}, obs["z"]
    )
    want = jnp.concatenate([obs["a"], jax.nn.one_hot(obs["m"], 4), grid], -1)
    np.testing.assert_allclose(y, want, rtol=1e-6)


def test_large_images_are_halved_until_small():
    space = spaces.Box(0, 255, (64, 48, 3), jnp.uint8)
    variables, y = encode(space, draw(space))
    # 64 x 48 -> 32 x 24 -> 16 x 12 -> 8 x 6, then one convolution that keeps the size.
    assert y.shape == (8 * 6 * 32,)
    assert len(variables["params"]) == 4

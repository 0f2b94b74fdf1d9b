"""What an expert wants of a body is asked of the agent as nearly as its box allows.

| mutant | fails |
|---|---|
| only where all is right, where lines cross | no_action_is_nearer |
| no clip of the image | no_action_is_nearer |
| the first of equals, whatever its norm | least_norm |
| rows that the body does not take count | no_action_is_nearer |
| the other body's policy | through_its_lens |
| the agent's observation handed to a policy | through_its_lens |
| an action not brought from the body's bounds | own_units |
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import lsq_linear

import envs
from envs.meta.bodies import BodySet
from envs.meta.lens import through_lens
from envs.meta.projection import LAWS, draw_matrix
from tests.envs.meta.test_bodies import BODIES, Params

pytestmark = pytest.mark.usefixtures("quick_compilation")

SIDE = np.linspace(-1, 1, 101)
GRID = np.stack(np.meshgrid(SIDE, SIDE, indexing="ij"), -1).reshape(-1, 2)


def error(tried, matrix, wanted):
    """[...] squared distance of what a body does from what is wanted, in float64."""
    done = np.clip(tried @ matrix[: len(wanted)].T, -1, 1)
    return np.square(done - wanted).sum(-1)


@pytest.fixture(scope="module")
def cases():
    """(matrix [2, 2], wanted [1] or [2], found [2]), of every law and stronger ones."""
    rng = np.random.default_rng(0)
    draw = jax.vmap(draw_matrix, (0, None, None, None))
    keys = jax.random.split(jax.random.key(0), 60)
    by_law = [np.asarray(draw(keys, law, 2, 2)) for law in LAWS]
    matrix = np.concatenate([*by_law, 3 * by_law[-1]]).astype(np.float32)
    n = len(matrix)
    wanted = rng.uniform(-1, 1, (n, 2))
    wanted[rng.random((n, 2)) < 0.3] = 1.0  # experts saturate
    wanted[rng.random((n, 2)) < 0.1] = 0.0
    wanted = wanted.astype(np.float32)
    count = rng.integers(1, 3, n).astype(np.int32)
    solve = jax.jit(jax.vmap(lambda a, m, k: through_lens(a, {"act": m}, k)))
    found = np.asarray(solve(wanted, matrix, count), float)
    return [
        (m.astype(float), a[:k].astype(float), x)
        for m, a, k, x in zip(matrix, wanted, count, found, strict=True)
    ]


def test_no_action_is_nearer(cases):
    """Beside a grid over the box, and SciPy's least squares in it without a clip."""
    for matrix, wanted, found in cases:
        assert np.abs(found).max() <= 1
        own = error(found, matrix, wanted)
        assert own <= error(GRID, matrix, wanted).min() + 2e-6
        least = lsq_linear(matrix[: len(wanted)], wanted, (-1, 1)).x
        assert own <= error(least, matrix, wanted) + 2e-6


def test_of_equally_near_ones_it_has_the_least_norm(cases):
    several = 0
    for matrix, wanted, found in cases:
        as_near = error(GRID, matrix, wanted) <= error(found, matrix, wanted) + 1e-9
        if as_near.any():
            several += 1
            norms = np.square(GRID[as_near]).sum(-1)
            assert np.square(found).sum() <= norms.min() + 1e-4
    assert several > 50


@pytest.mark.slow
def test_half_of_all_gaussian_lenses_keep_a_body_from_full_force():
    """With one action, what can be reached is |m_1| + |m_2|, of the first row."""
    keys = jax.random.split(jax.random.key(1), 4000)
    matrix = jax.vmap(lambda key: draw_matrix(key, "gaussian", 2, 2))(keys)
    solve = jax.jit(jax.vmap(lambda m: through_lens(jnp.ones(1), {"act": m})))
    reached = np.abs(np.einsum("ni,ni->n", matrix[:, 0], solve(matrix))) > 1 - 1e-3
    reach = np.abs(np.asarray(matrix[:, 0])).sum(-1)
    clear = np.abs(reach - 1) > 2e-3
    np.testing.assert_array_equal(reached[clear], reach[clear] > 1)
    assert 0.49 < reached.mean() < 0.57


def test_an_expert_acts_through_its_lens():
    """Observations are inverted here, by the matrix that the task shows them with."""
    params = {
        "train_bodies": ("pendulum_swingup", "reacher_easy"),
        "held_out_bodies": (),
        "trial_steps": 9,
    }
    policies = [
        lambda obs: jnp.tanh(3 * obs[:1]),
        lambda obs: jnp.tanh(jnp.stack([obs[0] - obs[1], 2 * obs[2] + 1])),
    ]
    env, env_params = envs.make("projected_control", history=True, **params)
    act = envs.expert("projected_control", params, policies)
    keys = jax.random.split(jax.random.key(2), 24)
    obs, state = jax.jit(jax.vmap(env.reset, (0, None)))(keys, env_params)
    found = np.asarray(jax.jit(jax.vmap(act, (0, None)))(state, env_params), float)
    task = jax.tree.map(lambda x: np.asarray(x, float), state.task)
    body, lenses = task[0]["body"].astype(int), task[1]
    assert set(body) == {0, 1}
    for lane, index in enumerate(body):
        own = np.linalg.solve(
            lenses["observe"][lane], np.asarray(obs[lane], float)[:12]
        )
        wanted = np.asarray(policies[index](jnp.asarray(own, jnp.float32)), float)
        near = error(found[lane], lenses["act"][lane], wanted)
        assert near <= error(GRID, lenses["act"][lane], wanted).min() + 1e-4
    assert envs.expert("projected_control", params) is None


def test_a_policy_acts_in_the_bodys_own_units():
    several = BodySet([(env, Params()) for env in BODIES])
    for index, (env, bound) in enumerate(zip(BODIES, (1.0, 4.0, 0.5), strict=True)):
        params = several.default_params.replace(body=jnp.int32(index))
        wanted = jnp.linspace(0.3, 0.9, env.actions) * bound
        action = several.unscaled(index, wanted, params)
        np.testing.assert_allclose(action * bound, wanted, rtol=1e-5)
        assert (several.unscaled(index, 9 * wanted, params) == 1).all()


def test_what_has_no_lens_is_refused():
    with pytest.raises(ValueError, match=r"before bodies; .* has none"):
        envs.expert("dark_room", {}, [lambda obs: obs])
    with pytest.raises(ValueError, match="has 1 bodies; got 2 policies"):
        params = {"train_bodies": ("cartpole_balance",)}
        envs.expert("projected_control", params, [lambda obs: obs] * 2)
    with pytest.raises(ValueError, match="at most 2 actions; got 3"):
        through_lens(jnp.zeros(3), {"act": jnp.eye(3)})

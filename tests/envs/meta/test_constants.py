"""Bodies with other constants move as if they had been built with them.

| mutant | fails |
|---|---|
| the second body reads the first one's groups | as_one_built_so |
| a field of two groups takes the last factor alone | as_one_built_so |
| factors uniform and not log-uniform | as_likely_doubled |
| shifted tasks overlap with training | beyond_training |
| one side of shifted tasks only | beyond_training |
| a constant that changes no motion | every_constant_matters |
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import envs
from envs.control.table import TABLE
from envs.meta.constants import FARTHEST, Constants, scaled
from envs.meta.tasks import ALL_SPLITS

pytestmark = pytest.mark.usefixtures("quick_compilation")

KINDS = ("cartpole_swingup", "pendulum_swingup", "acrobot_swingup", "point_mass_easy",
         "reacher_easy", "mountain_car")  # fmt: skip


def bare(name):
    env, params = envs.make(f"control/{name}")
    return env, params


def exponents(split, count=4000, spread=2.0):
    """[count, n] u of factors spread^u."""
    constants = Constants([bare(name)[0] for name in KINDS], spread)
    keys = jax.random.split(jax.random.key(0), count)
    task = jax.jit(jax.vmap(lambda key: constants.draw(key, split)))(keys)
    assert set(np.asarray(task["body"]).tolist()) == set(range(len(KINDS)))
    return np.log(np.asarray(task["factor"], np.float64)) / np.log(spread)


def test_a_constant_is_as_likely_doubled_as_halved():
    for split in set(ALL_SPLITS) - {"shifted"}:
        u = exponents(split)
        for column in u.T:
            assert stats.kstest(column, stats.uniform(-1, 2).cdf).pvalue > 1e-3
        assert np.abs(np.corrcoef(u.T) - np.eye(len(u.T))).max() < 0.08


def test_shifted_constants_lie_beyond_training_on_both_sides():
    u = exponents("shifted")
    assert np.abs(u).min() >= 1 - 1e-5 and np.abs(u).max() <= FARTHEST + 1e-5
    assert abs((u > 0).mean() - 0.5) < 0.03
    inside = stats.uniform(1, FARTHEST - 1).cdf
    assert stats.kstest(np.abs(u).ravel()[::7], inside).pvalue > 1e-3


@pytest.mark.thinned(2)
@pytest.mark.parametrize("split", ["train", "bodies"])
def test_a_body_moves_as_one_built_so(split):
    """Through the meta-environment, beside the bare body with params set by hand."""
    env, params = envs.make("random_control", split=split, trial_steps=30)
    listed, _ = envs.bodies(
        "random_control", {"split": split, "trial_steps": 30}, ({"body": None},)
    )
    n = 12
    keys = jax.random.split(jax.random.key(2), n)
    _, state = jax.jit(jax.vmap(env.reset, (0, None)))(keys, params)
    actions = jax.random.uniform(jax.random.key(3), (10, n, 2), minval=-1, maxval=1)

    def step(state, action):
        key = jax.random.split(jax.random.key(4), n)
        obs, state, reward, *_ = jax.vmap(env.step, (0, 0, 0, None))(
            key, state, action, params
        )
        return state, (obs, reward)

    _, (obs, reward) = jax.jit(lambda s: jax.lax.scan(step, s, actions))(state)
    body = np.asarray(state.task[0]["body"])
    assert len(set(body.tolist())) == len(listed)
    for lane in range(n):
        own, base = envs.make(*listed[body[lane]][:1], **listed[body[lane]][1])
        fields = {}
        for index, group in enumerate(own.constants):
            for name in group:
                before = fields.get(name, float(getattr(base, name)))
                fields[name] = before * float(state.task[0]["factor"][lane, index])
        alone = jax.tree.map(lambda x, i=lane: x[i], state.inner.inner[body[lane]])
        made = base.replace(**fields)
        for t in range(len(actions)):
            action = actions[t, lane, : own.action_size]
            seen, alone, paid, *_ = own.step_env(keys[0], alone, action, made)
            width = own.observation_size
            np.testing.assert_allclose(obs[t, lane, :width], seen, rtol=2e-4, atol=2e-4)
            assert not np.asarray(obs[t, lane, width:12]).any()
            np.testing.assert_allclose(reward[t, lane], paid, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", KINDS)
def test_every_constant_matters_and_no_extreme_breaks_a_body(name):
    """Fifty strong actions: each group moves the body otherwise; all stay finite."""
    env, params = bare(name)
    count = len(env.constants)
    factors = np.concatenate(
        [np.ones((1, count)), 1 + 0.5 * np.eye(count),
         np.random.default_rng(0).choice([2.0**FARTHEST, 2.0**-FARTHEST], (40, count))]
    ).astype(np.float32)  # fmt: skip
    actions = jnp.sign(jax.random.normal(jax.random.key(1), (50, env.action_size)))

    def play(factor):
        made = scaled(params, env.constants, factor)
        _, start = env.reset_env(jax.random.key(0), made)

        def step(state, action):
            obs, state, *_ = env.step_env(jax.random.key(0), state, action, made)
            return state, obs

        return jax.lax.scan(step, start, actions)[1]

    seen = np.asarray(jax.jit(jax.vmap(play))(factors))
    assert np.isfinite(seen).all()
    for index in range(count):
        assert np.abs(seen[1 + index] - seen[0]).max() > 1e-3, env.constants[index]


def test_every_body_of_the_table_names_its_constants():
    for name, entry in TABLE.items():
        params = bare(name)[1]
        fields = {field for group in entry.env_class.constants for field in group}
        assert fields
        for field in fields:
            assert getattr(params, field) > 0


def test_what_cannot_vary_is_refused():
    env, _ = envs.make("gymnax/Pendulum-v1")
    with pytest.raises(ValueError, match="names no constants that may vary"):
        Constants([env], 2.0)
    for spread in (1.0, 0.5, 11.0, float("nan")):
        with pytest.raises(ValueError, match="spread must be"):
            envs.make("random_control", spread=spread)

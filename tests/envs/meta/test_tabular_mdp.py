"""The tabular MDP moves and pays as its table says; planning in it is exact.

| mutant | fails |
|---|---|
| value iteration takes the mean over actions | equals_the_best_of_every_policy |
| transition of the next state, not the current | moves_and_pays |
| reward noise of scale 2 | moves_and_pays |
| backward induction one step short | random_play, equals_the_best_of_every_policy |
| posterior mean without its prior | second_plan |
| uniform weights instead of exponential ones | rows_are_drawn |
| PSRL forgets its counts between trials | matches_a_plain_loop |
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from envs.meta import experts, planning
from tests.envs.meta import play

pytestmark = pytest.mark.usefixtures("quick_compilation")

TINY = play.TabularMDPTasks(num_states=3, num_actions=2)
HORIZON = 3


def tiny(seed):
    task = TINY.draw(jax.random.key(seed), "train")
    return task["transition"], task["reward_mean"]


def test_it_moves_and_pays_by_its_table():
    env = play.TabularMDP(num_states=3, num_actions=2)
    transition, reward_mean = tiny(0)
    params = env.default_params.replace(transition=transition, reward_mean=reward_mean)
    _, state = env.reset(jax.random.key(0), params)
    assert int(state.state) == 0
    state = state.replace(state=jnp.array(2, jnp.int32))
    keys = jax.random.split(jax.random.key(1), 6000)
    step = jax.jit(jax.vmap(env.step_env, (0, None, None, None)))
    for action in range(2):
        obs, later, reward, *_ = step(keys, state, action, params)
        np.testing.assert_array_equal(obs.argmax(-1), later.state)
        np.testing.assert_array_equal(obs.sum(-1), 1)
        for s in range(3):
            arrived = np.asarray(later.state) == s
            assert play.agrees(arrived, float(transition[2, action, s]))
        noise = np.asarray(reward) - np.asarray(reward_mean)[2, action]
        assert play.agrees(noise, 0) and play.agrees(noise**2, 1)
        # What is paid says nothing about where one goes.
        assert play.agrees(noise * (np.asarray(later.state) - 1.0), 0)


def by_hand(transition, reward_mean, policy):
    """Expected return of policy [H][S] of actions, summed over every path."""

    def value(t, s):
        if t == len(policy):
            return 0.0
        a = policy[t][s]
        ahead = sum(transition[s, a, n] * value(t + 1, n) for n in range(3))
        return reward_mean[s, a] + ahead

    return value(0, 0)


@pytest.mark.parametrize("seed", [0, 1])
def test_value_iteration_equals_the_best_of_every_policy(seed):
    """All 2^9 policies of three states and three steps."""
    transition, reward_mean = tiny(seed)
    table = np.asarray(transition, float), np.asarray(reward_mean, float)
    each = itertools.product(range(2), repeat=3)
    returns = {
        policy: by_hand(*table, policy)
        for policy in itertools.product(list(each), repeat=HORIZON)
    }
    assert len(returns) == 512
    value, policy = planning.value_iteration(transition, reward_mean, HORIZON)
    np.testing.assert_allclose(value[0, 0], max(returns.values()), rtol=1e-5)
    found = tuple(map(tuple, np.asarray(policy).tolist()))
    np.testing.assert_allclose(returns[found], max(returns.values()), rtol=1e-5)
    for some in list(returns)[::97]:
        exact = planning.policy_value(transition, reward_mean, jnp.array(some))
        np.testing.assert_allclose(exact[0, 0], returns[some], rtol=1e-5)
    # Acting at random is all policies at once.
    uniform = planning.uniform_value(transition, reward_mean, HORIZON)
    np.testing.assert_allclose(uniform[0, 0], np.mean([*returns.values()]), rtol=1e-5)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("split", ["train", "shifted"])
def test_random_play_earns_the_exact_value(split):
    env = play.TabularMDP()
    task = play.TabularMDPTasks().draw(jax.random.key(2), split)
    params = env.default_params.replace(**task)
    returns = play.random_returns(env, params, 2000, jax.random.key(0))
    exact = planning.uniform_value(task["transition"], task["reward_mean"], 10)[0, 0]
    assert play.agrees(returns, float(exact))


def plain_psrl(rng, transition, reward_mean, num_trials):
    """The value of each trial's plan, [num_trials], with nothing vectorised."""
    counts, rewards = np.zeros((3, 2, 3)), {}
    values = []
    for _ in range(num_trials):
        drawn = np.zeros((3, 2, 3)), np.zeros((3, 2))
        for s, a in itertools.product(range(3), range(2)):
            drawn[0][s, a] = rng.dirichlet(1 + counts[s, a])
            seen = rewards.get((s, a), [])
            # The prior Normal(1, 1) weighs as much as one reward of 1.
            mean = (1 + sum(seen)) / (1 + len(seen))
            drawn[1][s, a] = rng.normal(mean, (1 + len(seen)) ** -0.5)
        value, policy = np.zeros(3), []
        for _ in range(HORIZON):
            q = drawn[1] + drawn[0] @ value
            policy.insert(0, q.argmax(-1))
            value = q.max(-1)
        values.append(by_hand(transition, reward_mean, policy))
        s = 0
        for t in range(HORIZON):
            a = policy[t][s]
            rewards.setdefault((s, a), []).append(rng.normal(reward_mean[s, a]))
            following = rng.choice(3, p=transition[s, a])
            counts[s, a, following] += 1
            s = following
    return np.array(values)


@pytest.mark.slow
def test_posterior_sampling_matches_a_plain_loop():
    transition, reward_mean = tiny(3)
    table = np.asarray(transition, float), np.asarray(reward_mean, float)
    table[0][:] /= table[0].sum(-1, keepdims=True)
    rng = np.random.default_rng(0)
    plain = np.array([plain_psrl(rng, *table, 8) for _ in range(300)])
    fast = np.asarray(
        planning.posterior_sampling(
            jax.random.key(0),
            jnp.tile(transition, (2000, 1, 1, 1)),
            jnp.tile(reward_mean, (2000, 1, 1)),
            horizon=HORIZON,
            num_trials=8,
        )
    )
    error = np.sqrt(plain.var(0) / 300 + fast.var(0) / 2000)
    assert (np.abs(plain.mean(0) - fast.mean(0)) < 4.5 * error).all()
    assert fast[:, 7].mean() - fast[:, 0].mean() > 20 * error.max() / 4.5


def test_the_second_plan_follows_the_posterior():
    """One state, one step: after a reward r, Normal((1 + r) / 2, 1 / 2), else N(1, 1).

    Of the reward of an arm with mean m, r is Normal(m, 1): the drawn means of the arm
    seen and of the other differ by Normal((m - 1) / 2, 1 / 4 + 1 / 2 + 1).
    """
    low, high = -1.0, 4.0
    many = jnp.tile(jnp.array([[[low, high]]]), (12000, 1, 1))
    found = planning.posterior_sampling(
        jax.random.key(0), jnp.ones((12000, 1, 2, 1)), many, horizon=1, num_trials=2
    )
    stays = [scipy.stats.norm.cdf((m - 1) / 2 / 1.75**0.5) for m in (low, high)]
    picks_high = (1 - stays[0] + stays[1]) / 2
    assert play.agrees(found[:, 0], (low + high) / 2)
    assert play.agrees(found[:, 1], low + (high - low) * picks_high)


def test_the_figures_of_an_mdp():
    """The first trial knows nothing of the task, and no trial beats the best."""
    env = play.TabularMDP(num_states=4, num_actions=3)
    law = play.TabularMDPTasks(num_states=4, num_actions=3)
    tasks = play.draw(law, "train", 60)
    found = experts.references(
        env, env.default_params, tasks, key=jax.random.key(1), num_trials=12
    )
    assert (found.adaptive <= found.best[:, None] + 1e-4).all()
    assert (found.random < found.best).all()
    # Whatever is done at first earns 1 a step on average, and so does random play.
    assert play.agrees(found.adaptive[:, 0], 10) and play.agrees(found.random, 10)
    share = (found.adaptive - found.random[:, None]).mean(0)
    share /= (found.best - found.random).mean()
    assert share[11] > 0.5 and share[5] > share[1] > share[0]
    for i in range(3):
        mdp = tasks["transition"][i], tasks["reward_mean"][i]
        best = planning.value_iteration(*mdp, 10)[0][0, 0]
        np.testing.assert_allclose(found.best[i], best, rtol=1e-5)


def test_rows_are_drawn_from_a_flat_dirichlet():
    """Each entry is Beta(1, S - 1), whatever the others are; rows sum to 1."""
    keys = jax.random.split(jax.random.key(3), 400)
    rows = jax.vmap(lambda key: TINY.draw(key, "train")["transition"])(keys)
    np.testing.assert_allclose(rows.sum(-1), 1, rtol=1e-5)
    for entry in range(3):
        found = np.asarray(rows[:, 0, 0, entry])
        assert scipy.stats.kstest(found, scipy.stats.beta(1, 2).cdf).pvalue > 1e-3

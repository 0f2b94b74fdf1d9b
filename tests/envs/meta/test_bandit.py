"""The bandit pays at its rates, and Thompson sampling finds the best of them.

| mutant | fails |
|---|---|
| reward of arm 0 whatever is pulled | each_arm_pays_at_its_rate |
| pays and misses swapped in the posterior | matches_a_plain_loop, ever_slower |
| prior Beta(2, 2) | second_pull |
| references swap best and random | the_figures_of_a_bandit |
| pulls summed over trials in the wrong axis | the_figures_of_a_bandit |
| wins counted as pulls; the first pull stands out; a loss in green | a_picture_counts |
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.colors import to_hex

from envs.drawing import arms, picture
from envs.meta import experts
from tests.envs.meta import play

pytestmark = pytest.mark.usefixtures("quick_compilation")


def test_each_arm_pays_at_its_rate():
    env = play.Bandit(num_arms=3)
    probs = jnp.array([0.0, 0.3, 1.0])
    params = env.default_params.replace(probs=probs)
    _, state = env.reset(jax.random.key(0), params)

    def pull(key, arm):
        return env.step(key, state, arm, params)[2]

    keys = jax.random.split(jax.random.key(1), 4000)
    paid = jax.vmap(jax.vmap(pull, (0, None)), (None, 0))(keys, jnp.arange(3))
    assert set(np.unique(paid)) == {0.0, 1.0}
    np.testing.assert_array_equal(paid[0], 0)
    np.testing.assert_array_equal(paid[2], 1)
    assert play.agrees(paid[1], 0.3)


def test_random_play_earns_the_mean_rate():
    env = play.Bandit()
    params = env.default_params.replace(
        **play.BanditTasks().draw(jax.random.key(7), "train")
    )
    returns = play.random_returns(env, params, 8000, jax.random.key(0))
    assert play.agrees(returns, float(params.probs.mean()))


def plain_thompson(rng, probs, num_pulls):
    """The rate of the arm pulled, [num_pulls], with nothing vectorised."""
    paid, missed = np.zeros(len(probs)), np.zeros(len(probs))
    rates = []
    for _ in range(num_pulls):
        arm = int(np.argmax(rng.beta(1 + paid, 1 + missed)))
        pays = rng.random() < probs[arm]
        paid[arm] += pays
        missed[arm] += not pays
        rates.append(probs[arm])
    return np.array(rates)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("num_pulls", [3, 30])
def test_thompson_sampling_matches_a_plain_loop(num_pulls):
    probs = np.array([0.2, 0.5, 0.9], np.float32)
    rng = np.random.default_rng(0)
    plain = np.array([plain_thompson(rng, probs, num_pulls) for _ in range(500)])
    many = jnp.tile(probs, (1500, 1))
    fast = experts.thompson_sampling(jax.random.key(0), many, num_pulls=num_pulls)
    assert fast.shape == (1500, num_pulls)
    for t in {0, 1, 2, num_pulls // 2, num_pulls - 1}:
        a, b = plain[:, t], np.asarray(fast)[:, t]
        error = np.sqrt(a.var() / len(a) + b.var() / len(b))
        assert abs(a.mean() - b.mean()) < 4.5 * error, t
    sums = plain.sum(1), np.asarray(fast).sum(1)
    error = np.sqrt(sum(s.var() / len(s) for s in sums))
    assert abs(sums[0].mean() - sums[1].mean()) < 4.5 * error


def test_the_second_pull_follows_the_posterior():
    """Beta(2, 1) after a pay and Beta(1, 2) after a miss, against a uniform rate."""
    probs = jnp.tile(jnp.array([0.0, 1.0]), (12000, 1))
    rate = experts.thompson_sampling(jax.random.key(0), probs, num_pulls=2)
    assert play.agrees(rate[:, 0], 1 / 2) and play.agrees(rate[:, 1], 2 / 3)


def test_regret_grows_ever_slower():
    """Like a logarithm: each doubling of time adds much less than it did linearly."""
    probs = play.draw(play.BanditTasks(num_arms=4), "train", 100)["probs"]
    rate = experts.thompson_sampling(jax.random.key(0), probs, num_pulls=300)
    regret = np.cumsum((probs.max(-1)[:, None] - rate).mean(0))
    assert (rate <= probs.max(-1)[:, None]).all()
    assert regret[149] < 1.5 * regret[74] and regret[299] < 1.4 * regret[149]
    uniform = float((probs.max(-1) - probs.mean(-1)).mean())
    assert abs(regret[0] - uniform) < 0.05  # the first pull knows nothing
    assert (regret[299] - regret[199]) / 100 < 0.06 * uniform


def test_the_figures_of_a_bandit():
    env = play.Bandit(num_arms=3)
    probs = jnp.array([[0.1, 0.2, 0.9], [0.5, 0.5, 0.5]])
    key = jax.random.key(0)
    params = env.default_params
    found = experts.references(env, params, {"probs": probs}, key=key, num_trials=6)
    np.testing.assert_allclose(found.random, [0.4, 0.5], rtol=1e-6)
    np.testing.assert_allclose(found.best, [0.9, 0.5], rtol=1e-6)
    pulls = experts.thompson_sampling(key, probs, num_pulls=6)
    np.testing.assert_array_equal(found.adaptive, pulls)
    # Two trials of three pulls are the same six pulls, in their order.
    key = jax.random.key(1)
    pulls = experts.thompson_sampling(key, probs, num_pulls=6)
    assert not np.isclose(pulls[0, :3].sum(), pulls[0, ::2].sum())
    longer = params.replace(max_steps_in_episode=3)
    found = experts.references(env, longer, {"probs": probs}, key=key, num_trials=2)
    want = np.stack([pulls[:, :3].sum(1), pulls[:, 3:].sum(1)], axis=1)
    np.testing.assert_allclose(found.adaptive, want, rtol=1e-6)
    np.testing.assert_allclose(found.best, [2.7, 1.5], rtol=1e-6)
    with pytest.raises(TypeError, match="DarkKeyToDoor; got object"):
        experts.references(object(), params, {}, key=key, num_trials=1)


@pytest.mark.parametrize(
    "pulls", [[], [(2, 1.0)], [(1, 1.0), (0, 0.0), (2, 0.5), (0, -0.5)]]
)
def test_a_picture_counts_pulls_and_wins_and_shows_the_last_arm(pulls):
    rates, seen = [0.9, 0.5, 0.2], {}

    def draw(axes):
        arms.draw_arms(axes, rates, pulls)
        bars = [(bar.get_height(), to_hex(bar.get_facecolor())) for bar in axes.patches]
        seen["rates"], seen["pulls"], seen["wins"] = bars[:3], bars[3:6], bars[6:]
        seen["said"] = {text.get_text() for text in axes.texts}

    picture.picture(draw)
    said, colours = set(), [picture.FAINT] * 3
    for arm in range(3):
        paid = [reward > 0 for pulled, reward in pulls if pulled == arm]
        assert seen["pulls"][arm][0] == -len(paid) / arms.FEW
        assert seen["wins"][arm][0] == -sum(paid) / arms.FEW
        said |= {f"{sum(paid)}/{len(paid)}"} if paid else set()
    if pulls:
        arm, reward = pulls[-1]
        colours[arm] = arms.WON if reward > 0 else picture.RED
        said.add("won" if reward > 0 else "lost")
    assert seen["rates"] == list(zip(rates, colours, strict=True))
    assert seen["said"] == said

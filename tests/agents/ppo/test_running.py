"""What a learner keeps of observations and rewards, and where it is read.

Mutants, and the test that fails for each:

    returns run over the ends of episodes           plain_loop
    the return of an episode is not kept            plain_loop
    continuation is not used                        plain_loop
    every lane in the first group                   plain_loop, goes_with_its_body
    the scale is that of the rollouts before        the_unit
    statistics before the fit                       after_the_last_step
    the optimiser moves statistics                  after_the_last_step
    gradients reach them                            after_the_last_step
    advantages of all bodies together               by_body
    statistics are not in the learner               same_bits
    one scale for all seeds                         seeds_apart
    a wrapper's group is that of another task       of_the_task
"""

import dataclasses
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from agents.acting import statistics
from agents.acting.axes import Axes
from agents.acting.statistics import STATISTICS, parted
from agents.ppo import running
from agents.ppo.agent import PPO
from agents.ppo.config import PPOConfig
from agents.ppo.objective import clipped_surrogate
from envs.contract import groups
from envs.contract.wrappers import History
from tests.agents.conftest import ACTION_SPACES, Clockwork

pytestmark = pytest.mark.lenient

ALL = dict(normalize_obs=True, scale_rewards=True, value_loss="two_hot", value_bins=21,
           group_advantages=True)  # fmt: skip
GAUSSIAN, ONE = ACTION_SPACES["gaussian"][0], jnp.ones(2)
T, B, DISCOUNT = 13, 4, 0.9


class Bodies(Clockwork):
    """Episodes of an even length are of one body, and others of another.

    Its params are the units of their rewards, [2].
    """

    num_groups = 2

    def group(self, state, params):
        return 1 - self.length(state.episode).astype(jnp.int32) % 2

    def step(self, key, state, action, units):
        found = super().step(key, state, action, 0.01)
        return *found[:2], found[2] * units[self.group(state, units)], *found[3:]


class Watched(PPO):
    """Gives away what it has collected."""

    def observed(self, still, rollout):
        self.config.box.append(rollout)
        return super().observed(still, rollout)


@dataclasses.dataclass(frozen=True)
class Boxed(PPOConfig):
    box: list = dataclasses.field(default_factory=list)


def moments(learner):
    """What it has seen."""
    return learner.params[STATISTICS]["obs"][0]


def host(tree):
    """A copy of which only arrays made it through."""
    leaves, form = jax.tree.flatten(tree)
    return jax.tree.unflatten(form, [jnp.array(np.array(leaf)) for leaf in leaves])


def segment(seed):
    """A rollout's worth of rewards and boundaries."""
    rng = np.random.default_rng(seed)
    return SimpleNamespace(
        reward=jnp.asarray(rng.normal(2, 1, (T, B)), jnp.float32),
        # Some lanes go on with what they had; some steps leave nothing.
        reset=jnp.asarray(rng.random((T, B)) < 0.2).at[0, :2].set(False),
        continuation=jnp.asarray(rng.choice([0.5, 1], (T, B)), jnp.float32)
        .at[3]
        .set(0),
        group=jnp.asarray(rng.integers(0, 2, (T, B)), jnp.int32),
    )


@pytest.mark.parametrize("grouped", [False, True])
def test_returns_are_those_of_a_plain_loop(grouped):
    """Over two rollouts, whose boundary is no boundary."""
    parts = [segment(0), segment(1)]
    kept, totals, so_far = running.first(B, 1 + grouped), [], np.zeros(B)
    for part in parts:
        group = part.group if grouped else None
        kept = running.followed(kept, part, group, DISCOUNT)
        for t in range(T):
            so_far = np.where(part.reset[t], 0, so_far)
            so_far = part.reward[t] + DISCOUNT * so_far
            totals.append(so_far)
            so_far = so_far * np.asarray(part.continuation[t], np.float64)
    np.testing.assert_allclose(kept.so_far, so_far, rtol=1e-5)
    totals = np.stack(totals)
    of_group = np.concatenate([part.group for part in parts]) if grouped else 0 * totals
    scales = []
    for group in range(1 + grouped):
        mine = totals[of_group == group]
        assert kept.statistics.number[group] == len(mine)
        np.testing.assert_allclose(kept.statistics.mean[group], mine.mean(), rtol=1e-5)
        scales.append(mine.std())
    last = parts[1]
    got = running.scaled(kept, last.reward, last.group if grouped else None)
    index = np.asarray(last.group) if grouped else np.zeros((T, B), int)
    np.testing.assert_allclose(got, last.reward / np.array(scales)[index], rtol=1e-4)


def test_what_is_not_finite_is_gone_with_its_episode():
    part = segment(2)
    part.reward = part.reward.at[4, 1].set(jnp.nan).at[-1, 2].set(jnp.inf)
    kept = running.followed(running.first(B, 1), part, None, DISCOUNT)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(kept))
    assert T * B - 14 < kept.statistics.number[0] < T * B


@pytest.fixture(scope="module")
def built(small_ppo):
    """`built(**options) -> agent` that gives away what it has collected."""

    def build(core="gru", **options):
        agent = small_ppo(core, "gaussian", env=Bodies(GAUSSIAN), learning_rate=0.02,
                          epochs=2, **ALL, **options)  # fmt: skip
        config = Boxed(**vars(agent.config))
        return Watched(**{**vars(agent), "config": config, "env_params": ONE})

    return build


@pytest.fixture(scope="module")
def learned(built):
    """Three updates with all of it on, what they collected, and two in other units."""
    agent = built()

    @jax.jit
    def update(learner, units):
        now = dataclasses.replace(agent, env_params=units)
        learner, metrics = now.update(learner)
        return learner, metrics, agent.config.box.pop()

    def train(units, count):
        learners, metrics, rollouts = [begun], [], []
        for _ in range(count):
            learner, now, rollout = update(learners[-1], units)
            learners.append(learner)
            metrics.append(now)
            rollouts.append(rollout)
        return learners, metrics, rollouts

    with jax.numpy_rank_promotion("allow"):
        begun = jax.jit(agent.initialise)(jax.random.key(3))
        learners, metrics, rollouts = train(ONE, 3)
        units = jnp.array([[100.0, 100.0], [1.0, 50.0]])
        others = [train(of_both, 2) for of_both in units]
    return SimpleNamespace(
        agent=agent, update=update, learners=learners, metrics=metrics,
        rollouts=rollouts, others=others,
    )  # fmt: skip


def test_the_unit_of_rewards_changes_nothing(learned):
    """From the first update on; of both bodies, or of one."""
    for (*_, other), _, rollouts in learned.others:
        assert np.abs(rollouts[1].reward).mean() > 10 * (
            np.abs(learned.rollouts[1].reward).mean()
        )
        jax.tree.map(
            lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-4),
            other.params, learned.learners[2].params,
        )  # fmt: skip
    pairs = [learner.params["params"] for learner in learned.learners[::2]]
    moved = jax.tree.map(lambda x, y: np.abs(x - y).max(), *pairs)
    assert max(jax.tree.leaves(moved)) > 1e-2


def test_observations_count_after_the_last_step_of_a_fit(learned):
    """The fit reads as acting did, and what is kept is all that was seen."""
    kept = statistics.nothing((4,))
    for i, rollout in enumerate(learned.rollouts):
        error = learned.metrics[i]["diagnostics/first_ratio_error"]
        np.testing.assert_allclose(error, 0, atol=5e-6)
        kept = statistics.merge(kept, statistics.of(rollout.obs))
        jax.tree.map(
            lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6),
            moments(learned.learners[i + 1]), kept,
        )  # fmt: skip
    last = learned.learners[-1]
    assert moments(last).number == 3 * 7 * 4
    moved, _ = parted(last.params)
    assert jax.tree.structure(last.opt_state[1][0].mu) == jax.tree.structure(moved)


def test_a_scale_goes_with_its_body(learned):
    """In one lane from episode to episode."""
    group = np.stack([rollout.obs[..., 2] for rollout in learned.rollouts])
    group = 1 - np.rint(group * 5).astype(int) % 2
    assert (np.ptp(group, axis=(0, 1)) > 0).any()
    (count, *_) = learned.learners[-1].extra.returns.statistics
    np.testing.assert_array_equal(count, np.bincount(group.ravel()))
    (_, large), (_, small) = (
        statistics.deviation(of_them[-1].extra.returns.statistics)
        for of_them in (learned.others[1][0], learned.learners[:3])
    )
    np.testing.assert_allclose(large, 50 * small, rtol=1e-3)


def test_what_acts_reads_through_them(learned):
    """As a network does that is given observations which are normalised already."""
    agent, learner = learned.agent, learned.learners[-1]
    obs = 3 * jax.random.normal(jax.random.key(0), (4, 4)) + 1
    kept, reset = moments(learner), jnp.ones(4, bool)
    act = jax.jit(lambda learner, obs: agent.act(
        learner, agent.initial_carry(4), obs, reset, None, greedy=True
    ))  # fmt: skip
    moved, still = parted(learner.params)
    bare = learner._replace(params={**moved, **jax.tree.map(jnp.zeros_like, still)})
    read = statistics.normalise(kept, obs[None])[0]
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6),
        act(learner, obs), act(bare, read),
    )  # fmt: skip
    gap = np.abs(act(learner, obs)[1] - act(bare, obs)[1]).max()
    assert gap > 1e-3


def test_a_copy_goes_on_with_the_same_bits(learned):
    """All that is kept is in the learner."""

    def plain(learner):
        return learner._replace(key=jax.random.key_data(learner.key))

    copied = host(plain(learned.learners[1]))
    copied = copied._replace(key=jax.random.wrap_key_data(copied.key))
    again, *_ = learned.update(copied, ONE)
    jax.tree.map(np.testing.assert_array_equal, plain(again),
                 plain(learned.learners[2]))  # fmt: skip
    assert np.any(learned.learners[2].extra.returns.so_far)


@pytest.mark.slow
def test_seeds_are_apart(built, learned):
    """Each keeps what it has alone; the third of three is the one of above."""
    agent = built(axes=Axes(seeds="seed"))
    keys = jnp.stack([jax.random.key(1), jax.random.key(2), jax.random.key(3)])
    learners = jax.jit(jax.vmap(agent.initialise, axis_name="seed"))(keys)
    update = jax.jit(jax.vmap(agent.update, axis_name="seed"))
    for _ in range(2):
        learners, _ = update(learners)
    alone, third = learned.learners[2], jax.tree.map(lambda x: x[2], learners)
    for one, other in (
        (moments(alone), moments(third)), (alone.extra, third.extra)
    ):  # fmt: skip
        jax.tree.map(
            lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-3),
            one, other,
        )  # fmt: skip
    for leaf in (moments(learners).mean, learners.extra.returns.statistics.mean):
        assert np.abs(leaf[0] - leaf[1]).min() > 0


def test_advantages_by_body_have_no_mean_and_a_deviation_of_one():
    rng = np.random.default_rng(0)
    group = jnp.asarray(rng.integers(0, 3, (T, B)), jnp.int32).at[0, 0].set(3)
    size = np.array([1e-2, 1.0, 1e3, 1.0])
    advantage = rng.normal(3, 1, (T, B)) * size[np.asarray(group)]
    ratio, total = np.exp(0.3 * rng.normal(size=(T, B))), 0.0
    config = PPOConfig(group_advantages=True, clip_epsilon=0.1)
    used = np.zeros((T, B))
    for i in range(4):  # of the last there is one, of a fifth none
        mine = np.asarray(group) == i
        away = advantage[mine] - advantage[mine].mean()
        used[mine] = away / max(away.std(), 1e-8)
    for r, a in zip(ratio.flat, used.flat, strict=True):
        total += min(r * a, min(max(r, 0.9), 1.1) * a)
    got = clipped_surrogate(
        *(jnp.asarray(x, jnp.float32) for x in (ratio, advantage)), config, group, 5
    )
    np.testing.assert_allclose(got, -total / (T * B), rtol=1e-4)


def test_the_group_of_a_lane_is_the_body_of_the_task():
    """Through all wrappers."""
    bodies = ("point_mass_easy", "cartpole_balance")
    env, params = envs.make(
        "projected_control", train_bodies=bodies, trial_steps=3, num_trials=1
    )
    env = History(env)
    assert groups.count(env) == 2
    keys = jax.random.split(jax.random.key(0), 8)
    _, states = jax.jit(jax.vmap(env.reset, (0, None)))(keys, params)
    group = groups.of(env, states, params)
    np.testing.assert_array_equal(group, states.task[0]["body"])
    assert 0 < group.sum() < 8
    assert groups.count(envs.make("control/pendulum_swingup")[0]) == 1

"""What distillation comes to: the source's law, given all that came before.

| mutant | fails |
|---|---|
| memory is cleared where a trial ends | test_the_loss_is_what_acting_would_give |
| memory is kept where a meta-episode opens | the same |
| the action is predicted from the next observation | the same |
| the learner's own rollout is fitted | test_an_update_fits_its_sources |
| `source/*` are of the learner's own play | the same |
| all updates fit the same histories | the same |
| the law of another step | the same |
| `soft_labels` is ignored | test_what_is_learned_is_asked_for |
| histories are read without being opened | test_stored_histories_take_its_place |
| an action of a Box is taken for the number of a bin | test_actions_of_a_box_* |
| greedy sources only | test_it_comes_to_predict_its_source (slow) |
"""

from functools import partial
from itertools import product
from math import factorial
from types import SimpleNamespace
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import spaces

import agents
import envs
from agents.acting.boxes import BinsHead
from agents.acting.fit import Minibatch
from agents.acting.rollout import collect
from agents.acting.situation import read
from agents.distill.objective import loss
from agents.distill.record import History

PULLS, ARMS = 5, 2
SMALL = dict(encoder_sizes=(8,), head_sizes=(8,), num_envs=4, num_minibatches=1)


@pytest.fixture(scope="module")
def bandit():
    return envs.make("meta_bandit", num_arms=ARMS, num_trials=PULLS)


@pytest.fixture(scope="module")
def build(small_core, bandit):
    """A small agent on the bandit, or on what is given."""

    def build(env=None, env_params=None, stored=None, num_updates=4, **options):
        env, env_params = (env, env_params) if env is not None else bandit
        given = dict(source="ucb", source_every=1, epochs=1, rollout_length=12)
        config = agents.CONFIGS["distill"](**{**SMALL, **given, **options})
        extra = {} if stored is None else {"stored": stored}
        parts = dict(env=env, env_params=env_params, core=small_core("gru"), **extra)
        return agents.make("distill", config, num_updates=num_updates, **parts)

    return build


@pytest.fixture(scope="module")
def case(build):
    """An agent, a learner far from its beginning, and histories."""
    agent = build()
    learner, history = jax.jit(
        lambda one, other: (agent.initialise(one), agent.histories(other))
    )(*jax.random.split(jax.random.key(0)))
    params = jax.tree.map(lambda x: x + 0.3 * jnp.sign(x), learner.params)
    return agent, learner._replace(params=params), history


def test_the_loss_is_what_acting_would_give(case):
    """Step by step, each history by itself; trials end inside, and it remembers."""
    agent, learner, history = case
    of = jax.jit(
        lambda p, history: loss(
            p, Minibatch(agent.initial_carry(4), (), history), None, agent
        )[0]
    )

    @jax.jit
    def step(carry, obs):
        going_on = jnp.zeros(1, bool)
        carry, law, _ = read(agent.behaviour(learner), carry, obs[None], going_on)
        return carry, law.log_probs[0, 0]

    surprise, over_law = [], []
    for lane in range(4):
        carry = None
        for t in range(12):
            opens = bool(history.reset[t, lane])
            assert opens == (t % PULLS == 0)
            carry = agent.initial_carry(1) if opens else carry
            carry, log_probs = step(carry, history.obs[t, lane])
            surprise.append(-log_probs[history.action[t, lane]])
            over_law.append(-np.sum(history.law[t, lane] * log_probs))
    found = of(learner.params, history._replace(law=None))
    np.testing.assert_allclose(found, np.mean(surprise), rtol=1e-5)
    np.testing.assert_allclose(of(learner.params, history), np.mean(over_law), 1e-5)
    assert not np.isclose(np.mean(surprise), np.mean(over_law))  # arms were drawn
    assert history.trial_ended.all()  # of a bandit, every pull


@pytest.mark.slow
def test_an_update_fits_its_sources(case, build):
    """The parameters follow the sources, which are new every time."""
    agent, learner, _ = case
    update = jax.jit(agent.update)
    after, metrics = update(learner)
    key, play_key, history_key, _ = jax.random.split(learner.key, 4)
    history = jax.jit(agent.histories)(history_key)
    np.testing.assert_allclose(
        metrics["source/reward"], np.mean(history.reward), rtol=1e-6
    )
    np.testing.assert_allclose(
        metrics["source/late_reward"], np.mean(history.reward[-1:]), rtol=1e-6
    )
    batch = Minibatch(agent.initial_carry(4), (), history)
    grads = jax.jit(jax.grad(lambda p: loss(p, batch, None, agent)[0]))(learner.params)
    updates, _ = agent.optimizer.update(grads, learner.opt_state, learner.params)
    wanted = jax.tree.map(jnp.add, learner.params, updates)
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6),
        *(after.params, wanted),
    )
    again, _ = update(after)
    assert (jax.random.key_data(after.key) == jax.random.key_data(key)).all()
    assert (jax.random.key_data(again.key) != jax.random.key_data(key)).any()
    later = jax.jit(agent.histories)(jax.random.split(key, 4)[2])
    assert (later.action != history.action).any()
    # Its own play is its own: the reward of a lane is not a source's.
    assert metrics["episode/count"] == 4 * (12 // PULLS)
    _, played = jax.jit(partial(
        collect, env=agent.env, env_params=agent.env_params, length=12,
        policy=agent.behaviour(learner), to_env=agent.network.head.to_env,
    ))(learner.situation, play_key)  # fmt: skip
    np.testing.assert_allclose(metrics["rollout/reward"], played.reward.mean(), 1e-6)
    assert (played.reward != history.reward).any()


def test_what_is_learned_is_asked_for(build):
    """The same histories, with the law of their actions or without."""
    soft, hard = (build(soft_labels=x) for x in (True, False))
    told, untold = (
        jax.jit(x.histories)(jax.random.key(1)) for x in (soft, hard)
    )  # fmt: skip
    assert untold.law is None
    assert (told.action == untold.action).all()
    chance = jnp.take_along_axis(told.law, told.action[..., None], -1)
    assert (chance > 0).all()


def test_actions_of_a_box_lie_between_two_bins():
    head = BinsHead((-2.0, 0.0), (2.0, 1.0), 5)
    logits = jax.random.normal(jax.random.key(0), (1, 3, head.num_outputs))
    bins = jax.nn.log_softmax(logits.reshape(1, 3, 2, 5))

    class Fixed:
        network = SimpleNamespace(head=head)

        def policy(self, params):
            return lambda carry, obs, reset: (carry, head.distribution(logits, None), 0)

    action = jnp.array([[[0.5, 0.0], [-2.0, 0.25], [1.75, 1.0]]])
    history = History((), (), action, (), ())
    found, _ = loss((), Minibatch((), (), history), None, Fixed())
    parts = [
        (bins[0, 0, 0, 2] + bins[0, 0, 0, 3]) / 2 + bins[0, 0, 1, 0],
        bins[0, 1, 0, 0] + bins[0, 1, 1, 1],
        bins[0, 2, 0, 3] / 4 + bins[0, 2, 0, 4] * 3 / 4 + bins[0, 2, 1, 4],
    ]
    np.testing.assert_allclose(found, -sum(parts) / 3, rtol=1e-5)


class Constant:
    """Stored histories in which everybody always does the same."""

    shapes: ClassVar = {
        "obs": ((1 + ARMS + 3,), np.float32),
        "action": ((), np.uint8),
    }

    def read(self, key, num_lanes, length):
        shape = length, num_lanes
        return dict(
            obs=jnp.zeros((*shape, 1 + ARMS + 3)),
            reset=jnp.zeros(shape, bool).at[0].set(True),
            action=jnp.ones(shape, jnp.int32),
            reward=jnp.full(shape, 0.25),
            trial_ended=jnp.ones(shape, bool),
        )


def test_stored_histories_take_its_place(build):
    agent = build(stored=Constant(), histories="somewhere")
    assert (agent.histories(jax.random.key(0)).action == 1).all()
    closed = build(histories="somewhere")
    learner = jax.eval_shape(closed.initialise, jax.random.key(0))
    with pytest.raises(ValueError, match="histories of somewhere, which are not open"):
        jax.eval_shape(closed.update, learner)
    for field, shape, told in (
        ("obs", (9,), r"observations of shape \(6,\), .*; got \(9,\)"),
        ("action", (2,), r"actions of shape \(\), .*; got \(2,\)"),
    ):
        shapes = Constant.shapes | {field: (shape, np.float32)}
        other = type("Other", (Constant,), {"shapes": shapes})
        with pytest.raises(ValueError, match=told):
            build(stored=other(), histories="somewhere")


def test_what_cannot_be_distilled_is_refused(build, clockwork):
    chain, params = envs.make("memory_chain")
    with pytest.raises(ValueError, match=r"trials of a hidden task, .* has none"):
        build(chain, params)
    with pytest.raises(ValueError, match=r"num_trials of at least 2; .* has 1"):
        build(*envs.make("meta_bandit", num_trials=1))
    pole = envs.make("meta_cartpole")
    with pytest.raises(
        ValueError, match=r"a table of states, and .* has none: say with"
    ):
        build(*pole, source="q_learning")
    with pytest.raises(ValueError, match="Clockwork has none: say with"):
        build(clockwork.env(spaces.Box(-1.0, 1.0, (2,))), 0.0)
    with pytest.raises(ValueError, match="num_bins must be at least 2; got 1"):
        build(num_bins=1)
    build(*pole, histories="somewhere")  # which can act
    with pytest.raises(ValueError, match="source_every must be at least 1; got 0"):
        build(source_every=0)
    with pytest.raises(ValueError, match="histories must name a folder"):
        build(histories=" ")
    with pytest.raises(ValueError, match="histories_digest is of the folder"):
        build(histories_digest="abc")


@pytest.mark.slow
def test_it_comes_to_predict_its_source(small_core, bandit):
    """The loss falls to the entropy of UCB's own law, which is worked out here."""
    env, params = bandit
    config = agents.CONFIGS["distill"](
        **SMALL | dict(num_envs=256, num_minibatches=4), rollout_length=PULLS,
        source="ucb", source_every=1, learning_rate=1e-2,
    )  # fmt: skip
    parts = dict(env=env, env_params=params, core=small_core("gru"), num_updates=150)
    agent = agents.make("distill", config, **parts)

    @jax.jit
    def train(key):
        learner = agent.initialise(key)
        update = lambda learner, _: agent.update(learner)  # noqa: E731
        return jax.lax.scan(update, learner, length=150)[1]["loss/surprise"]

    found = np.asarray(train(jax.random.key(0)))
    assert found[0] > 0.6
    np.testing.assert_allclose(found[-20:].mean(), surprise_of_ucb(), atol=0.02)


def surprise_of_ucb():
    """Mean entropy of an action, over all rewards of arms with uniform rates."""
    total = 0.0
    histories = [((), 1.0)]  # (arm, reward) ..., and how likely its actions are
    for _ in range(PULLS):
        later = []
        for seen, chance in histories:
            likely = ucb_law(seen)
            weight = chance * marginal(seen)
            total += -weight * sum(p * np.log(p) for p in likely if p > 0)
            later += [
                ((*seen, (arm, reward)), chance * likely[arm])
                for arm, reward in product(range(ARMS), (0, 1))
                if likely[arm] > 0
            ]
        histories = later
    return total / PULLS


def counts(seen):
    pulled = np.array([sum(arm == a for arm, _ in seen) for a in range(ARMS)])
    paid = np.array([sum(r for arm, r in seen if arm == a) for a in range(ARMS)])
    return pulled, paid


def ucb_law(seen):
    pulled, paid = counts(seen)
    bound = np.full(ARMS, np.inf)
    some = pulled > 0
    bound[some] = paid[some] / pulled[some]
    bound[some] += np.sqrt(2 * np.log(max(len(seen), 1)) / pulled[some])
    best = bound >= bound.max() - 1e-6 if np.isfinite(bound.max()) else ~some
    return best / best.sum()


def marginal(seen):
    """Chance of the rewards, in this order, of arms whose rates are uniform."""
    pulled, paid = counts(seen)
    one = [
        factorial(s) * factorial(n - s) / factorial(n + 1)
        for n, s in zip(pulled.tolist(), paid.tolist(), strict=True)
    ]
    return float(np.prod(one))

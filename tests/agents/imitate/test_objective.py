"""What imitation comes to: the posterior of the task, and no more than that.

Mutants, and the test that fails for each:

    answers are of the state after the step          of_the_state_before, posterior
    answers are another lane's                       of_the_state_before, posterior
    a tie counts as its first action                 ties
    ties are summed and not averaged                 ties
    weight of steps where all actions are best       nothing_to_learn
    values learn what the expert earned              learners_own_play
    a return runs on over the change of turns        learners_own_play
    the bit reaches memory, or the critic            the_actor_alone
    the vector is added where the bit is not set     the_actor_alone
    acting without the bit; the bit's vector lost    acts_with_the_bit
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from agents.acting.axes import ALONE
from agents.acting.distributions import Categorical, make_head
from agents.acting.fit import Minibatch
from agents.acting.policy import TOLD, always_told
from agents.acting.rollout import collect_guided
from agents.acting.situation import begin
from agents.imitate import turns
from agents.imitate.agent import targets
from agents.imitate.answers import answers
from agents.imitate.config import ImitateConfig
from agents.imitate.objective import Lesson, loss
from agents.imitate.teacher import Teacher
from tests.agents.acting.test_returns import forward_view_returns

pytestmark = pytest.mark.lenient

T, B = 7, 4
PULLS, LANES = 4, 8_000


@pytest.fixture(scope="module")
def case(played):
    """Rollouts of the tests' clockwork, and what a teacher noted of the second."""
    case = SimpleNamespace(**vars(played("gru", "discrete", "imitate")))
    agent = case.agent
    inner = case.learner.params["params"]
    vector = jnp.linspace(-1, 1, inner[TOLD].size)
    params = {"params": {**inner, TOLD: vector}}
    case.learner = case.learner._replace(params=params)
    noted = jax.jit(
        lambda situation, key: collect_guided(
            *(situation, agent.extra(None), key), env=agent.env,
            env_params=agent.env_params, policy=case.policy,
            to_env=agent.network.head.to_env, length=T,
            guide=Teacher(agent.answers, agent.env_params, 0.5),
        )
    )  # fmt: skip
    _, _, rollout, note = noted(case.before, jax.random.key(5))
    return SimpleNamespace(**{**vars(case), "rollout": rollout, "note": note})


def lesson_of(case, **changes):
    given = dict(answer=case.note.answer, expert=case.note.turn.expert)
    target = jnp.asarray(np.random.default_rng(0).normal(size=(T, B)), jnp.float32)
    return Lesson(**{**given, "target": target, **changes})


def measured(case, lesson):
    batch = Minibatch(case.before.carry, case.rollout, lesson)
    return jax.jit(lambda p: loss(p, batch, None, case.agent))(case.learner.params)


def test_answers_are_of_the_state_before_the_step(case, clockwork):
    lengths = np.asarray(clockwork.lengths)
    state = jax.tree.map(np.array, case.before.env_state)
    episode, time = state.episode, state.time
    assert case.rollout.reset[1:].any()
    for t in range(T):
        want = np.arange(3) != ((episode + time) % 3)[:, None]
        want = want | (time == 0)[:, None]
        np.testing.assert_array_equal(case.note.answer.action[t], want)
        weight = case.note.answer.weight[t]
        np.testing.assert_array_equal(weight, ~want.all(1))
        over = time + 1 >= lengths[episode % len(lengths)]
        episode, time = episode + over, np.where(over, 0, time + 1)


def test_ties_count_alike():
    logits = jnp.log(jnp.array([0.5, 0.2, 0.2, 0.1]))
    best = jnp.array([True, False, True, False])
    found = Categorical(logits).cross_entropy(best)
    np.testing.assert_allclose(found, -0.5 * np.log(0.5 * 0.2), rtol=1e-6)
    gradient = jax.grad(lambda x: Categorical(x).cross_entropy(best))
    # It is smallest where both are as likely.
    step = lambda x, _: (x - gradient(x), None)  # noqa: E731
    logits, _ = jax.lax.scan(step, logits, length=200)
    np.testing.assert_allclose(jax.nn.softmax(logits), [0.5, 0, 0.5, 0], atol=0.01)


def test_where_there_is_nothing_to_learn_nothing_counts(case):
    """The loss is a mean over the steps that have an answer."""
    _, metrics = measured(case, lesson_of(case))
    policy = case.agent.policy(case.learner.params, case.note.turn.expert)
    opening = case.before.carry, case.rollout.obs, case.rollout.reset
    _, distribution, _ = policy(*opening)
    log_probs, best = np.asarray(distribution.log_probs), case.note.answer.action
    asked = ~np.all(best, -1)
    assert asked.any() and not asked.all()
    cost = [
        -log_probs[i][np.asarray(best[i])].mean()
        for i in zip(*asked.nonzero(), strict=True)
    ]
    np.testing.assert_allclose(metrics["loss/imitation"], np.mean(cost), rtol=1e-5)


def test_values_are_of_the_learners_own_play(case):
    rollout, expert = case.rollout, np.asarray(case.note.turn.expert)
    assert expert.any() and not expert.all() and (expert[1:] & ~expert[:-1]).any()
    # Here turns change with episodes; with trials they change inside of them.
    turn = np.random.default_rng(1).random((T, B)) < 0.5
    changes = np.zeros((T, B), bool)
    changes[:-1] = turn[1:] != turn[:-1]
    assert (changes & ~np.asarray(rollout.terminated | rollout.truncated)).any()
    config = case.agent.config
    want = forward_view_returns(
        *map(
            np.asarray,
            (rollout.reward, rollout.next_value, rollout.terminated,
             rollout.truncated | changes),
        ),
        discount=np.full((T, B), config.discount),
        lambda_=config.gae_lambda,
    )  # fmt: skip
    found = targets(rollout, jnp.asarray(turn), config)
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)
    _, metrics = measured(case, lesson_of(case))
    policy = case.agent.policy(case.learner.params, False)
    _, _, value = policy(case.before.carry, rollout.obs, rollout.reset)
    error = np.square(np.asarray(value - lesson_of(case).target))[~expert].mean() / 2
    np.testing.assert_allclose(metrics["loss/value"], error, rtol=1e-5)


def test_the_bit_reaches_the_actor_alone(case):
    obs, reset, carry = case.rollout.obs, case.rollout.reset, case.before.carry
    some = jnp.zeros((T, B), bool).at[2:4, 1].set(True)
    read = {
        bit: case.agent.policy(case.learner.params, told)(carry, obs, reset)
        for bit, told in (("never", False), ("some", some))
    }
    for (one, other) in zip(*map(jax.tree.leaves, (
        (read["never"][0], read["never"][2]), (read["some"][0], read["some"][2])
    )), strict=True):  # fmt: skip
        np.testing.assert_array_equal(one, other)
    gap = read["never"][1].log_probs - read["some"][1].log_probs
    np.testing.assert_array_equal(np.abs(gap).max(-1) > 1e-3, some)


@pytest.mark.parametrize("sizes", [(8,), ()])
def test_a_policy_without_the_bit_acts_with_the_bit(small_agent, sizes):
    """What the vector does is in a bias, and acting is with the bit set."""
    told = small_agent("imitate", "gru", head_sizes=sizes)
    plain = small_agent("imitate", "gru", head_sizes=sizes, expert_share=0.0)
    learner = jax.jit(told.initialise)(jax.random.key(0))
    inner = learner.params["params"]
    inner[TOLD] = jax.random.normal(jax.random.key(1), inner[TOLD].shape)
    params = always_told({"params": inner})
    assert TOLD in inner
    wanted = jax.eval_shape(plain.initialise, jax.random.key(0)).params
    assert jax.tree.structure(params) == jax.tree.structure(wanted)
    obs, reset = (
        jax.random.normal(jax.random.key(2), (T, B, 4)),
        jnp.zeros((T, B), bool),
    )
    carry = told.initial_carry(B)

    def log_probs(policy):
        return jax.jit(lambda *now: policy(*now)[1].log_probs)(carry, obs, reset)

    one = log_probs(told.behaviour(learner))
    other = log_probs(plain.policy(params, False))
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    bare = log_probs(told.policy(learner.params, False))
    assert np.abs(one - bare).max() > 1e-3


class Counts:
    """Two arms, exactly: memory counts, and the actor draws by the posterior.

    What is seen is [0, previous action (2), previous reward, trial ended, start].
    """

    def __init__(self, env, env_params):
        space = env.action_space(env_params)
        self.answers = answers(env, make_head(space), space)
        self.config, self.axes = ImitateConfig(value_weight=0.0), ALONE
        # P(the first arm is better | wins and losses of both), on a grid of rates.
        rate = (np.arange(400) + 0.5) / 400
        count = np.arange(PULLS + 1)
        density = rate ** count[:, None, None] * (1 - rate) ** count[:, None]
        density /= density.sum(-1, keepdims=True)  # [wins, losses, rate]
        below = density.cumsum(-1) - density / 2
        table = np.einsum("abr,cdr->abcd", density, below)
        self.table = jnp.asarray(table, jnp.float32)

    def replayed(self, params, batch):
        rollout = batch.rollout
        carry = batch.initial_carry
        _, *found = self.policy(params, False)(carry, rollout.obs, rollout.reset)
        return *found, 0.0, {}

    def policy(self, params, bit):
        def step(counts, now):
            obs, reset = now
            counts = jnp.where(reset[:, None, None], 0, counts)
            won = jnp.stack([obs[:, 3], 1 - obs[:, 3]], -1)
            counts = counts + obs[:, 1:3, None] * won[:, None]
            c = counts.astype(jnp.int32)
            first = self.table[c[:, 0, 0], c[:, 0, 1], c[:, 1, 0], c[:, 1, 1]]
            return counts, first

        def policy(carry, obs, reset):
            carry, first = jax.lax.scan(step, carry, (obs, reset))
            distribution = Categorical(jnp.log(jnp.stack([first, 1 - first], -1)))
            return carry, distribution, jnp.zeros(reset.shape)

        return policy


@pytest.fixture(scope="module")
def bandit():
    """One meta-episode each of many bandits, by the exact posterior."""
    env, env_params = envs.make("meta_bandit", num_arms=2, num_trials=PULLS)
    exact, empty = Counts(env, env_params), jnp.zeros((LANES, 2, 2))
    now = begin(env, env_params, empty, jax.random.key(0), LANES)
    _, _, rollout, note = jax.jit(
        lambda now, key: collect_guided(
            *(now, turns.first(LANES), key), env=env, env_params=env_params,
            policy=exact.policy(None, False), to_env=lambda action: action,
            length=PULLS, guide=Teacher(exact.answers, env_params, 0.0),
        )
    )(now, jax.random.key(1))  # fmt: skip
    _, distribution, _ = exact.policy(None, False)(empty, rollout.obs, rollout.reset)

    def cost(answer):
        lesson = Lesson(answer, note.turn.expert, rollout.value)
        return float(loss(None, Minibatch(empty, rollout, lesson), None, exact)[0])

    return note.answer, np.exp(distribution.log_probs), cost


def test_at_the_posterior_the_loss_is_the_posteriors_entropy(bandit):
    """Less would be leakage: nothing but play tells of the task."""
    answer, posterior, cost = bandit
    entropy = -(posterior * np.log(posterior)).sum(-1)
    # Play tells something, of which less cannot be missed.
    assert entropy[0].mean() == pytest.approx(np.log(2), abs=1e-3)
    assert entropy[-1].mean() < 0.6
    # The standard deviation of 80,000 answers, given play.
    each = np.sqrt((posterior * np.log(posterior) ** 2).sum(-1) - entropy**2)
    spread = np.sqrt(np.square(each).sum()) / entropy.size
    assert cost(answer) == pytest.approx(float(entropy.mean()), abs=float(4 * spread))
    assert spread < 0.006
    # Answers of the step after, which a reset has drawn anew at the end, cost more.
    later = jax.tree.map(lambda x: jnp.roll(x, 1, axis=1), answer)
    assert cost(later) > np.log(2) + 0.02


def test_of_shuffled_tasks_nothing_can_be_known(bandit):
    answer, posterior, _ = bandit
    shuffled = jax.tree.map(lambda x: jnp.roll(x, 1, axis=1), answer)
    best = np.asarray(shuffled.action)[..., 0]
    # Whatever play says, each arm is as likely: the entropy of the prior is the least.
    for confident in (posterior[..., 0] > 0.7, posterior[..., 0] < 0.3):
        assert best[confident].mean() == pytest.approx(0.5, abs=0.03)
        own = np.asarray(answer.action)[..., 0][confident].mean()
        assert abs(own - 0.5) > 0.25

"""Memory learns to foretell, nothing over an end of an episode, and acts as before.

| mutant | fails |
|---|---|
| what follows an end is foretold | a_slow_account |
| the observation of the same step is the target | a_slow_account |
| the target has a gradient | no_reason_to_change |
| what is foretold hangs on no action | on_the_action |
| memory has no gradient of it | memory_learns |
| foretelling changes what is acted on | acts_as_it_would |
| chunks lose what is foretold | acts_as_it_would |
| the weight counts twice | memory_learns |
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import spaces

from agents.acting import foresight
from agents.acting.fit import Minibatch

pytestmark = pytest.mark.usefixtures("quick_compilation")

T, B, D = 7, 3, 4


def made_up(seed=0):
    keys = jax.random.split(jax.random.key(seed), 3)
    told, seen = (jax.random.normal(key, (T, B, D)) for key in keys[:2])
    return told, seen, jax.random.bernoulli(keys[2], 0.3, (T, B))


def test_an_error_is_that_of_a_slow_account():
    told, seen, reset = (np.asarray(x) for x in made_up())
    found = []
    for t in range(T - 1):
        for lane in range(B):
            if not reset[t + 1, lane]:
                found.append(((told[t, lane] - seen[t + 1, lane]) ** 2).mean() / 2)
    assert 0 < len(found) < (T - 1) * B
    error = foresight.error(*map(jnp.asarray, (told, seen, reset)))
    assert float(error) == pytest.approx(np.mean(found), rel=1e-5)
    # What comes after an end may be anything; where all ends, nothing is wrong.
    broken = np.where(reset[..., None], np.nan, seen)
    assert float(foresight.error(told, jnp.asarray(broken), reset)) == pytest.approx(
        np.mean(found), rel=1e-5
    )
    assert float(foresight.error(told, seen, jnp.ones_like(reset))) == 0


def test_what_is_seen_has_no_reason_to_change():
    told, seen, reset = made_up()
    gradient = jax.grad(foresight.error, (0, 1))(told, seen, reset)
    assert np.asarray(gradient[0]).any() and not np.asarray(gradient[1]).any()


@pytest.fixture(scope="module")
def foretelling(small_agent):
    """`(agent, learner, rollout)` of an agent that foretells."""

    def build(name="ppo", core="s5", **config):
        agent = small_agent(name, core, **{"foresight_weight": 1.0, **config})
        learner = jax.jit(agent.initialise)(jax.random.key(0))
        params = jax.tree.map(
            lambda x: (x + 0.2 * np.cos(7 * x)).astype(x.dtype),
            jax.device_get(learner.params),
        )
        return agent, learner._replace(params=params)

    return build


def replay(network, params, action_shift=0):
    """`judged` and `foretelling` of made-up steps, and their observations."""
    keys = jax.random.split(jax.random.key(1), 3)
    obs = jax.random.normal(keys[0], (T, B, 4))
    reset = jax.random.bernoulli(keys[1], 0.2, (T, B))
    action = (jax.random.randint(keys[2], (T, B), 0, 3) + action_shift) % 3

    @jax.jit
    def both(params):
        given = (network.initial_carry(B), obs, reset)
        carry, acts, value = network.apply(params, *given, method="judged")
        first = jnp.zeros((T, B), jnp.int32)
        plain = carry, acts.log_prob(first), value
        found = network.apply(params, *given, action, method="foretelling")
        carry, acts, value, told = found
        return plain, (carry, acts.log_prob(first), value), told

    return *both(params), obs


@pytest.mark.thinned(2)
@pytest.mark.parametrize("chunk", [None, 3])
def test_an_agent_acts_as_it_would(foretelling, chunk):
    agent, learner = foretelling()
    _, whole, told, obs = replay(agent.network, learner.params)
    cut = agent.network.clone(chunk_length=chunk)
    plain, also, told_in_chunks, _ = replay(cut, learner.params)

    def same(x, y):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)

    jax.tree.map(same, plain, also)
    jax.tree.map(same, whole, also)
    jax.tree.map(same, told, told_in_chunks)
    np.testing.assert_array_equal(told[1], obs)
    assert told[0].shape == obs.shape


def test_what_is_foretold_hangs_on_the_action(foretelling):
    agent, learner = foretelling()
    (_, acts, one, _), (_, other_acts, other, _) = (
        replay(agent.network, learner.params, shift) for shift in (0, 1)
    )
    assert np.abs(one[0] - other[0]).max(-1).min() > 1e-3
    np.testing.assert_array_equal(acts[1], other_acts[1])


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", ["ppo", "imitate"])
def test_memory_learns_to_foretell(foretelling, name):
    """By the gradient of the cost, which is the weight's; the critic has none of it."""
    gradients = []
    for weight in (0.5, 2.0):
        agent, learner = foretelling(name, "gru", foresight_weight=weight)
        keys = jax.random.split(jax.random.key(1), 2)
        rollout = SimpleNamespace(
            obs=jax.random.normal(keys[0], (T, B, 4)),
            reset=jax.random.bernoulli(keys[1], 0.2, (T, B)),
            action=jnp.zeros((T, B), jnp.int32),
        )
        batch = Minibatch(agent.network.initial_carry(B), rollout, ())

        @jax.jit
        @jax.grad
        def gradient(variables, network=agent.network, batch=batch, weight=weight):
            return foresight.replayed(network, variables, batch, weight)[2]

        found = gradient(learner.params)["params"]
        gradients.append(found["core"])
        assert not any(np.asarray(x).any() for x in jax.tree.leaves(found["critic_0"]))
    assert any(np.asarray(x).any() for x in jax.tree.leaves(gradients[0]))
    for one, other in zip(*map(jax.tree.leaves, gradients), strict=True):
        np.testing.assert_allclose(other, 4 * one, rtol=1e-4, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ppo", "imitate"])
def test_training_makes_foresight_better(foretelling, name):
    """What comes next in the clockwork follows from what was seen and done."""
    agent, learner = foretelling(name, learning_rate=1e-2, epochs=4, num_updates=100)
    update, wrong = jax.jit(agent.update), []
    for _ in range(60):
        learner, metrics = update(learner)
        wrong.append(float(metrics["loss/foresight"]))
    assert np.mean(wrong[-5:]) < 0.3 * wrong[0]


def test_layers_that_foretell_are_parted_and_joined(foretelling, small_agent):
    learner = foretelling()[1]
    rest, layers = foresight.parted(learner.params)
    plain = jax.eval_shape(small_agent("ppo", "s5").initialise, jax.random.key(0))
    assert jax.tree.structure(rest) == jax.tree.structure(plain.params)
    assert layers and foresight.joined(rest, layers) == learner.params


def test_only_vectors_are_foretold(small_agent, clockwork):
    class Picture(clockwork.env):
        def observation_space(self, params):
            return spaces.Box(0, 1, (4, 4, 1))

    for name in ("ppo", "imitate"):
        with pytest.raises(ValueError, match="foresight_weight asks for the next"):
            small_agent(name, env=Picture(), foresight_weight=1.0)
        with pytest.raises(ValueError, match="foresight_weight must not be negative"):
            small_agent(name, foresight_weight=-1.0)

"""PQN's own: what it is made of, what it refuses, and that norms bound its values.

Mutants, and the test that fails for each:

    no norm before the head, or none after the encoder   norms_bound_values
    a norm over time or lanes                            norms_look_at_one_step
    RAdam given the whole gradient                       gradients_are_clipped
"""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import spaces

import agents
from agents.acting.player import Learner
from agents.pqn.config import PQNConfig


@pytest.mark.parametrize(
    "wrong, words",
    [
        (dict(num_envs=0), "num_envs must be at least 1; got 0"),
        (dict(learning_rate=0.0), "learning_rate must be positive; got 0.0"),
        (dict(td_lambda=1.5), "td_lambda must lie between 0 and 1; got 1.5"),
        (dict(epsilon_start=-0.1), "epsilon_start must lie between 0 and 1; got -0.1"),
        (dict(epsilon_end=2), "epsilon_end must lie between 0 and 1; got 2"),
        (dict(epsilon_share=1.1), "epsilon_share must lie between 0 and 1; got 1.1"),
        (dict(epsilon_spread=-1.0), "epsilon_spread must be finite and not negative"),
        (
            dict(epsilon_spread=float("inf")),
            "epsilon_spread must be finite and not negative; got inf",
        ),
        (dict(num_envs=12), "num_envs (12) must be a multiple of num_minibatches (8)"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(wrong, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        PQNConfig(**wrong)


def test_actions_that_cannot_be_counted_are_refused(small_agent, clockwork):
    space = spaces.Box(-1.0, 1.0, (2,))
    with pytest.raises(ValueError, match=r"must be Discrete; got .*Box.*agent=ppo"):
        small_agent("pqn", env=clockwork.env(space))


def test_there_is_no_buffer_and_no_target_network(small_agent):
    """What changes is what PPO has: one set of parameters, their moments, and lanes."""
    learner = small_agent("pqn", "gru").initialise(jax.random.key(0))
    assert type(learner) is Learner
    size = sum(x.size for x in jax.tree.leaves(learner.params))
    moments = sum(x.size for x in jax.tree.leaves(learner.opt_state))
    assert 2 * size <= moments < 2 * size + 10
    for leaf in jax.tree.leaves(learner.situation):
        assert leaf.shape[0] == 4


def test_norms_bound_values(small_agent):
    """However large an observation: |q| is at most what its last layer makes of a
    normalised vector, whose length is the root of its width."""
    agent = small_agent("pqn", "mlp", head_sizes=())
    learner = agent.initialise(jax.random.key(0))
    last = learner.params["params"]["q"]
    bound = np.sqrt(8) * np.linalg.norm(last["kernel"], 2) + 1e-3
    obs = jax.random.normal(jax.random.key(1), (1, 50, 4))
    carry, reset = agent.initial_carry(50), jnp.ones((1, 50), bool)
    q = [agent.q(learner.params, carry, scale * obs, reset) for scale in (1, 1e4, 1e8)]
    assert all(np.abs(x).max() <= bound for x in q)
    # The encoder's norm comes before memory: what it reads does not grow either.
    np.testing.assert_allclose(q[1], q[2], rtol=1e-3, atol=1e-5)
    assert np.std(q[1], axis=1).max() > 1e-4


def test_gradients_are_clipped_before_radam(small_agent):
    optimizer = small_agent("pqn", "mlp", max_grad_norm=0.5).optimizer
    for raw, seen in ((10.0, 0.5), (0.2, 0.2)):
        grads = {"a": jnp.array([0.6 * raw, 0.0]), "b": jnp.array([[0.8 * raw]])}
        _, state = optimizer.update(grads, optimizer.init(grads), grads)
        (radam,) = [
            part
            for part in jax.tree.leaves(state, is_leaf=lambda x: hasattr(x, "mu"))
            if hasattr(part, "mu")
        ]
        norm = np.sqrt(sum(float((x**2).sum()) for x in jax.tree.leaves(radam.mu)))
        np.testing.assert_allclose(norm, 0.1 * seen, rtol=1e-5)


def test_metrics_come_in_the_order_in_which_a_bad_value_spreads(small_agent):
    agent, names = small_agent("pqn", "mlp"), []

    def update(learner):
        names.extend(agent.update(learner)[1])
        return 0

    jax.eval_shape(update, jax.eval_shape(agent.initialise, jax.random.key(0)))
    spread = ["rollout/reward", "rollout/value", "loss/value", "diagnostics/grad_norm"]
    assert [name for name in names if name in spread] == spread
    assert {"rollout/epsilon", "diagnostics/first_q_error"} <= set(names)


def test_it_is_made_by_name(small_agent):
    agent = small_agent("pqn", encoder_sizes=[8, 4])  # a list, as YAML would give
    assert agent.network.encoder_sizes == (8, 4)
    assert agents.AGENTS["pqn"].config is PQNConfig

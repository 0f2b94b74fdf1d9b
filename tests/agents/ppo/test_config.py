"""A configuration that cannot work is refused when it is made, naming what is wrong."""

import re

import numpy as np
import optax
import pytest

import agents
import s5rl
from agents.ppo.config import PPOConfig


@pytest.mark.parametrize(
    "wrong, words",
    [
        (dict(num_envs=0), "num_envs must be at least 1; got 0"),
        (dict(rollout_length=0), "rollout_length must be at least 1; got 0"),
        (dict(epochs=-1), "epochs must be at least 1; got -1"),
        (dict(num_minibatches=0), "num_minibatches must be at least 1; got 0"),
        (dict(encoder_sizes=(8, 0)), "encoder_sizes must all be positive; got [8, 0]"),
        (dict(head_sizes=(-1,)), "head_sizes must all be positive; got [-1]"),
        (dict(learning_rate=0.0), "learning_rate must be positive; got 0.0"),
        (dict(learning_rate=float("nan")), "learning_rate must be positive; got nan"),
        (dict(max_grad_norm=0.0), "max_grad_norm must be positive"),
        (dict(adam_epsilon=0.0), "adam_epsilon must be positive"),
        (dict(clip_epsilon=-0.1), "clip_epsilon must be positive"),
        (dict(value_clip_epsilon=0.0), "value_clip_epsilon must be positive"),
        (dict(discount=1.01), "discount must lie between 0 and 1; got 1.01"),
        (dict(gae_lambda=-0.5), "gae_lambda must lie between 0 and 1; got -0.5"),
        (dict(value_bins=64), "value_bins must be odd and at least 3; got 64"),
        (dict(value_bins=1), "value_bins must be odd and at least 3; got 1"),
        (dict(value_loss="huber"), "value_loss must be one of squared, symlog, two_"),
        (
            dict(value_loss="symlog", value_clip_epsilon=0.1),
            "value_clip_epsilon is of value_loss=squared; got value_loss=symlog",
        ),
        (
            dict(group_advantages=True, normalize_advantage=False),
            "group_advantages says how normalize_advantage=true does it; got normali",
        ),
        (dict(value_coefficient=-1.0), "value_coefficient must not be negative"),
        (dict(entropy_coefficient=-1.0), "entropy_coefficient must not be negative"),
        (
            dict(num_envs=12, num_minibatches=8),
            "num_envs (12) must be a multiple of num_minibatches (8): minibatches are "
            "whole trajectories",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(wrong, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        PPOConfig(**wrong)


def test_the_edges_of_what_can_work_are_allowed():
    config = PPOConfig(
        num_envs=1, rollout_length=1, epochs=1, num_minibatches=1, encoder_sizes=(),
        head_sizes=(), discount=1.0, gae_lambda=0.0, value_clip_epsilon=0.1,
    )  # fmt: skip
    assert config.steps_per_update == 1
    assert (
        PPOConfig(num_envs=6, rollout_length=5, num_minibatches=3).steps_per_update
        == 30
    )


def test_a_rate_is_annealed_over_what_its_counter_can_count(clockwork):
    """Adam's own counter stops at its end, where nothing depends on it any more."""
    sizes = dict(num_envs=8, num_minibatches=8, epochs=4)
    last = (2**31 - 1) // 32
    annealed = PPOConfig(anneal_learning_rate=True, **sizes)
    annealed.check_updates(last)
    PPOConfig(**sizes).check_updates(last + 1)
    words = "67,108,864 updates x epochs (4) x num_minibatches (8) = 2,147,483,648"
    for check in (
        annealed.check_updates,
        lambda number: agents.make(
            "ppo", annealed, env=clockwork.env(), env_params=0.0,
            core=s5rl.make_core("mlp", features=8), num_updates=number,
        ),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=re.escape(words)):
            check(last + 1)
    schedule = optax.linear_schedule(1.0, 0.0, last * 32)
    assert float(schedule(np.int32(last * 32))) == 0.0
    assert float(schedule(np.int32(last * 16))) == pytest.approx(0.5)


def test_an_agent_is_made_by_name(clockwork):
    agent = agents.make(
        "ppo",
        agents.CONFIGS["ppo"](encoder_sizes=[8]),  # a list, as YAML would give
        env=clockwork.env(),
        env_params=0.0,
        core=s5rl.make_core("mlp", features=8),
        num_updates=1,
    )
    assert agent.network.head.num_outputs == 3
    assert agent.network.encoder_sizes == (8,)

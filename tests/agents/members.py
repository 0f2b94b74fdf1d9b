"""Agents that laws run over, and cores that agents are tested with.

An agent is tested by being listed. Of cores these are three unlike ones, the others if
slow: the laws in tests/s5rl hold for all of them; here it is what an agent does with
one.
"""

import pytest

import agents
import s5rl

QUICK = ["s5", "gru", "window_attention"]
CORES = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in s5rl.core_names()
]
# Sizes of the cores that they are tested with, and what lets all of a memory be filled
# in the few steps that are played: a chunk that ends, a router that chooses.
SMALL_CORES = {
    "s5": {"state_size": 8},
    "hiss": {"chunk": 2},
    "seqboat": {"window": 3},
}

AGENTS = list(agents.AGENTS)
# Where each is compiled anew: two unlike ones, and the others where time is no matter.
UNLIKE = [
    name if name in ("ppo", "distill") else pytest.param(name, marks=pytest.mark.slow)
    for name in AGENTS
]
# The kinds of actions that each has a distribution for (`conftest.ACTION_SPACES`).
ACTIONS = {
    "ppo": ["discrete", "gaussian", "squashed", "bins", "mixture", "normalized"],
    "pqn": ["discrete"],
    "imitate": ["discrete", "gaussian", "bins", "mixture"],
    "distill": ["discrete"],
}
ACTING = [(agent, actions) for agent in AGENTS for actions in ACTIONS[agent]]
# Sizes, and what makes a few updates of a small agent tell something.
SMALL = {
    "ppo": {},
    # Its lanes explore unlike each other, and less as time goes on.
    "pqn": dict(epsilon_start=0.9, epsilon_end=0.2, epsilon_share=1.0),
    # Somebody else plays some of it.
    "imitate": dict(expert_share=0.3, anneal_learning_rate=False, foresight_weight=0.5),
    "distill": dict(source_every=2, anneal_learning_rate=False),
}
# Those that learn from their own rollouts, and so replay them.
REPLAYING = [name for name in AGENTS if name != "distill"]
# What each learns Memory Chain with in half of `test_learning.UPDATES`; distill learns
# from trials alone, and has a test of its own.
LEARNING = {
    "ppo": dict(learning_rate=3e-3),
    "pqn": dict(learning_rate=1e-2, epsilon_share=0.5),
    "imitate": dict(learning_rate=1e-2),
}

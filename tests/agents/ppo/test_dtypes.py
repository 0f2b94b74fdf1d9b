"""One update keeps every type, in a session of 64 bits and in a strict one.

Mutants, and the test that fails for each:

    the rollout's empty values in the session's floats  keeps_every_type[x64]
    log_scale likewise                                  keeps_every_type[x64, control]
    samples, or the mode, as distrax has them           keeps_every_type[x64]
    optax not let off                                   keeps_every_type[strict]
"""

import contextlib

import jax
import jax.numpy as jnp
import pytest

import envs
import s5rl
from agents.ppo.agent import make_ppo
from agents.ppo.config import PPOConfig

SESSIONS = {
    "x64": lambda: jax.enable_x64(True),
    "strict": lambda: jax.numpy_dtype_promotion("strict"),
    "plain": contextlib.nullcontext,
}
CASES = [
    ("memory_chain", False, {}),
    ("memory_chain", True, {"privileged_critic": True}),
    ("popgym_count_recall_easy", True, {"value_clip_epsilon": 0.2}),
    ("meta_bandit", False, {"privileged_critic": True}),
    ("control/cartpole_swingup", True, {}),
    ("control/point_mass_hard", False, {"squash_actions": True}),
]
WIDE = (jnp.float64, jnp.int64, jnp.complex128)


@pytest.mark.thinned(6)
@pytest.mark.lenient  # distrax's normal distributions broadcast
@pytest.mark.parametrize(
    "session",
    [
        pytest.param(name, marks=() if name == "x64" else pytest.mark.slow)
        for name in SESSIONS
    ],
)
@pytest.mark.parametrize(("name", "history", "options"), CASES)
def test_an_update_keeps_every_type(name, history, options, session):
    config = PPOConfig(
        num_envs=4, rollout_length=3, num_minibatches=2, epochs=1, **options
    )
    with SESSIONS[session]():
        env, params = envs.make(name, history=history)
        agent = make_ppo(
            config,
            env=env,
            env_params=params,
            core=s5rl.make_core("mlp", features=8),
            num_updates=3,
        )
        before = jax.eval_shape(agent.initialise, jax.random.key(0))
        after, metrics = jax.eval_shape(agent.update, before)
        played = [
            jax.eval_shape(
                lambda learner, key, greedy=greedy: agent.evaluate(
                    learner, key, num_episodes=2, greedy=greedy
                ),
                before,
                jax.random.key(0),
            )
            for greedy in (False, True)
        ]
        head = agent.network.head
        outputs = jnp.zeros((1, 2, head.num_outputs), jnp.float32)
        distribution = head.distribution(outputs, outputs[0, 0])
        actions = distribution.sample(jax.random.key(0)), distribution.mode()
        played.append(tuple(map(head.to_env, actions)))
    assert forms(before) == forms(after)
    for path, x in jax.tree.leaves_with_path((after, metrics, played)):
        assert x.dtype not in WIDE, jax.tree_util.keystr(path)


def forms(tree):
    return jax.tree.map(lambda x: (x.shape, x.dtype), tree)

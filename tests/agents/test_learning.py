"""Every agent learns: what needs memory is learnt with memory, and not without."""

import jax
import pytest

import agents
import envs
import s5rl
from tests.agents.members import LEARNING

UPDATES = 40  # half of them are enough


def returns(name, core, **options):
    """Evaluated returns after training on Memory Chain of length 8."""
    env, env_params = envs.make("memory_chain", memory_length=8)
    config = agents.CONFIGS[name](
        num_envs=32,
        rollout_length=27,  # three episodes
        num_minibatches=2,
        encoder_sizes=(16,),
        head_sizes=(16,),
        **LEARNING[name],
    )
    agent = agents.make(
        name,
        config,
        env=env,
        env_params=env_params,
        core=s5rl.make_core(core, features=16, **options),
        num_updates=UPDATES,
    )

    @jax.jit
    def train(key):
        def update(learner, _):
            return agent.update(learner)[0], None

        train_key, play_key = jax.random.split(key)
        learner = agent.initialise(train_key)
        learner, _ = jax.lax.scan(update, learner, length=UPDATES)
        episodes = agent.evaluate(learner, play_key, num_episodes=256, greedy=True)
        return episodes.episode_return.mean()

    return float(train(jax.random.key(0)))


@pytest.mark.thinned(3)
@pytest.mark.parametrize("agent", LEARNING)
def test_memory_learns_what_needs_memory(agent):
    assert returns(agent, "s5", num_layers=1, state_size=16) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("agent", LEARNING)
def test_no_memory_does_not(agent):
    assert returns(agent, "mlp") < 0.5

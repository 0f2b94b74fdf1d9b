"""An environment whose every step is known beforehand, and agents small enough to
compile quickly."""

import functools
from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import pytest
from gymnax.environments import spaces

import agents
import s5rl
from agents.acting.axes import ALONE
from agents.acting.rollout import collect
from agents.acting.statistics import STATISTICS
from tests.agents.members import SMALL, SMALL_CORES

LENGTHS = jnp.array([3, 1, 5, 2, 4, 3, 2])
TERMINATED, TRUNCATED, BOTH = range(3)

# What the heads of the action distributions need.
ACTION_SPACES = {
    "discrete": (spaces.Discrete(3), {}),
    "gaussian": (spaces.Box(-0.5, 0.5, (2,)), {}),
    "squashed": (spaces.Box(-0.5, 2.0, (2,)), dict(squash_actions=True)),
    "bins": (spaces.Box(-0.5, 2.0, (2,)), dict(actions="bins", num_bins=4)),
    "mixture": (spaces.Box(-0.5, 2.0, (2,)), dict(actions="mixture")),
    # Gaussian, of a policy that reads through statistics.
    "normalized": (
        spaces.Box(-0.5, 0.5, (2,)),
        dict(normalize_obs=True, value_loss="two_hot"),
    ),
}


class ClockState(NamedTuple):
    episode: jax.Array
    time: jax.Array
    total: jax.Array  # of all actions of the episode


class Clockwork:
    """Episode n of a lane takes LENGTHS[n % 7] steps and ends in way n % 3.

    Nothing but the number of a lane's first episode is drawn, so all that happens can
    be told from a state and the actions. The observation shows time, length and the
    sum of actions: no two observations of an episode, or across its end, are the same.
    """

    # Each episode is a trial, and each step a row of a table.
    num_trials, table_size = 2, len(LENGTHS) * 5

    def table_row(self, state, params):
        return state.episode % len(LENGTHS) * 5 + state.time

    def again(self, state):
        return state

    def __init__(self, action_space=None, ways=(TERMINATED, TRUNCATED, BOTH)):
        self.space = action_space or spaces.Discrete(3)
        self.ways = jnp.array(ways)

    def observation_space(self, params):
        return spaces.Box(-jnp.inf, jnp.inf, (4,))

    def action_space(self, params):
        return self.space

    def length(self, episode):
        return LENGTHS[episode % len(LENGTHS)]

    def observe(self, state):
        time, length = state.time / 5, self.length(state.episode) / 5
        return jnp.stack([1 - time, time * length, length, state.total])

    def reset(self, key, params):
        episode = jax.random.randint(key, (), 0, len(LENGTHS))
        state = ClockState(episode, jnp.zeros((), jnp.int32), jnp.zeros(()))
        return self.observe(state), state

    def step(self, key, state, action, params):
        total = state.total + 0.3 * jnp.sum(action)
        after = ClockState(state.episode, state.time + 1, total)
        over = after.time >= self.length(state.episode)
        way = self.ways[state.episode % len(self.ways)]
        terminated = over & (way != TRUNCATED)
        truncated = over & (way != TERMINATED)
        new = ClockState(state.episode + 1, jnp.zeros((), jnp.int32), jnp.zeros(()))
        later = jax.tree.map(lambda x, y: jnp.where(over, x, y), new, after)
        info = {"final_observation": self.observe(after), "trial_ended": over}
        info["trial_terminated"] = terminated
        reward = after.time / 10 + params * jnp.sum(action)
        return self.observe(later), later, reward, terminated, truncated, info

    # What is best tells episode and time apart; of the first step all are as good.
    def best_actions(self, state, params):
        best = jnp.arange(3) != (state.episode + state.time) % 3
        return best | (state.time == 0)

    def expert_action(self, state, params):
        low, high = (jnp.broadcast_to(x, self.space.shape) for x in self.bounds)
        share = ((state.episode + state.time) % 3) / 2
        return low + share * (high - low)

    @property
    def bounds(self):
        return self.space.low, self.space.high


@pytest.fixture(autouse=True, scope="module")
def _quick(quick_compilation):
    """Compiling is most of what these tests cost, and their programs are tiny."""


@pytest.fixture(scope="session")
def clockwork():
    """The class above, and the names of its ways to end an episode."""
    return SimpleNamespace(
        env=Clockwork,
        lengths=LENGTHS,
        terminated=TERMINATED,
        truncated=TRUNCATED,
        both=BOTH,
    )


@pytest.fixture(scope="session")
def small_core():
    def build(name):
        options = SMALL_CORES.get(name, {})
        return s5rl.make_core(name, features=8, num_layers=1, **options)

    return build


@pytest.fixture(scope="session")
def small_agent(small_core):
    """Builds a small agent: `small_agent("pqn", "s5", "discrete", epochs=2, ...)`."""

    def build(
        name,
        core="gru",
        actions="discrete",
        env=None,
        num_updates=4,
        axes=ALONE,
        **config,
    ):
        space, options = ACTION_SPACES[actions]
        sizes = dict(num_envs=4, rollout_length=7, epochs=1, num_minibatches=1)
        nets = dict(encoder_sizes=(8,), head_sizes=(8,), **SMALL[name], **options)
        return agents.make(
            name,
            agents.CONFIGS[name](**{**sizes, **nets, **config}),
            env=env or Clockwork(space),
            env_params=0.01,
            core=small_core(core),
            num_updates=num_updates,
            axes=axes,
        )

    return build


@pytest.fixture(scope="session")
def small_ppo(small_agent):
    """`small_agent`, of PPO."""
    return functools.partial(small_agent, "ppo")


@pytest.fixture(scope="session")
def played(small_agent):
    """`played(core, actions, agent)`: two rollouts, one after the other, under a policy
    far from that of a new agent. The second opens inside episodes."""

    @functools.cache
    def play(core, actions, name="ppo"):
        agent = small_agent(name, core, actions)
        with jax.numpy_rank_promotion("allow"):
            learner = agent.initialise(jax.random.key(0))
        # Large parameters everywhere: memory, and so its mistakes, must count.
        params = jax.tree.map(lambda x: x + 0.3 * jnp.sign(x), learner.params)
        # SeqBoat's router chooses some steps, not none.
        params = jax.tree_util.tree_map_with_path(
            lambda path, x: -x if "route" in jax.tree_util.keystr(path) else x, params
        )
        if STATISTICS in params:  # new ones would change nothing
            seen = jax.tree.map(lambda x: jnp.full_like(x, 3), params[STATISTICS])
            params = {**params, STATISTICS: seen}
        learner = learner._replace(params=params)
        policy = agent.behaviour(learner)

        @jax.jit
        def go_on(situation, key):
            return collect(
                situation,
                key,
                env=agent.env,
                env_params=agent.env_params,
                policy=policy,
                to_env=agent.network.head.to_env,
                length=agent.config.rollout_length,
            )

        with jax.numpy_rank_promotion("allow"):  # distrax's Gaussians need it
            before, _ = go_on(learner.situation, jax.random.key(1))
            after, rollout = go_on(before, jax.random.key(2))
        return SimpleNamespace(
            agent=agent,
            learner=learner,
            policy=policy,
            before=before,
            after=after,
            rollout=rollout,
        )

    return play

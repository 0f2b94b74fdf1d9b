"""The T-Maze's rules written once more, slow and obvious; policies, and their play."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import envs

LEFT, RIGHT, BACK, FORWARD = range(4)
NOTHING = (0.0, 0.0)
N, T = 64, 120


class Maze:
    """One episode, as a list of what stands in the cells of its corridor."""

    def __init__(self, length, side, params, active):
        cue, junction = (side, 0.0), (0.0, 1.0)
        between = [NOTHING] * (length if active else length - 1)
        self.cells = [cue, *between, junction]
        self.here = 1 if active else 0
        self.side, self.active, self.params = side, active, params
        self.time, self.arm = 0, 0
        self.seen = self.cells[self.here]

    def step(self, action):
        """`(obs, reward, terminated, truncated)`."""
        if self.seen[0] != 0:
            self.cells[0] = NOTHING  # the cue is shown once
        self.time += 1
        junction = len(self.cells) - 1
        if self.here == junction and action in (LEFT, RIGHT):
            self.arm = -1 if action == LEFT else 1
            self.seen = NOTHING
            return NOTHING, 1.0 if self.arm == self.side else -1.0, True, False
        if self.active and action in (BACK, FORWARD):
            self.here += 1 if action == FORWARD else -1
            self.here = min(max(self.here, 0), junction)
        if not self.active:
            self.here += 1
        self.seen = self.cells[self.here]
        late = self.time >= self.params.max_steps_in_episode
        return self.seen, 0.0, False, late

    def markov_state(self):
        """[6] as `TMaze.markov_state` has it."""
        way = (len(self.cells) - 1 - self.here) / self.params.length_max
        left = 1 - self.time / self.params.max_steps_in_episode
        shown = self.seen[0] != 0 or self.cells[0] == NOTHING
        return [*self.seen, self.side, shown, way, left]


def at_random(memory, obs, key, actions):
    return memory, jax.random.randint(key, (), 0, actions)


def forwards(memory, obs, key, actions):
    """At random, but likely to come far."""
    drawn = jax.random.randint(key, (), 0, actions + 2)
    return memory, jnp.minimum(drawn, actions - 1)


def remembering(memory, obs, key, actions):
    """Goes back until it has seen the cue, then on, and turns as it said."""
    memory = jnp.where(obs[0] == 0, memory, obs[0])
    turn = jnp.where(memory > 0, RIGHT, LEFT)
    walk = jnp.where(memory == 0, BACK, FORWARD) if actions == 4 else LEFT
    return memory, jnp.where(obs[1] > 0, turn, walk)


def forgetful(memory, obs, key, actions):
    """Likewise, but turns left whatever the cue was."""
    memory, action = remembering(memory, obs, key, actions)
    return memory, jnp.where(obs[1] > 0, LEFT, action)


class Played(NamedTuple):
    """[T, N] each: the state before a step, what it saw, did and gave."""

    params: Any
    state: Any
    obs: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    info: dict
    after: np.ndarray

    def episodes(self):
        """`(lane, first, last)` of each that is played to its end."""
        ended = self.terminated | self.truncated
        for lane in range(N):
            first = 0
            for last in np.flatnonzero(ended[:, lane]):
                yield lane, first, last
                first = last + 1


@functools.cache
def played(policy, steps=T, **params):
    """Random keys, the same ones for all."""
    env, params = envs.make("t_maze", **params)

    def step(now, key):
        obs, state, memory = now
        act_key, env_key = jax.random.split(key)
        memory, action = policy(memory, obs, act_key, env.num_actions)
        result = env.step(env_key, state, action, params)
        ended = result[3] | result[4]
        after = (result[0], result[1], jnp.where(ended, 0.0, memory))
        return after, (state, obs, action, *result[2:5], result[5], result[0])

    def lane(key):
        obs, state = env.reset(key, params)
        start = (obs, state, jnp.zeros(()))
        return jax.lax.scan(step, start, jax.random.split(key, steps))[1]

    keys = jax.random.split(jax.random.key(0), N)
    out = jax.jit(jax.vmap(lane, out_axes=1))(keys)
    return Played(params, *jax.tree.map(np.asarray, out))

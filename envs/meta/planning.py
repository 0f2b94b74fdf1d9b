"""Values of tabular MDPs by backward induction, and posterior sampling on them.

A trial has `horizon` steps, from state 0. Index t of a value or a policy is the step:
`value[t, s]` is the expected sum of rewards from step t on, standing in s.

    value[horizon] = 0
    q[t, s, a]     = reward_mean[s, a] + sum_s' transition[s, a, s'] value[t + 1, s']
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


def value_iteration(
    transition: Array, reward_mean: Array, horizon: int
) -> tuple[Array, Array]:
    """The best value, and the policy that has it.

    Args:
      transition: [S, A, S], rows sum to 1.
      reward_mean: [S, A].
      horizon: steps in a trial; static.

    Returns:
      `(value, policy)`: [horizon, S] float32 and [horizon, S] int32, which of equally
      good actions being the first.
    """

    def choose(q, _):
        return q.max(-1), q.argmax(-1).astype(jnp.int32)

    return _backward(transition, reward_mean, choose, jnp.arange(horizon))


def action_values(transition: Array, reward_mean: Array, steps: Any) -> Array:
    """[S, A] float32: the best value of each first action, with `steps` to go.

    Args:
      transition: [S, A, S], rows sum to 1.
      reward_mean: [S, A].
      steps: at least 1, an int or [] int32: the loop is as long as it says.
    """

    def one_more(_, value):
        return reward_mean + _ahead(transition, value.max(-1))

    return jax.lax.fori_loop(1, jnp.asarray(steps, jnp.int32), one_more, reward_mean)


def policy_value(transition: Array, reward_mean: Array, policy: Array) -> Array:
    """[horizon, S]: the value of a deterministic policy, [horizon, S] int32."""

    def choose(q, action):
        chosen = jnp.take_along_axis(q, action[:, None], axis=-1)[:, 0]
        return chosen, chosen

    return _backward(transition, reward_mean, choose, policy)[0]


def uniform_value(transition: Array, reward_mean: Array, horizon: int) -> Array:
    """[horizon, S]: the value of uniformly random actions."""

    def choose(q, _):
        return q.mean(-1), None

    return _backward(transition, reward_mean, choose, jnp.arange(horizon))[0]


def _backward(transition, reward_mean, choose, given):
    """`choose(q [S, A], given[t]) -> (value [S], extra)` from the last step back."""

    def step(later, given):
        value, extra = choose(reward_mean + _ahead(transition, later), given)
        return value, (value, extra)

    last = jnp.zeros_like(reward_mean[:, 0])
    return jax.lax.scan(step, last, given, reverse=True)[1]


def _ahead(transition, later):
    """[S, A]: what is expected of the next state, whose value is `later` [S]."""
    # TensorFloat-32, an accelerator's default, is good to three digits only.
    return jnp.einsum("ijk,k->ij", transition, later, precision="highest")


@partial(jax.jit, static_argnames=("horizon", "num_trials"))
def posterior_sampling(
    key: Array,
    transition: Array,
    reward_mean: Array,
    *,
    horizon: int,
    num_trials: int,
    concentration: float = 1.0,
    reward_scale: float = 1.0,
) -> Array:
    """What posterior sampling (PSRL; Osband et al., 2013) expects of each trial.

    Before a trial it draws an MDP from what it believes, plans in it, and follows the
    plan; beliefs start from the law of the tasks, Dirichlet(concentration) rows and
    Normal(1, reward_scale) means, and rewards have unit variance. The figure of a trial
    is the exact value of its plan in the true MDP: no noise but the learner's own.

    Args:
      key: consumed.
      transition: [N, S, A, S] the true MDPs of N tasks.
      reward_mean: [N, S, A].
      horizon: steps in a trial.
      num_trials: M.
      concentration: of the prior over rows.
      reward_scale: standard deviation of the prior over reward means.

    Returns:
      [N, M] float32 expected return of each trial.
    """

    def one_task(key, transition, reward_mean):
        def trial(belief, key):
            plan_key, act_key = jax.random.split(key)
            maybe = _draw_mdp(plan_key, belief, concentration, reward_scale)
            policy = value_iteration(maybe[0], maybe[1], horizon)[1]
            belief = _follow(act_key, transition, reward_mean, policy, belief)
            return belief, policy_value(transition, reward_mean, policy)[0, 0]

        nothing = (jnp.zeros_like(transition), jnp.zeros_like(reward_mean))
        return jax.lax.scan(trial, nothing, jax.random.split(key, num_trials))[1]

    keys = jax.random.split(key, len(transition))
    return jax.vmap(one_task)(keys, transition, reward_mean)


def _draw_mdp(key, belief, concentration, reward_scale):
    """An MDP from the posterior; `belief`: transitions counted, rewards summed."""
    counts, reward_sum = belief
    rows_key, means_key = jax.random.split(key)
    transition = jax.random.dirichlet(
        rows_key, concentration + counts, dtype=jnp.float32
    )
    prior = 1 / reward_scale**2
    precision = prior + counts.sum(-1)
    mean = (prior + reward_sum) / precision
    noise = jax.random.normal(means_key, mean.shape, jnp.float32)
    return transition, mean + noise / jnp.sqrt(precision)


def _follow(key, transition, reward_mean, policy, belief):
    """`belief` after one trial of `policy` in the true MDP."""

    def step(carry, now):
        state, counts, reward_sum = carry
        key, actions = now
        action = actions[state]
        reward_key, next_key = jax.random.split(key)
        noise = jax.random.normal(reward_key, dtype=jnp.float32)
        reward = reward_mean[state, action] + noise
        chances = jnp.log(transition[state, action])
        following = jax.random.categorical(next_key, chances).astype(jnp.int32)
        counts = counts.at[state, action, following].add(1.0)
        reward_sum = reward_sum.at[state, action].add(reward)
        return (following, counts, reward_sum), None

    start = (jnp.zeros((), jnp.int32), *belief)
    keys = jax.random.split(key, len(policy))
    return jax.lax.scan(step, start, (keys, policy))[0][1:]

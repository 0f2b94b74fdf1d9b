"""What the tests of levels and of experts share: whole episodes, and their mean."""

import jax
import jax.numpy as jnp
import numpy as np

LIMIT = "max_steps_in_episode"


def played(env, env_params, act, episodes=2000, seed=0):
    """[episodes] returns of `act(key, state) -> action`, from resets to ends."""

    def episode(key):
        key, reset_key = jax.random.split(key)
        _, state = env.reset(reset_key, env_params)

        def unfinished(now):
            return ~now[1]

        def step(now):
            state, _, total, key = now
            key, act_key, step_key = jax.random.split(key, 3)
            action = act(act_key, state)
            _, state, reward, terminated, truncated, _ = env.step(
                step_key, state, action, env_params
            )
            return state, terminated | truncated, total + jnp.float32(reward), key

        start = (state, jnp.array(False), jnp.float32(0), key)
        return jax.lax.while_loop(unfinished, step, start)[2]

    keys = jax.random.split(jax.random.key(seed), episodes)
    return np.asarray(jax.jit(jax.vmap(episode))(keys), np.float64)


def check_mean(returns, want):
    error = returns.std() / len(returns) ** 0.5
    assert abs(returns.mean() - want) < 4 * error + 0.005 * abs(want) + 1e-4


def ids(cases):
    return [
        f"{name}, {', '.join(f'{v} {k}' for k, v in params.items())}"
        for name, params, *_ in cases
    ]

"""The gymnax 1.x contract, checked once, before anything is compiled."""

from typing import Any

import jax
import jax.numpy as jnp

NEEDED = ("reset", "step", "action_space", "observation_space")
RESULT = "obs, state, reward, terminated, truncated, info"


def check(env: Any, params: Any) -> None:
    """Traces `reset` and one `step` and compares what they give with the contract.

    Raises:
      ValueError: naming what is missing or different.
    """
    missing = [name for name in NEEDED if not hasattr(env, name)]
    if missing:
        raise ValueError(f"{_name(env)} lacks {', '.join(missing)}.")
    key = jax.random.key(0)
    obs, state = jax.eval_shape(env.reset, key, params)
    action = jax.eval_shape(env.action_space(params).sample, key)
    result = jax.eval_shape(env.step, key, state, action, params)
    if len(result) != 6:
        raise ValueError(
            f"{_name(env)}.step must return six values ({RESULT}), as gymnax 1.x does; "
            f"it returns {len(result)}."
        )
    next_obs, next_state, reward, terminated, truncated, info = result
    if "final_observation" not in info:
        raise ValueError(
            f"{_name(env)}.step must put final_observation, what the action led to, in "
            f"info; it holds {', '.join(sorted(info)) or 'nothing'}."
        )
    for name, flag in (("terminated", terminated), ("truncated", truncated)):
        if flag.dtype != jnp.bool_ or flag.shape != ():
            raise ValueError(
                f"{_name(env)}: {name} must be a bool scalar; got {_form(flag)}."
            )
    if reward.shape != ():
        raise ValueError(f"{_name(env)}: reward must be a scalar; got {_form(reward)}.")
    for name, other in (
        ("step's observation", next_obs),
        ('info["final_observation"]', info["final_observation"]),
    ):
        if _forms(other) != _forms(obs):
            raise ValueError(
                f"{_name(env)}: {name} must be like reset's observation "
                f"{_forms(obs)}; got {_forms(other)}."
            )
    if jax.tree.structure(next_state) != jax.tree.structure(state):
        raise ValueError(
            f"{_name(env)}: step's state must have the structure of reset's state "
            f"{jax.tree.structure(state)}; got {jax.tree.structure(next_state)}."
        )


def _form(x: Any) -> str:
    return f"{x.dtype}{list(x.shape)}"


def _forms(tree: Any) -> Any:
    return jax.tree.map(_form, tree)


def _name(env: Any) -> str:
    return getattr(env, "name", type(env).__name__)

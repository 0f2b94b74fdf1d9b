"""The gymnax 1.x contract, checked once, before anything is compiled.

What is wrong is said in one sentence, whoever made it: spaces that cannot be used or do
not fit what is observed, results of another number or form, a state that changes its
type, and errors of the environment's own code, with their place.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envs.contract.blame import Refusal, is_ours, told
from envs.contract.declared import check_actions, check_space, is_number
from envs.contract.observed import check_observed, form, kind
from envs.contract.wrappers import innermost, name_of

NEEDED = ("reset", "step", "action_space", "observation_space")
RESULT = "obs, state, reward, terminated, truncated, info"
RESULT_ENV = "obs, state, reward, terminated, info"
_PLAIN = (bool, int, float, complex, np.ndarray, np.generic, jax.Array)
_LANES = 2  # of the batch that is traced at last


def check(env: Any, params: Any) -> None:
    """Traces `reset` and `step`, alone and in a batch, and compares what they give.

    Raises:
      ValueError: naming what is missing or different.
    """
    try:
        _check(env, params)
    except Refusal as refusal:
        if not jax.config.read("jax_enable_x64"):
            raise
        raise Refusal(
            f"{refusal} (JAX_ENABLE_X64 is on: without it, this may be right.)"
        ) from refusal


def _check(env: Any, params: Any) -> None:
    name = name_of(env)
    _check_methods(env, name)
    actions = _call(env, "action_space", params)
    space = _call(env, "observation_space", params)
    check_actions(actions, f"{name}.action_space")
    check_space(space, f"{name}.observation_space")

    key = jax.random.key(0)
    obs, state = _reset(env, name, key, params)
    check_observed(space, obs, f"{name}.reset's observation")
    action = jax.eval_shape(actions.sample, key)
    result = _step(env, name, key, (obs, state), action, params)
    _check_step(name, result, obs, state)
    if not is_ours(innermost(env)):  # ours are tested
        _check_batch(env, name, actions, params)


def _check_methods(env: Any, name: str) -> None:
    missing = [method for method in NEEDED if not hasattr(env, method)]
    if missing:
        raise Refusal(f"{name} lacks {', '.join(missing)}.")
    for method in NEEDED:
        if not callable(getattr(env, method)):
            takes = "params" if method.endswith("space") else "key, ..., params"
            raise Refusal(
                f"{name}.{method} must be a method, {method}({takes}); it is a "
                f"{type(getattr(env, method)).__name__}."
            )


def _call(env: Any, method: str, *args: Any) -> Any:
    with told(f"{name_of(env)}.{method}", innermost(env)):
        return getattr(env, method)(*args)


def _reset(env: Any, name: str, key: Any, params: Any) -> tuple[Any, Any]:
    def reset(method):
        result = _trace(env, method, lambda key: (key, params), key)
        _check_count(f"{name}.{method}", result, "two", "obs, state")
        return result

    with _or_inside(env, "reset", reset):
        return reset("reset")


def _step(env: Any, name: str, key: Any, before: tuple, action: Any, params: Any):
    obs, state = before

    def step(method):
        return _trace(env, method, lambda *now: (*now, params), key, state, action)

    def step_env(method):
        result = step(method)
        _check_count(f"{name}.{method}", result, "five", RESULT_ENV)
        _check_info(f"{name}.{method}", result[4])
        _check_alike(f"{name}: {method}'s observation", result[0], obs)
        _check_state(f"{name}: {method}", state, result[1])

    with _or_inside(env, "step", step_env):
        result = step("step")
    _check_count(f"{name}.step", result, "six", RESULT)
    return result


@contextmanager
def _or_inside(env: Any, method: str, trace: Callable[[str], Any]) -> Iterator[None]:
    """Within it, a refusal of gymnax's own method is told of what it calls, if it can.

    gymnax's `step` calls the user's `step_env`, and fails on what that gives.
    """
    try:
        yield
    except Refusal:
        if hasattr(env, f"{method}_env") and _is_gymnax(env, method):
            trace(f"{method}_env")
        raise


def _is_gymnax(env: Any, method: str) -> bool:
    """Whether a method is not the environment's own but that of its base class."""
    module = str(getattr(getattr(type(env), method, None), "__module__", ""))
    return module.startswith(("gymnax.environments.environment", "envs.contract."))


def _check_count(method: str, result: Any, count: str, values: str) -> None:
    wanted = values.count(",") + 1
    if isinstance(result, tuple | list) and len(result) == wanted:
        return
    several = isinstance(result, tuple | list)
    got = len(result) if several else f"one, {kind(result)}"
    known = {
        "six": "as gymnax 1.x does (its step_env gives five, without truncated)",
        "five": "as gymnax's does (its step gives six, with truncated)",
    }
    like = f", {known[count]}" if count in known else ""
    raise Refusal(
        f"{method} must return {count} values ({values}){like}; it returns {got}."
    )


def _check_step(name: str, result: Any, obs: Any, state: Any) -> None:
    next_obs, next_state, reward, terminated, truncated, info = result
    _check_info(f"{name}.step", info)
    if "final_observation" not in info:
        raise Refusal(
            f"{name}.step must put final_observation, what the action led to, in "
            f"info; it holds {', '.join(sorted(map(str, info))) or 'nothing'}."
        )
    for flag_name, flag in (("terminated", terminated), ("truncated", truncated)):
        if not _is_scalar(flag, jnp.bool_):
            raise Refusal(
                f"{name}: {flag_name} must be a bool scalar; got {_forms(flag)}."
            )
    numbers = {"reward": reward}
    if "continuation" in info:
        numbers['info["continuation"]'] = info["continuation"]
    for number_name, number in numbers.items():
        if not _is_scalar(number):
            raise Refusal(
                f"{name}: {number_name} must be a scalar; got {_forms(number)}."
            )
    for other_name, other in (
        ("step's observation", next_obs),
        ('info["final_observation"]', info["final_observation"]),
    ):
        _check_alike(f"{name}: {other_name}", other, obs)
    _check_state(f"{name}: step", state, next_state)


def _check_alike(what: str, seen: Any, obs: Any) -> None:
    if _forms(seen) != _forms(obs):
        raise Refusal(
            f"{what} must be like reset's observation {_forms(obs)}; got "
            f"{_forms(seen)}."
        )


def _check_info(method: str, info: Any) -> None:
    if not isinstance(info, dict):
        raise Refusal(f"{method}: info must be a dict; got {_forms(info)}.")


def _check_state(step: str, state: Any, next_state: Any) -> None:
    before, structure = jax.tree.flatten_with_path(state)
    after, next_structure = jax.tree.flatten_with_path(next_state)
    if structure != next_structure:
        raise Refusal(
            f"{step}'s state must have the structure of reset's state "
            f"{structure}; got {next_structure}."
        )
    for (path, one), (_, other) in zip(before, after, strict=True):
        if form(one) != form(other):
            raise Refusal(
                f"{step}'s state{jax.tree_util.keystr(path)} must be as in "
                f"reset's state, {form(one)}; got {form(other)}."
            )


def _check_batch(env: Any, name: str, actions: Any, params: Any) -> None:
    """As training goes: several lanes at once, each step from the last one's state."""

    def step(now, key):
        _, state = now
        keys = jax.random.split(key, _LANES)
        action = jax.vmap(actions.sample)(keys)
        result = jax.vmap(env.step, (0, 0, 0, None))(keys, state, action, params)
        return tuple(result[:2]), result[2:]

    def play(key):
        keys = jax.random.split(key, _LANES)
        now = jax.vmap(env.reset, (0, None))(keys, params)
        return jax.lax.scan(step, tuple(now), keys)

    with told(f"{name}, in a batch,", innermost(env)):
        jax.eval_shape(play, jax.random.key(0))


def _trace(env: Any, method: str, arguments: Callable[..., tuple], *given: Any) -> Any:
    """What a method gives, in `jax.ShapeDtypeStruct`s; `params` stay what they are."""
    where = f"{name_of(env)}.{method}"

    def run(*given):
        result = _call(env, method, *arguments(*given))
        for path, leaf in jax.tree.leaves_with_path(result):
            if not isinstance(leaf, _PLAIN) or getattr(leaf, "dtype", 0) == np.object_:
                raise Refusal(
                    f"{where} must return arrays and numbers, in dicts, tuples or "
                    f"struct dataclasses; result{jax.tree_util.keystr(path)} is a "
                    f"{type(leaf).__name__}."
                )
        return result

    return jax.eval_shape(run, *given)


def _is_scalar(x: Any, kind: Any = None) -> bool:
    if getattr(x, "shape", None) != ():
        return False
    return is_number(x.dtype) if kind is None else x.dtype == kind


def _forms(tree: Any) -> Any:
    return jax.tree.map(form, tree)

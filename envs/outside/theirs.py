"""Any environment of Gymnasium as `gymnasium/<id>`, such as `gymnasium/CartPole-v1`.

It lives on the host, and every step of all lanes, of however many learners, is one call
from the device to the host and back. Terminated, truncated and final observation are
Gymnasium's own (SAME_STEP). A state is what the device knows of it: the number of its
batch, a clock and the last observation. It can be stepped once. States of another
process, as of a run that goes on, or that were stepped before begin new episodes: the
step that finds that out truncates them where they stand and pays 0, so that nothing is
learned from a step that nobody took. A sentence says so.

Parameters: `max_steps_in_episode` (null: what the id is registered with);
`vectorization`, sync, or async for a process an environment; all others go to
`gymnasium.make`. Ids of popgym, ale_py, minigrid and mujoco's successors are known once
the package is imported, which is done where it is known (`PACKAGES`).
"""

import difflib
import importlib
import importlib.util
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from gymnax.environments import environment
from jax import Array
from jax.custom_batching import custom_vmap
from jax.experimental import io_callback

from envs import naming
from envs.config import GymnasiumConfig
from envs.outside import spaces
from envs.outside.host import Host, Stepped, vector

# What registers ids when it is imported, by how its ids begin.
PACKAGES = {"popgym": "popgym", "ALE": "ale_py", "MiniGrid": "minigrid"}
NO_LIMIT = 2**31 - 1  # steps of an episode that ends by itself


@struct.dataclass
class State(environment.EnvState):
    """What the device knows of an environment on the host."""

    time: Array  # [] int32, steps since the batch was reset
    number: Array  # [] int32, of the batch
    obs: Any  # the last observation


class Theirs:
    """A Gymnasium environment in the gymnax 1.x contract."""

    def __init__(self, name: str, id: str, mode: str, options: dict[str, Any]):
        """Makes one to read its spaces, and closes it."""
        one = gymnasium.make(id, **options)
        try:
            self._shows, read = spaces.observed(one.observation_space)
            self._acts, write = spaces.acted(one.action_space)
            limit = one.spec.max_episode_steps if one.spec is not None else None
            limit = NO_LIMIT if limit is None else limit
            self._form = read(_batched(one.reset(seed=0)[0]))
        finally:
            one.close()
        self.name = name
        self.default_params = environment.EnvParams(max_steps_in_episode=limit)
        self._host = Host(name, lambda n: vector(id, n, mode, options), read, write)

    def observation_space(self, params: Any) -> Any:
        return self._shows

    def action_space(self, params: Any) -> Any:
        return self._acts

    def reset(self, key: Array, params: Any) -> tuple[Any, State]:
        """`key` is consumed: it is the host's seed."""
        number, obs = _over_lanes(self._reset)(_seed(key))
        return obs, State(time=jnp.zeros((), jnp.int32), number=number, obs=obs)

    def step(self, key: Array, state: State, action: Array, params: Any) -> tuple:
        """`key` is the seed of a new episode where the old one cannot go on."""
        now = state.number, state.time, state.obs, action, _seed(key)
        found = Stepped(*_over_lanes(self._step)(*now))
        after = State(time=found.clock, number=found.number, obs=found.obs)
        info = {"final_observation": found.final_obs}
        ended = found.terminated, found.truncated
        return found.obs, after, found.reward, *ended, info

    def _reset(self, seeds: Array) -> Any:
        lead = seeds.shape

        def call(seeds: Any) -> Any:
            found = self._host.reset(np.asarray(seeds).reshape(-1))
            return jax.tree.map(lambda x: x.reshape(*lead, *x.shape[1:]), found)

        return io_callback(call, (_like(lead, jnp.int32), self._observed(lead)), seeds)

    def _step(self, number: Array, *rest: Any) -> Any:
        lead = number.shape

        def call(*now: Any) -> Any:
            flat = jax.tree.map(
                lambda x: np.asarray(x).reshape(-1, *x.shape[len(lead) :]), now
            )
            found = tuple(self._host.step(*flat))
            return jax.tree.map(lambda x: x.reshape(*lead, *x.shape[1:]), found)

        obs, int32 = self._observed(lead), _like(lead, jnp.int32)
        real, flag = _like(lead, jnp.float32), _like(lead, jnp.bool_)
        shapes = (int32, int32, obs, obs, real, flag, flag)
        return io_callback(call, shapes, number, *rest)

    def _observed(self, lead: tuple[int, ...]) -> Any:
        return jax.tree.map(lambda x: _like((*lead, *x.shape[1:]), x.dtype), self._form)


def make(config: GymnasiumConfig) -> tuple[Theirs, Any]:
    """Builds the environment and its params.

    Raises:
      ValueError: for an id that is not known, a space that no agent here reads or acts
        in, or what Gymnasium refuses.
    """
    options, name = dict(config.params), config.name
    mode = options.pop("vectorization", "sync")
    if mode not in ("sync", "async"):
        raise ValueError(f"{name}: vectorization must be sync or async; got {mode!r}.")
    limit = options.pop("max_steps_in_episode", None)
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ValueError(
            f"{name}: max_steps_in_episode must be a positive integer; got {limit!r}."
        )
    if limit is not None:
        options["max_episode_steps"] = limit
    _check_known(config.id)
    try:
        env = Theirs(name, config.id, mode, options)
    except (TypeError, gymnasium.error.Error) as error:
        said = " ".join(str(error).split())[:200]
        raise ValueError(f"{name} cannot be made: {said}.") from error
    return env, env.default_params


def _check_known(id: str) -> None:
    package = PACKAGES.get(id.replace("/", "-").partition("-")[0])
    if package is not None and importlib.util.find_spec(package) is not None:
        importlib.import_module(package)
    if id in gymnasium.registry:
        return
    near = difflib.get_close_matches(id, gymnasium.registry, 1)
    guess = naming.meant(near[0] if near else None)
    needs = f" It may need the package {package}." if package is not None else ""
    raise ValueError(f"Gymnasium knows no environment {id!r}{guess}{needs}")


def _over_lanes(call: Any) -> Any:
    """A call that sees all lanes at once, however many `vmap`s deep.

    A callback of its own would be made for each lane.
    """

    @custom_vmap
    def lanes(*arguments):
        return call(*arguments)

    @lanes.def_vmap
    def all_at_once(size, is_mapped, *arguments):
        def spread(mapped, x):
            return x if mapped else jnp.broadcast_to(x, (size, *x.shape))

        whole = jax.tree.map(spread, tuple(is_mapped), arguments)
        found = _over_lanes(call)(*whole)
        return found, jax.tree.map(lambda _: True, found)

    return lanes


def _seed(key: Array) -> Array:
    """[] uint32 of a key."""
    return jax.random.key_data(key)[..., -1]


def _like(shape: tuple[int, ...], dtype: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype)


def _batched(x: Any) -> Any:
    return jax.tree.map(lambda one: np.asarray(one)[None], x)

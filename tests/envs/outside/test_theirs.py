"""Environments of Gymnasium, stepped from the device: beside the same stepped by hand.

| mutant | fails |
|---|---|
| final observation is the next episode's | test_lanes_are_those_of_gymnasium |
| truncated counts as terminated | test_lanes_are_those_of_gymnasium |
| lanes of two batches are swapped | test_learners_side_by_side_* |
| a batch on another clock goes on | test_what_cannot_go_on_is_cut_* |
| a lost batch pays, or terminates | test_what_cannot_go_on_is_cut_* |
| several choices are numbered the other way | test_actions_are_numbered_* |
| a start is not taken off | test_observations_are_in_our_space |
"""

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces as theirs

import envs
from envs.outside import spaces
from envs.outside import theirs as adapter
from envs.outside.host import vector
from experiment.errors import InputError
from experiment.setup import cli
from experiment.setup import config as run_config

pytestmark = pytest.mark.usefixtures("quick_compilation")
NAME, LIMIT = "gymnasium/CartPole-v1", 12


def steps(env, params, state, actions):
    """[T, B] of steps with given actions."""

    def step(state, action):
        keys = jax.random.split(jax.random.key(7), len(action))
        obs, state, reward, terminated, truncated, info = jax.vmap(
            env.step, (0, 0, 0, None)
        )(keys, state, action, params)
        final = info["final_observation"]
        return state, (obs, final, reward, terminated, truncated)

    return jax.jit(lambda s, a: jax.lax.scan(step, s, a))(state, actions)


def begun(env, params, lanes, seed=0):
    keys = jax.random.split(jax.random.key(seed), lanes)
    return jax.jit(jax.vmap(env.reset, (0, None)))(keys, params), keys


def test_lanes_are_those_of_gymnasium():
    """By hand: one environment at a time, reset where an episode ends."""
    env, params = envs.make(NAME, max_steps_in_episode=LIMIT)
    (obs, state), keys = begun(env, params, 3)
    actions = np.random.default_rng(0).integers(2, size=(40, 3))
    actions[:20, 1] = 1  # falls over soon
    _, found = steps(env, params, state, jnp.asarray(actions, jnp.int32))
    for lane in range(3):
        one = gymnasium.make("CartPole-v1", max_episode_steps=LIMIT)
        seed = int(jax.random.key_data(keys[lane])[-1])
        np.testing.assert_array_equal(one.reset(seed=seed)[0], obs[lane])
        for t, action in enumerate(actions[:, lane]):
            seen, reward, terminated, truncated, _ = one.step(action)
            mine = [np.asarray(x[t, lane]) for x in found]
            np.testing.assert_array_equal(mine[1], seen)
            assert (mine[2], mine[3], mine[4]) == (reward, terminated, truncated)
            if terminated or truncated:
                seen, _ = one.reset()
            np.testing.assert_array_equal(mine[0], seen)
    assert found[3].any() and found[4].any()


@pytest.mark.slow
def test_learners_side_by_side_are_learners_alone():
    """Two batches in one call of a program over both, the second of them first."""
    env, params = envs.make(NAME, max_steps_in_episode=LIMIT)
    actions = jnp.asarray(np.random.default_rng(1).integers(2, size=(2, 15, 4)))
    alone = [
        steps(env, params, begun(env, params, 4, seed)[0][1], actions[seed])[1]
        for seed in range(2)
    ]
    states = [begun(env, params, 4, seed)[0][1] for seed in (1, 0)]
    both = jax.tree.map(lambda x, y: jnp.stack([x, y]), *states)
    _, found = jax.vmap(lambda s, a: steps(env, params, s, a))(both, actions[::-1])
    for place, seed in enumerate((1, 0)):
        jax.tree.map(
            lambda x, y, place=place: np.testing.assert_array_equal(x[place], y),
            found, alone[seed],
        )  # fmt: skip


@pytest.mark.thinned(2)
@pytest.mark.parametrize("how", ["another process", "stepped before"])
def test_what_cannot_go_on_is_cut_where_it_stands(how, capsys):
    env, params = envs.make(NAME)
    (_, state), _ = begun(env, params, 2)
    actions = jnp.ones((3, 2), jnp.int32)
    state, _ = steps(env, params, state, actions)
    if how == "another process":
        env, params = envs.make(NAME)
    else:
        steps(env, params, state, actions)
    _, (obs, final, reward, terminated, truncated) = steps(env, params, state, actions)
    np.testing.assert_array_equal(final[0], state.obs)
    assert truncated[0].all() and not terminated.any() and not reward[0].any()
    assert not truncated[1:].any() and (reward[1:] == 1).all()
    assert (abs(obs[0]) <= 0.05).all()  # where CartPole begins
    assert "2 environments begin new ones" in capsys.readouterr().out


def test_some_lanes_of_a_batch_are_refused():
    env, params = envs.make(NAME)
    (_, state), _ = begun(env, params, 3)
    some = jax.tree.map(lambda x: x[:2], state)
    with pytest.raises(Exception, match="all that were reset together"):
        jax.block_until_ready(steps(env, params, some, jnp.ones((1, 2), jnp.int32)))


def test_actions_are_numbered_as_they_are_counted():
    space = theirs.MultiDiscrete([3, 2], start=[0, 5])
    ours, write = spaces.acted(space)
    assert ours.n == 6
    every = write(np.arange(6))
    assert every.tolist() == [[a, b] for a in range(3) for b in (5, 6)]
    assert all(space.contains(one) for one in every)
    _, write = spaces.acted(theirs.Discrete(4, start=-2))
    assert write(np.arange(4)).tolist() == [-2, -1, 0, 1]
    box = theirs.Box(-1, 1, (2, 3), np.float64)
    ours, write = spaces.acted(box)
    assert ours.shape == (6,) and write(np.zeros((5, 6))).shape == (5, 2, 3)
    with pytest.raises(ValueError, match="actions must be Discrete"):
        spaces.acted(theirs.Text(3))


OBSERVED = [
    theirs.Discrete(5, start=3),
    theirs.MultiDiscrete([4, 3]),
    theirs.MultiBinary(3),
    theirs.Box(0, 255, (4, 4, 3), np.uint8),
    theirs.Box(-np.inf, np.inf, (), np.float64),
    theirs.Box(-(2**40), 2**40, (2,), np.int64),
    theirs.Dict({"b": theirs.Discrete(2), "a": theirs.Box(0, 1, (2,))}),
    theirs.Tuple((theirs.Discrete(2), theirs.MultiDiscrete([2, 2]))),
]


@pytest.mark.parametrize("space", OBSERVED, ids=lambda x: type(x).__name__)
def test_observations_are_in_our_space(space):
    ours, read = spaces.observed(space)
    batch = gymnasium.vector.utils.batch_space(space, 3)
    batch.seed(0)
    element = jax.tree.map(lambda x: x[1], read(batch.sample()))
    assert spaces.shown(ours).contains(spaces.element(ours, element))


class Odd(gymnasium.Env):
    """Observes a dict, acts in two choices at once, and pays what it was told."""

    observation_space = theirs.Dict(
        {"count": theirs.Discrete(9, start=1), "seen": theirs.Box(0, 9, (2,))}
    )
    action_space = theirs.MultiDiscrete([3, 2])

    def _obs(self):
        return {"count": self._t + 1, "seen": np.full(2, self._t, np.float32)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._t = 0
        return self._obs(), {}

    def step(self, action):
        self._t += 1
        return self._obs(), float(10 * action[0] + action[1]), self._t == 4, False, {}


def test_dicts_and_choices_at_once_arrive_whole(monkeypatch):
    monkeypatch.setitem(gymnasium.registry, "Odd-v0", gymnasium.envs.registration.
                        EnvSpec("Odd-v0", entry_point=lambda: Odd()))  # fmt: skip
    env, params = envs.make("gymnasium/Odd-v0")
    (obs, state), _ = begun(env, params, 2)
    actions = jnp.asarray([[0, 1], [2, 3], [4, 5], [5, 4], [1, 0]])
    _, (obs, final, reward, terminated, _) = steps(env, params, state, actions)
    assert reward.tolist() == [[0, 1], [10, 11], [20, 21], [21, 20], [1, 0]]
    assert final["count"][:, 0].tolist() == [1, 2, 3, 4, 1]
    assert obs["count"][:, 0].tolist() == [1, 2, 3, 0, 1]
    assert final["seen"][3].tolist() == [[4, 4], [4, 4]]
    assert terminated[:, 1].tolist() == [False, False, False, True, False]


@pytest.mark.parametrize(
    "name, options, said",
    [
        ("gymnasium/CartPol-v1", {}, "no environment 'CartPol-v1'; did you mean"),
        ("gymnasium/mine:Env-v0", {}, "no module is imported by name"),
        (NAME, {"vectorization": "threads"}, "sync or async; got 'threads'"),
        (NAME, {"max_steps_in_episode": 0}, "must be a positive integer"),
        (NAME, {"gravity_of_mars": 3}, "cannot be made"),
    ],
)
def test_what_cannot_be_is_refused(name, options, said):
    with pytest.raises(ValueError, match=said):
        envs.make(name, **options)


def test_a_command_line_names_any_of_them():
    config = run_config.load(
        cli.composed("train", ["env=gymnasium/Acrobot-v1", "env.history=true"])
    )
    assert config.env.name == "gymnasium/Acrobot-v1" and config.env.history
    assert run_config.load(run_config.dump(config)) == config
    with pytest.raises(InputError, match="no module is imported"):
        run_config.load(cli.composed("train", ["env=gymnasium/os:x"]))


@pytest.mark.conformance
@pytest.mark.parametrize("game", ["RepeatPreviousEasy", "BattleshipEasy"])
def test_the_original_popgym_steps(game):
    pytest.importorskip("popgym", reason="popgym is in the extra conformance")
    env, params = envs.make(f"gymnasium/popgym-{game}-v0")
    (_, state), _ = begun(env, params, 2)
    actions = jnp.zeros((120, 2), jnp.int32)
    _, (_, _, _, terminated, truncated) = steps(env, params, state, actions)
    assert (terminated | truncated).any()


def test_a_vector_resets_in_the_step_that_ends():
    made = vector("CartPole-v1", 2, "sync", {"max_episode_steps": 3})
    made.reset(seed=[0, 1])
    infos = [made.step(np.zeros(2, int))[4] for _ in range(3)]
    assert "final_obs" in infos[-1] and adapter.PACKAGES["popgym"] == "popgym"
    made.close()

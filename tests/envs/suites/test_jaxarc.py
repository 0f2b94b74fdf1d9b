"""JaxARC: the suite's own stepping, submissions told from the clock, honest spaces.

Mutants, and the test that fails for each:

    nothing terminates                            bare_suites
    every end terminates                          own_clock_ends_nothing
    limit one short                               the_limit_are_the_suites
    the registry's limit whatever is asked        bare_suites
    row and column change places                  bare_suites
    a selection without its last row              bare_suites
    a box's columns run to the edge               bare_suites
    a box is a point                              bare_suites
    the pair that is played is demonstrated too   bare_suites
    a demonstration that is not there is black    bare_suites
    a demonstration too many                      bare_suites
    demonstrations, or their count, of task 0     bare_suites
    outputs shown before inputs                   bare_suites
    the target is shown as the input              bare_suites
    a colour too few in the space                 bare_suites
    starts are permuted                           bare_suites
    pairs that are not there are drawn            bare_suites
    only the first pair is drawn                  bare_suites
    input and output change places                bare_suites
    an output's mask is its input's               bare_suites
    the suite's other defaults                    bare_suites
    a dearer step                                 rewards_and_starts
    rewards that were asked for are dropped       rewards_and_starts
    99 steps, or a target shown, by default       the_limit_are_the_suites
    a working grid alone is refused               nothing_but
    tasks of the parameters are not heard         tasks_are_those
    the similarity of the other start is kept     from_its_own_input
    the mask of the other start is kept           from_its_own_input
    start_from_input is dropped                   from_its_own_input
    the tests are shown as demonstrations         tests_are_played
    demonstrations are played for tests           tests_are_played
    solved without submitting                     tests_are_played
    every submission solves                       tests_are_played
    operations are taken by number                operations_are_taken
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs.suites.jaxarc_options import REWARDS
from envs.suites.table import SUITES
from tests.envs.suites import arc_tasks, beside

jaxarc = pytest.importorskip("jaxarc", reason="needs the extra jaxarc")

pytestmark = [
    pytest.mark.suites,
    pytest.mark.lenient,  # the suite promotes ranks in its own code
    pytest.mark.usefixtures("quick_compilation"),
]

LIMIT = 15
SUBMIT = 34
LAYOUTS = {
    "Mini": "data/MiniARC",
    "Concept": "corpus",
    "AGI1": "data/training",
    "AGI2": "data/evaluation",
}
CASES = {
    "Mini": dict(show_clipboard=True, show_target=True, show_demonstrations=2),
    "AGI1": dict(grid_size=6, show_demonstrations=5),
    "AGI2": dict(grid_size=5, selection="box", show_input=False, split="evaluation"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    whole = tmp_path_factory.mktemp("arc")
    for name, layout in LAYOUTS.items():
        arc_tasks.write(whole / name, layout)
    return whole


@pytest.fixture(scope="module")
def make(folder):
    def made(name, **chosen):
        given = {"data_path": str(folder / name), "max_steps_in_episode": LIMIT}
        return envs.make(f"jaxarc/{name}", **{**given, **chosen})

    return made


def bare(name, folder):
    """`reset` and `step` of the suite's own environment, its parser and wrappers."""
    from jaxarc import configs, parsers, wrappers
    from jaxarc.envs import Environment
    from jaxarc.registration.config_prep import load_dataset_config
    from jaxarc.types import StepType
    from jaxarc.utils.buffer import stack_task_list
    from jaxarc.utils.core import get_config

    chosen = CASES[name]
    shown = chosen.get("show_demonstrations", 3)
    size = chosen.get("grid_size", 5)
    read = vars(load_dataset_config(name)) | dict(
        dataset_path=str(folder / name),
        max_grid_height=size,
        max_grid_width=size,
        task_split=chosen.get("split", "train"),
    )
    dataset = configs.DatasetConfig(**read)
    parser = (parsers.MiniArcParser if name == "Mini" else parsers.ArcAgiParser)(
        dataset
    )
    ids = sorted(parser.get_available_task_ids())
    buffer = stack_task_list([parser.get_task_by_id(task) for task in ids])
    usual = configs.JaxArcConfig.from_hydra(get_config())
    config = configs.JaxArcConfig(
        configs.EnvironmentConfig(max_episode_steps=LIMIT),
        dataset,
        reward=usual.reward,
        grid_initialization=usual.grid_initialization,
    )
    env = Environment(config, buffer)
    boxes = chosen.get("selection") == "box"
    env = (wrappers.BboxActionWrapper if boxes else wrappers.PointActionWrapper)(env)
    env = wrappers.FlattenActionWrapper(env)
    if chosen.get("show_clipboard"):
        env = wrappers.ClipboardObservationWrapper(env)
    if chosen.get("show_input", True):
        env = wrappers.InputGridObservationWrapper(env)
    if chosen.get("show_target"):
        env = wrappers.AnswerObservationWrapper(env)
    env = wrappers.ContextualObservationWrapper(env, shown)

    def told(state, obs):
        """Ours: one more; and of demonstrations that there are not, nothing."""
        others = buffer.num_train_pairs[state.task_idx] - 1
        first = obs.shape[-1] - 2 * shown
        there = jnp.arange(obs.shape[-1]) < first + 2 * others
        return jnp.where(there, obs + 1, 0).astype(jnp.uint8)

    def reset(key):
        state, timestep = env.reset(jax.random.key_data(key))
        return told(state, timestep.observation), state

    def step(key, state, action):
        state, timestep = env.step(state, action)
        terminated = timestep.step_type == StepType.TERMINATED
        over = terminated | (timestep.step_type == StepType.TRUNCATED)
        obs = told(state, timestep.observation)
        return obs, state, timestep.reward, terminated, over

    return reset, step, env.action_space().num_values


def test_the_table_and_the_limit_are_the_suites(make):
    from jaxarc.registration import _registry

    assert set(SUITES["jaxarc"].environments) == set(_registry._specs)
    for name, spec in _registry._specs.items():
        split = {"split": "evaluation"} if name == "AGI2" else {}
        env, params = envs.make(
            f"jaxarc/{name}",
            data_path=make.__closure__[0].cell_contents / name,
            **split,
        )
        assert params.max_steps_in_episode == spec.max_episode_steps == 100
        side = 5 if name == "Mini" else 30
        assert env.observation_space(params).shape == (side, side, 8)
        assert env.action_space(params).n == 35 * side * side


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_bare_suites_until_an_end_and_a_reset_after_it(name, make, folder):
    env, params = make(name, **CASES[name])
    reset, step, actions = bare(name, folder)
    assert env.action_space(params).n == actions
    actions = beside.random_actions(env, params)
    played = beside.play(env, params, reset, step, actions)
    beside.assert_is_the_suites(played, env.observation_space(params), LIMIT)
    # Bounds are reached: what is outside of a grid, and the last colour.
    assert played.obs.min() == 0 and played.obs.max() == 10


def test_rewards_and_starts_are_by_default_what_the_suites_own_make_takes(make):
    from jaxarc.configs import JaxArcConfig
    from jaxarc.utils.core import get_config

    env, _ = make("Mini")
    usual = JaxArcConfig.from_hydra(get_config())
    assert env.bare.params.reward == usual.reward
    assert env.bare.params.grid_initialization == usual.grid_initialization
    asked = dict(zip(REWARDS, (-0.5, 3.0, 2.0, -4.0), strict=True))
    told = make("Mini", **asked)[0].bare.params.reward
    assert {name: getattr(told, name) for name in asked} == asked


ONE = {  # of two cells, by hand
    "one": {
        "train": [{"input": [[0, 0]], "output": [[3, 0]]}],
        "test": [{"input": [[7, 0]], "output": [[7, 5]]}],
    }
}
FILL_3 = 3 * 25  # in the first cell
DOES_NOTHING = 28 * 25  # copy
SUBMITS = SUBMIT * 25


@pytest.fixture(scope="module")
def by_hand(make, tmp_path_factory):
    path = arc_tasks.write(tmp_path_factory.mktemp("one"), "data/MiniARC", ONE)
    env, params = make("Mini", data_path=path, max_steps_in_episode=3)
    step = jax.jit(env.step)

    class Once:
        reset = staticmethod(env.reset)

    Once.step = staticmethod(lambda key, *rest: step(key, *rest))
    return functools.partial(beside.steps_of, Once, params)


def test_submitting_terminates_and_pays_if_it_is_right(by_hand):
    right = by_hand([FILL_3, SUBMITS])
    assert [tuple(map(bool, row[1:])) for row in right] == [
        (False, False),
        (True, False),
    ]
    np.testing.assert_allclose([row[0] for row in right], [0.5 - 0.005, 10 - 0.005])
    (wrong,) = by_hand([SUBMITS])
    assert tuple(map(bool, wrong[1:])) == (True, False)
    np.testing.assert_allclose(wrong[0], -1 - 0.005)


def test_the_clock_truncates_and_does_not_terminate(by_hand):
    rows = by_hand([DOES_NOTHING] * 6)
    assert [bool(row[1]) for row in rows] == [False] * 6
    assert [bool(row[2]) for row in rows] == [False, False, True] * 2


def test_the_suites_own_clock_ends_nothing(by_hand):
    def at_99(state):
        inner = dataclasses.replace(state.inner, step_count=jnp.int32(99))
        return state.replace(inner=inner)

    rows = by_hand([DOES_NOTHING] * 2, change=at_99)
    assert [tuple(map(bool, row[1:])) for row in rows] == [(False, False)] * 2


def test_a_submission_in_the_last_step_is_both(by_hand):
    rows = by_hand([DOES_NOTHING, FILL_3, SUBMITS])
    assert tuple(map(bool, rows[-1][1:])) == (True, True)


def test_operations_are_taken_from_what_was_asked_for(make):
    env, params = make("Mini", operations=[SUBMIT, 3])
    assert env.action_space(params).n == 50
    for index, operation, cell in ((0, SUBMIT, 0), (24, SUBMIT, 24), (32, 3, 7)):
        parts = env.parts(jnp.int32(index))
        assert int(parts.operation) == operation
        assert np.flatnonzero(parts.selection).tolist() == [cell]


def test_nothing_but_the_working_grid_need_be_shown(make):
    env, params = make("Mini", show_input=False, show_demonstrations=0)
    obs, _ = env.reset(jax.random.key(0), params)
    assert obs.shape == env.observation_space(params).shape == (5, 5, 1)


def test_tasks_are_those_of_the_parameters(make):
    env, params = make("Mini")
    second = params.replace(tasks=jax.tree.map(lambda x: x[1:2], params.tasks))
    keys = jax.random.split(jax.random.key(0), 20)
    _, state = jax.vmap(env.reset, (0, None))(keys, second)
    drawn = {grid.tobytes() for grid in np.asarray(state.inner.input_grid)}
    its = params.tasks.input_grids_examples[1, : params.tasks.num_train_pairs[1]]
    assert drawn == {grid.tobytes() for grid in np.asarray(its)}


def test_a_pair_is_begun_from_its_own_input_if_asked(make):
    same = {}
    for asked in (False, True):
        env, params = make("Mini", start_from_input=asked)
        keys = jax.random.split(jax.random.key(0), 30)
        obs, state = jax.vmap(env.reset, (0, None))(keys, params)
        same[asked] = np.asarray((obs[..., 0] == obs[..., 1]).all((1, 2)))
        inner = state.inner
        right = (inner.working_grid == inner.target_grid) & inner.target_grid_mask
        share = right.sum((1, 2)) / inner.target_grid_mask.sum((1, 2))
        np.testing.assert_allclose(inner.similarity_score, share, rtol=1e-6)
        np.testing.assert_array_equal(inner.working_grid_mask, inner.working_grid >= 0)
    assert same[True].all() and not same[False].all()


def test_tests_are_played_with_every_demonstration_beside_them(make, tmp_path):
    path = arc_tasks.write(tmp_path, "data/MiniARC", ONE)
    chosen = dict(data_path=path, pairs="tests", show_target=True)
    env, params = make("Mini", **chosen, start_from_input=True)
    obs, state = env.reset(jax.random.key(0), params)
    seen = [np.asarray(obs[0, :2, c]).tolist() for c in range(obs.shape[-1])]
    shown = [[8, 1], [8, 1], [8, 6], [1, 1], [4, 1]]  # working, input, target, a pair
    assert seen == [*shown, *[[0, 0]] * 4]
    fill_5 = 5 * 25 + 1

    def step(state, action):
        return env.step(jax.random.key(0), state, jnp.int32(action), params)

    wrong, filled = step(state, SUBMITS), step(state, fill_5)
    right = step(filled[1], SUBMITS)
    for result, *told in ((wrong, -1, 0.5, 0), (filled, 0.5, 1, 0), (right, 10, 1, 1)):
        info = result[-1]
        found = [result[2] + 0.005, info["similarity"], info["solved"]]
        np.testing.assert_allclose(found, told, atol=1e-6)

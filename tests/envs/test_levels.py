"""Chance and best follow the parameters, against random and best play.

Mutants, and the test that fails for each:

    levels of the table whatever the params     random_play_earns, not_known
    a pole's steps not cut at the limit         random_play_earns[CartPole, 12 steps]
    a parameter of what is seen changes them    what_is_only_seen
    another level's arguments not recognised    another_name
    chance kept for a body of one's own         not_known
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs.meta.dark_key_to_door import DarkKeyToDoorTasks
from envs.meta.dark_room import DarkRoomTasks
from envs.scale import Levels, pole_steps
from tests.envs.play import LIMIT, check_mean, ids, played
from tests.fresh import imported

pytestmark = pytest.mark.usefixtures("quick_compilation")


BY_CHANCE = [
    ("memory_chain", {"memory_length": 3, "num_bits": 2}),
    ("memory_chain", {"memory_length": 9, LIMIT: 12}),
    ("t_maze", {"length_max": 6}),
    ("t_maze", {"length_max": 5, "length_law": "log_uniform", "active": True}),
    ("t_maze", {"length_min": 4, "length_max": 4, "active": True, LIMIT: 60}),
    ("gymnax/CartPole-v1", {LIMIT: 12}),
    ("gymnax/CartPole-v1", {LIMIT: 33}),
    ("gymnax/CartPole-v1", {}),
    ("gymnax/MountainCar-v0", {LIMIT: 50}),
    ("gymnax/MountainCar-v0", {LIMIT: 120}),
    ("gymnax/MountainCarContinuous-v0", {LIMIT: 60}),
    ("gymnax/MountainCarContinuous-v0", {LIMIT: 300}),
    ("gymnax/DeepSea-bsuite", {"size": 3}),
    ("gymnax/DeepSea-bsuite", {"size": 4, "unscaled_move_cost": 0.5}),
    ("gymnax/MemoryChain-bsuite", {"memory_length": 3, "num_bits": 2}),
    ("gymnax/MemoryChain-bsuite", {"memory_length": 6, LIMIT: 6}),
    ("gymnax/UmbrellaChain-bsuite", {"chain_length": 3}),
    ("gymnax/UmbrellaChain-bsuite", {"n_distractor": 4}),
    ("gymnax/DiscountingChain-bsuite", {"optimal_return": 3.0}),
    ("gymnax/DiscountingChain-bsuite", {"mapping_seed": 3}),
    ("gymnax/SimpleBandit-bsuite", {"num_actions": 2}),
    ("gymnax/SimpleBandit-bsuite", {"num_actions": 5}),
    ("popgym_repeat_first_easy", {"num_decks": 2}),
    ("popgym_repeat_previous_easy", {"k": 20}),
    ("popgym_autoencode_easy", {"num_decks": 4}),
    ("popgym_higher_lower_easy", {"num_decks": 4}),
    ("popgym_count_recall_easy", {"deck_type": "ranks"}),
    ("popgym_count_recall_hard", {"num_decks": 1}),
    ("popgym_multiarmed_bandit_easy", {"num_bandits": 3, LIMIT: 50}),
    ("popgym_multiarmed_bandit_easy", {"num_bandits": 5}),
    ("popgym_position_only_cartpole_easy", {LIMIT: 15}),
    ("popgym_noisy_position_only_cartpole_hard", {LIMIT: 40, "sigma": 1.0}),
    ("popgym_velocity_only_cartpole_easy", {LIMIT: 1000}),
    ("control/cartpole_swingup_sparse", {LIMIT: 30}),
    ("control/mountain_car", {LIMIT: 100}),
    ("meta_cartpole", {"num_trials": 3, "trial_steps": 30}),
    ("meta_cartpole", {"num_trials": 2, "num_tasks": 3, "projected_size": 6}),
    ("meta_bandit", {"num_trials": 7, "num_arms": 3}),
    ("meta_bandit", {"num_trials": 30, "split": "shifted", "step_budget": 12}),
    ("meta_tabular_mdp", {"num_trials": 2}),
    ("meta_tabular_mdp", {"num_trials": 3, "split": "shifted", "step_budget": 17}),
    ("dark_room", {"num_trials": 3, "size": 4}),
    ("dark_room", {"split": "shifted", "trial_steps": 7, "step_budget": 25}),
    ("dark_key_to_door", {"num_trials": 2, "size": 4}),
    ("dark_key_to_door", {"split": "shifted", "trial_steps": 30, "size": 3}),
]  # fmt: skip


QUICK = [
    ("memory_chain", {"memory_length": 3, "num_bits": 2}),
    ("t_maze", {"length_max": 6}),
    ("t_maze", {"length_max": 5, "length_law": "log_uniform", "active": True}),
    ("gymnax/CartPole-v1", {LIMIT: 12}),
    ("gymnax/DeepSea-bsuite", {"size": 3}),
    ("popgym_count_recall_hard", {"num_decks": 1}),
    ("meta_bandit", {"num_trials": 7, "num_arms": 3}),
]


def some(cases):
    """The quick ones in every run, all of them in the slow ones."""
    return [
        case if case[:2] in QUICK else pytest.param(*case, marks=pytest.mark.slow)
        for case in cases
    ]


@pytest.mark.thinned(6)
@pytest.mark.parametrize(("name", "params"), some(BY_CHANCE), ids=ids(BY_CHANCE))
def test_random_play_earns_the_chance_level(name, params):
    env, env_params = envs.make(name, **params)
    space = env.action_space(env_params)
    returns = played(env, env_params, lambda key, _: space.sample(key))
    check_mean(returns, envs.levels(name, params).chance)


def of_cart(key, s):
    push = s.theta + 0.25 * s.theta_dot + 0.02 * s.x + 0.05 * s.x_dot
    return (push > 0).astype(int)


def of_sea(key, state):
    return state.action_mapping[state.row, state.column]


def of_chain(key, state):
    return state.context[state.query]


def of_umbrella(key, state):
    return state.need_umbrella


def greedy_arm(key, state):
    return jnp.argmax(state.rewards).astype(int)


AT_BEST = [
    ("gymnax/CartPole-v1", {LIMIT: 100}, of_cart),
    ("gymnax/CartPole-v1", {LIMIT: 700}, of_cart),
    ("gymnax/DeepSea-bsuite", {"size": 3}, of_sea),
    ("gymnax/DeepSea-bsuite", {"size": 12, "unscaled_move_cost": 0.5}, of_sea),
    ("gymnax/MemoryChain-bsuite", {"memory_length": 3, "num_bits": 2}, of_chain),
    ("gymnax/MemoryChain-bsuite", {"memory_length": 6, LIMIT: 6}, of_chain),
    ("gymnax/UmbrellaChain-bsuite", {"chain_length": 3}, of_umbrella),
    ("gymnax/DiscountingChain-bsuite", {"optimal_return": 3.0}, greedy_arm),
    ("gymnax/DiscountingChain-bsuite", {"mapping_seed": 3}, greedy_arm),
    ("gymnax/SimpleBandit-bsuite", {"num_actions": 5}, greedy_arm),
]


@pytest.mark.parametrize(("name", "params", "policy"), some(AT_BEST), ids=ids(AT_BEST))
def test_play_that_knows_everything_earns_the_best_level(name, params, policy):
    """Here where nothing of ours knows it; else, in test_experts.py."""
    returns = played(*envs.make(name, **params), policy)
    check_mean(returns, envs.levels(name, params).best)


def test_what_is_only_seen_changes_nothing():
    for name, params in (
        ("popgym_noisy_position_only_pendulum_easy", {"sigma": 0.9}),
        ("popgym_velocity_only_cartpole_hard", {"first_obs": "velocities"}),
        ("popgym_labyrinth_escape_medium", {"centered_view": True}),
        ("popgym_battleship_easy", {"previous_action": False}),
        ("popgym_count_recall_easy", {"popgym_version": "1.0.7"}),
        ("memory_chain", {"max_steps_in_episode": 200}),
        ("t_maze", {"active": True, "length_min": 1000, "length_max": 1000}),
        ("meta_bandit", {"trial_discount": 0.5}),
    ):
        assert envs.levels(name, params) == envs.levels(name) != Levels(), name


def test_the_same_environment_under_another_name_has_the_same_levels():
    for name, params, other in (
        ("popgym_battleship_easy", {"board_size": 10}, "popgym_battleship_medium"),
        (
            "popgym_stateless_pendulum_easy",
            {LIMIT: 100},
            "popgym_position_only_pendulum_hard",
        ),
        ("control/reacher_easy", {"target_size": 0.015}, "control/reacher_hard"),
        ("gymnax/CartPole-v1", {LIMIT: 500}, "gymnax/CartPole-v1"),
    ):
        found = envs.levels(name, params)
        assert found == envs.levels(other) and found.chance is not None


QUICK_ROOMS = [
    ("dark_room", {"size": 4, "trial_steps": 6, "split": "held_out"}),
    ("dark_room", {"split": "shifted", "num_trials": 3}),
    ("dark_key_to_door", {"size": 3, "trial_steps": 9}),
    ("dark_key_to_door", {"size": 4, "trial_steps": 5, "split": "shifted"}),
]


@pytest.mark.thinned(4)
@pytest.mark.parametrize(("name", "params"), QUICK_ROOMS, ids=ids(QUICK_ROOMS))
def test_levels_of_rooms_are_the_means_over_their_tasks(name, params):
    """As the references have them, task by task."""
    task = every_task(name, params)
    config = envs.check_config(name, params)
    found = envs.references(
        name, params, task, key=jax.random.key(0), num_trials=config.num_trials
    )
    chance, best = envs.levels(name, params)
    np.testing.assert_allclose(chance, config.num_trials * found["random"].mean(), 1e-5)
    np.testing.assert_allclose(best, config.num_trials * found["best"].mean(), 1e-5)


def every_task(name, params):
    size, split = params.get("size", 9), params.get("split", "train")
    if name == "dark_room":
        tasks = DarkRoomTasks(size)
        own = {"goal": tasks.goals(split)}
    else:
        tasks = DarkKeyToDoorTasks(size)
        pairs = tasks.pairs(split)
        own = {"key": pairs[:, 0], "door": pairs[:, 1]}
    count = len(next(iter(own.values())))
    starts = np.tile(np.asarray(tasks.start_of(split)), (count, 1))
    return {k: jnp.asarray(v) for k, v in (own | {"start": starts}).items()}


@pytest.mark.parametrize(
    ("name", "params", "best"),
    [
        ("gymnax/CartPole-v1", {"gravity": 20.0}, None),
        ("gymnax/CartPole-v1", {"gravity": 20.0, LIMIT: 100}, None),
        ("gymnax/Pendulum-v1", {LIMIT: 100}, None),
        ("gymnax/Catch-bsuite", {"rows": 5}, None),
        ("gymnax/MountainCar-v0", {LIMIT: 1000}, None),
        ("gymnax/DeepSea-bsuite", {"deterministic": False}, None),
        ("popgym_battleship_easy", {"board_size": 9}, 1.0),
        ("popgym_minesweeper_easy", {"num_mines": 3}, 1.0),
        ("popgym_repeat_first_easy", {LIMIT: 20}, None),
        ("popgym_count_recall_easy", {"popgym_version": "1.0.6"}, None),
        ("popgym_labyrinth_escape_easy", {"height": 6}, None),
        ("popgym_position_only_pendulum_easy", {LIMIT: 50}, None),
        ("control/cartpole_balance", {LIMIT: 100}, 100.0),
        ("control/pendulum_swingup", {"mass": 2.0}, 1000.0),
        ("meta_bandit", {"num_tasks": 3}, None),
        ("dark_room", {"num_tasks": 3}, None),
        ("dark_key_to_door", {"step_budget": 30}, None),
        ("dark_key_to_door", {"size": 27, "trial_steps": 200}, 20.0),
        ("meta_cartpole", {"step_budget": 100}, 0.5),
        ("projected_control", {}, None),
        ("popgym_count_recall_easy", {"deck_type": "hearts"}, None),
        ("popgym_position_only_cartpole_easy", {LIMIT: 0}, None),
        ("gymnax/CartPole-v1", {LIMIT: "many"}, None),
    ],
)
def test_what_is_not_known_is_not_said(name, params, best):
    found = envs.levels(name, params)
    assert found.chance is None
    assert found.best == (None if best is None else pytest.approx(best, rel=0.01))


def test_every_environment_has_levels_or_says_that_it_has_none():
    known = {name for name in envs.names() if envs.levels(name) != Levels()}
    for start in (
        "memory_chain",
        "t_maze",
        "gymnax/",
        "popgym_",
        "control/",
        "meta_",
        "dark_",
    ):
        for name in envs.names():
            assert not name.startswith(start) or name in known, name
    for name in known:
        chance, best = envs.levels(name)
        assert chance is None or best is None or chance < best, name


def test_levels_and_what_experts_do_need_no_jax():
    names = [
        "memory_chain",
        "t_maze",
        "gymnax/CartPole-v1",
        "popgym_battleship_easy",
        "dark_room",
    ]
    names += ["control/cartpole_balance", "dark_key_to_door", "meta_cartpole"]
    asked = f"[(envs.levels(n), envs.spec(n).expert) for n in {names}]"
    assert not imported(f"import envs; {asked}", ["jax"])


def test_wrong_parameters_are_refused_as_ever():
    with pytest.raises(ValueError, match="did you mean 'num_trials'"):
        envs.levels("dark_room", {"num_trails": 3})


def test_a_pole_stays_up_longer_with_a_later_limit():
    steps = [pole_steps(limit) for limit in range(1, 300)]
    assert steps[:8] == list(range(1, 9)) and steps[-1] == 22.24
    gains = np.diff(steps)
    assert (gains >= 0).all() and (np.diff(gains[7:]) < 0.05).all()

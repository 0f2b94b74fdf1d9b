"""Experts earn what is best, in all wrappers, and say what they do.

| mutant | fails |
|---|---|
| `expert` takes the last of the best | first_of_the_best |
| a bit is answered one step late | best_level_in_every_episode |
| an expert takes the worst arm | best_level_on_average |
| a game loses its expert | who_has_an_expert |
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs import experts
from envs.contract.expert import best_actions, expert, only
from envs.contract.wrappers import Privileged
from envs.popgym.table import ALIASES
from tests.envs.play import LIMIT, check_mean, ids, played

pytestmark = pytest.mark.usefixtures("quick_compilation")

DOCUMENT = Path(__file__).parents[2] / "docs" / "environments.md"


def wrapped(name, params):
    """As agents with a privileged critic play it."""
    env, env_params = envs.make(name, history=not name.startswith("popgym"), **params)
    return Privileged(env) if hasattr(env, "markov_state") else env, env_params


def returns_of(name, params, episodes):
    env, env_params = wrapped(name, params)
    act = expert(env)
    return played(env, env_params, lambda _, state: act(state, env_params), episodes)


# All that there is to win is won, whatever is drawn.
ALWAYS = [
    ("memory_chain", {"memory_length": 3, "num_bits": 2}),
    ("memory_chain", {"memory_length": 9, LIMIT: 12}),
    ("t_maze", {"length_max": 6}),
    ("t_maze", {"length_max": 5, "length_law": "log_uniform", "active": True}),
    ("popgym_autoencode_easy", {}),
    ("popgym_battleship_easy", {}),
    ("popgym_concentration_easy", {}),
    ("popgym_concentration_hard", {}),
    ("popgym_count_recall_easy", {"deck_type": "ranks"}),
    ("popgym_minesweeper_easy", {}),
    ("popgym_minesweeper_hard", {}),
    ("popgym_noisy_position_only_cartpole_hard", {}),
    ("popgym_position_only_cartpole_easy", {LIMIT: 15}),
    ("popgym_velocity_only_cartpole_easy", {LIMIT: 700}),
    ("popgym_repeat_first_easy", {"num_decks": 2}),
    ("popgym_repeat_previous_easy", {"k": 20}),
    ("meta_cartpole", {"num_trials": 2, "trial_steps": 30}),
    ("dark_key_to_door", {"num_trials": 2}),
]
# What is drawn decides as well.
ON_AVERAGE = [
    ("popgym_higher_lower_easy", {"num_decks": 1}),
    ("popgym_higher_lower_easy", {"num_decks": 4}),
    ("popgym_labyrinth_escape_easy", {}),
    ("popgym_multiarmed_bandit_easy", {"num_bandits": 3, LIMIT: 50}),
    ("popgym_multiarmed_bandit_easy", {"num_bandits": 5}),
    ("meta_bandit", {"num_trials": 7, "num_arms": 3}),
    ("meta_bandit", {"num_trials": 30, "split": "shifted", "step_budget": 12}),
    ("dark_room", {"num_trials": 3}),
    ("dark_room", {"split": "shifted", "trial_steps": 7, "step_budget": 25}),
    ("dark_room", {"split": "held_out", "size": 6, "num_trials": 2}),
    ("dark_key_to_door", {"split": "shifted", "trial_steps": 15}),
]
QUICK = (ALWAYS[0], ALWAYS[3], ON_AVERAGE[5])


def some(cases):
    """The quick ones in every run, all of them in the slow ones."""
    return [
        case if case in QUICK else pytest.param(*case, marks=pytest.mark.slow)
        for case in cases
    ]


@pytest.mark.parametrize(("name", "params"), some(ALWAYS), ids=ids(ALWAYS))
def test_an_expert_earns_the_best_level_in_every_episode(name, params):
    best = envs.levels(name, params).best
    # One step of 700 that pays nothing would be 1.4e-3.
    np.testing.assert_allclose(returns_of(name, params, 32), best, rtol=1e-4)


@pytest.mark.parametrize(("name", "params"), some(ON_AVERAGE), ids=ids(ON_AVERAGE))
def test_an_expert_earns_the_best_level_on_average(name, params):
    """Within four standard errors and half a percent, in 2,000 episodes."""
    episodes = 200 if "labyrinth" in name else 2000  # a maze each is slow
    check_mean(returns_of(name, params, episodes), envs.levels(name, params).best)


def test_every_expert_is_played():
    listed = {envs.spec(name).expert for name, _ in (*ALWAYS, *ON_AVERAGE)}
    everyone = {found for found in experts.TABLE.values() if found.plays}
    # Whose best level hangs on the world that is drawn: meta/test_experts.py and
    # meta/test_random_world.py.
    elsewhere = {experts.TABLE[name] for name in ("meta_tabular_mdp", "random_world")}
    assert everyone - listed == elsewhere


def test_the_first_of_the_best_is_taken():
    class Mine:
        def best_actions(self, state, params):
            return jnp.array([False, True, False, True])

    class Real:
        def expert_action(self, state, params):
            return jnp.array([0.5])

    found = expert(Mine())(None, None)
    assert found == 1 and found.dtype == jnp.int32
    assert expert(Real())(None, None) == 0.5 and best_actions(Real()) is None
    assert expert(object()) is None
    assert only(jnp.int32(2), 3).tolist() == [False, False, True]
    for none in (only(jnp.int32(3), 3), only(jnp.int32(1), 3, jnp.array(False))):
        assert none.tolist() == [True] * 3


def test_the_table_says_who_has_an_expert():
    """One environment of each line, and every name has a line."""
    seen = {}
    for name in envs.names():
        seen.setdefault(envs.spec(name).expert, name)
    assert set(seen) == set(experts.TABLE.values())
    for found, name in seen.items():
        if "MNIST" in name or found is experts.TABLE["custom"]:
            continue  # to be downloaded; to be given
        if found.plays is None and found is experts.TABLE["xland/"]:
            name = "gymnax/CartPole-v1"
        assert (envs.expert(name) is not None) == (found.plays is not None), name
    for alias, name in ALIASES.items():
        assert envs.spec(alias).expert is envs.spec(name).expert


def test_the_document_has_the_table():
    """`python -m envs.experts` prints what stands in docs/environments.md."""
    written = DOCUMENT.read_text().split("<!-- table -->\n")[1]
    assert experts.table() == written.split("\n<!-- end of table -->")[0]

"""What resets draw: the distributions that play from a given hidden state cannot see.

Every test has fixed keys, so none can fail by chance tomorrow; thresholds are those of
p = 1e-4 or wider.

Mutants seen to fail here: decks drawn with replacement, or only rotated; both decks of
CountRecall from one key; mines by independent coins; ships along rows only, or never
among the last placements; noise not clipped, of variance instead of deviation sigma,
from the key of the physics, or the same in every step; a CartPole started off centre.
"""

import jax
import numpy as np
import pytest
from scipy import stats

from envs import popgym
from tests.envs.popgym import figures, harness

DECKS = [
    name
    for name in figures.GAMES
    if popgym.TABLE[name].env_class.__name__
    in (
        *("Autoencode", "Concentration", "CountRecall"),
        *("HigherLower", "RepeatFirst", "RepeatPrevious"),
    )
    and "repeat_first_hard" not in name
]


def hidden_batch(name, number, seed=0):
    env, params = harness.make(name)
    keys = jax.random.split(jax.random.key(seed), number)
    draw = jax.jit(jax.vmap(lambda key: env.draw_hidden(key, params)))
    return env, harness.to_numpy(draw(keys))


@pytest.mark.parametrize("name", DECKS)
def test_decks_are_uniform_shuffles(name):
    env, hidden = hidden_batch(name, 1500)
    for decks in hidden.values():
        num_labels = int(decks.max()) + 1
        per_label = env.num_cards // num_labels
        counts = np.stack([(decks == i).sum(1) for i in range(num_labels)])
        assert (counts == per_label).all(), "a deck holds every label equally often"
        assert len(np.unique(decks, axis=0)) == len(decks), "keys give different decks"
        at = np.stack([(decks == i).sum(0) for i in range(num_labels)])
        p_values = stats.chisquare(at, axis=0).pvalue
        assert p_values.min() > 1e-4 / env.num_cards, "labels by position"
        # Neighbours are alike as often as two cards drawn without replacement.
        alike = (decks[:, ::2] == decks[:, 1::2]).sum(1)
        expected = (per_label - 1) / (env.num_cards - 1) * env.num_cards / 2
        error = alike.std() / np.sqrt(len(alike))
        assert abs(alike.mean() - expected) < 4 * error


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_value_and_query_decks_are_independent(level):
    _, hidden = hidden_batch(f"popgym_count_recall_{level}", 3000)
    values, queries = hidden["values"], hidden["queries"]
    num_types = int(values.max()) + 1
    agree = (values == queries).mean(1)
    error = agree.std() / np.sqrt(len(agree))
    assert abs(agree.mean() - 1 / num_types) < 4 * error
    table = np.zeros((num_types, num_types))
    np.add.at(table, (values[:, 0], queries[:, 0]), 1)
    assert stats.chi2_contingency(table).pvalue > 1e-4


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_mines_are_distinct_uniform_cells(level):
    env, hidden = hidden_batch(f"popgym_minesweeper_{level}", 10_000)
    mines = hidden["mines"].reshape(10_000, -1)
    assert (mines.sum(1) == env.num_mines).all()
    p = env.num_mines / env.cells
    z = (mines.mean(0) - p) / np.sqrt(p * (1 - p) / len(mines))
    # The cells' scores have one linear tie: they sum to zero.
    assert 0.7 < np.sqrt((z**2).mean()) < 1.35 and np.abs(z).max() < 4.5


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_fleets_are_placed_as_the_reference_places_them(level):
    from tests.envs.popgym import reference

    name = f"popgym_battleship_{level}"
    _, hidden = hidden_batch(name, 20_000)
    ours = hidden["board"].astype(int)
    env = reference.make(name)
    env.reset(seed=0)
    theirs = []
    for _ in range(5000):
        env.reset()
        theirs.append(env.board)
    theirs = np.stack(theirs).astype(int)
    assert (ours.sum((1, 2)) == 12).all()
    # Cell by cell, and how many neighbouring pairs of ship cells lie along each axis:
    # the shapes of the ships, their directions and how often they touch.
    for statistic in (lambda b: b.reshape(len(b), -1), _neighbours):
        a, b = statistic(ours), statistic(theirs)
        error = np.sqrt(a.var(0) / len(a) + b.var(0) / len(b))
        z = (a.mean(0) - b.mean(0)) / error
        assert np.abs(z).max() < 4.5
        if z.size > 10:
            assert 0.75 < np.sqrt((z**2).mean()) < 1.3


def _neighbours(board):
    along = (board[:, :, 1:] * board[:, :, :-1]).sum((1, 2))
    across = (board[:, 1:] * board[:, :-1]).sum((1, 2))
    return np.stack([along, across, along * across, along**2], axis=1)


@pytest.mark.parametrize("fleet", [(2, 3, 3, 4), (4, 2)])
def test_ships_are_straight_and_do_not_overlap(fleet):
    from envs.popgym.battleship import place_fleet

    keys = jax.random.split(jax.random.key(1), 500)
    boards = np.asarray(jax.vmap(lambda key: place_fleet(key, 8, fleet))(keys))
    assert (boards.sum((1, 2)) == sum(fleet)).all()


UNIFORM = {
    "position_only_cartpole": ("state", [(-0.05, 0.05)] * 4),
    "velocity_only_cartpole": ("state", [(-0.05, 0.05)] * 4),
    "noisy_position_only_cartpole": ("state", [(-0.05, 0.05)] * 4),
    "position_only_pendulum": ("state", [(-np.pi, np.pi), (-1, 1)]),
    "noisy_position_only_pendulum": ("state", [(-np.pi, np.pi), (-1, 1)]),
    "multiarmed_bandit": ("probs", [(0, 1)] * 10),
}


@pytest.mark.parametrize("family", UNIFORM)
def test_control_and_bandit_start_uniformly(family):
    _, hidden = hidden_batch(f"popgym_{family}_easy", 4000)
    key, ranges = UNIFORM[family]
    for column, (low, high) in zip(hidden[key].T, ranges, strict=True):
        test = stats.kstest(column, stats.uniform(low, high - low).cdf)
        assert test.pvalue > 1e-4
    check_uncorrelated(hidden[key])


@pytest.mark.parametrize("task", ["cartpole", "pendulum"])
@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_noise_is_gaussian_independent_and_clipped(task, level):
    name = f"popgym_noisy_position_only_{task}_{level}"
    env, params = harness.make(name)
    sigma = {"easy": 0.1, "medium": 0.2, "hard": 0.3}[level]
    number = 4000

    def two_steps(key):
        key_reset, *keys = jax.random.split(key, 3)
        hidden = env.draw_hidden(key_reset, params)
        obs, state = env.state_from(hidden, params)
        return hidden, obs, [env.draw(key, state, params) for key in keys]

    keys = jax.random.split(jax.random.key(5), number)
    hidden, obs, draws = harness.to_numpy(jax.vmap(two_steps)(keys))
    noise = [hidden["noise"][:, 0], *draws]
    for one in noise:
        for column in one.T:
            assert stats.kstest(column, stats.norm(0, sigma).cdf).pvalue > 1e-4
    check_uncorrelated(np.concatenate([hidden["state"], *noise], axis=1))

    high = np.asarray(env.bounds, np.float32)
    assert (np.abs(obs) <= high).all()
    true = hidden["state"][:, [0, 2]] if task == "cartpole" else _direction(hidden)
    above = stats.norm(0, sigma)
    p = above.sf(high - true) + above.cdf(-high - true)
    clipped = np.abs(obs) == high
    error = np.sqrt((p * (1 - p)).sum(0)) + 1e-9
    assert (np.abs(clipped.sum(0) - p.sum(0)) < 4 * error + 1).all()


def _direction(hidden):
    theta = hidden["state"][:, 0]
    return np.stack([np.cos(theta), np.sin(theta)], axis=1)


def check_uncorrelated(columns):
    correlation = np.corrcoef(columns, rowvar=False)
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 4.5 / np.sqrt(len(columns))

"""Task distributions: who may see which task, and how often.

| mutant | fails |
|---|---|
| held_out is the training part | disjoint_and_complete, the_same_everywhere |
| partition seeded with seed + 1 | the_same_everywhere |
| shifted keeps the training start | shifted_is_the_held_out |
| Dirichlet(1) for shifted | rows_are_dirichlet |
| shifted rates uniform in [0, 1] | rates_are_uniform |
"""

import re
from functools import partial

import jax
import numpy as np
import pytest
import scipy.stats

from envs.meta import cells
from envs.meta.bandit import BanditTasks
from envs.meta.dark_key_to_door import DarkKeyToDoorTasks
from envs.meta.dark_room import DarkRoomTasks
from envs.meta.tabular_mdp import TabularMDPTasks
from tests.envs.meta import play

SPLITS = ("train", "held_out", "shifted")


def as_set(rows):
    return {tuple(np.ravel(row).tolist()) for row in rows}


def members(distribution, split):
    if isinstance(distribution, DarkRoomTasks):
        return distribution.goals(split)
    return distribution.pairs(split)


@pytest.mark.parametrize(
    ("distribution", "count", "kept"),
    [(DarkRoomTasks(), 81, 65), (DarkKeyToDoorTasks(), 6561, 5249)],
)
def test_training_and_held_out_tasks_are_disjoint_and_complete(
    distribution, count, kept
):
    train, held_out = (as_set(members(distribution, s)) for s in SPLITS[:2])
    assert len(train) == kept and len(held_out) == count - kept
    assert not train & held_out and len(train | held_out) == count
    assert {c for task in train | held_out for c in task} == set(range(9))


def test_the_parts_are_the_same_everywhere_and_chosen_by_the_seed():
    """Golden: what a checkpoint was trained on must not change with the process."""
    held_out = cells.partition(81, held_out=0.2, seed=0)[1]
    assert held_out.tolist() == GOLDEN
    goals = DarkRoomTasks().goals("held_out")
    assert (goals[:, 0] * 9 + goals[:, 1]).tolist() == GOLDEN
    assert as_set(DarkRoomTasks(seed=1).goals("held_out")) != as_set(goals)


# numpy.random.RandomState(0).permutation(81)[65:], sorted.
GOLDEN = [9, 12, 21, 25, 36, 37, 39, 44, 46, 47, 58, 64, 65, 67, 70, 77]


@pytest.mark.thinned(4)
@pytest.mark.parametrize("distribution", [DarkRoomTasks(), DarkRoomTasks(size=5)])
@pytest.mark.parametrize("split", SPLITS)
def test_a_draw_is_uniform_over_its_split(distribution, split):
    goals = np.asarray(play.draw(distribution, split, 4000)["goal"])
    allowed = [tuple(goal) for goal in distribution.goals(split).tolist()]
    counts = {goal: 0 for goal in allowed}
    for goal in goals.tolist():
        counts[tuple(goal)] += 1  # a goal of another split is a KeyError
    assert scipy.stats.chisquare(list(counts.values())).pvalue > 1e-4


@pytest.mark.parametrize("split", SPLITS)
def test_a_pair_drawn_is_of_its_split(split):
    distribution = DarkKeyToDoorTasks()
    drawn = play.draw(distribution, split, 2000)
    pairs = np.stack([drawn["key"], drawn["door"]], axis=1)
    assert as_set(pairs) <= as_set(distribution.pairs(split))
    count = len(distribution.pairs(split))
    distinct = count * (1 - (1 - 1 / count) ** 2000)
    assert abs(len(as_set(pairs)) - distinct) < 0.05 * distinct
    # Key and door are each anywhere: neither the same cell always nor one of few.
    assert len(as_set(pairs[:, 0])) == len(as_set(pairs[:, 1])) == 81


@pytest.mark.thinned(2)
@pytest.mark.parametrize("distribution", [DarkRoomTasks(), DarkKeyToDoorTasks()])
def test_shifted_is_the_held_out_tasks_from_another_start(distribution):
    held_out, shifted = (members(distribution, s) for s in SPLITS[1:])
    np.testing.assert_array_equal(held_out, shifted)
    starts = [as_set(play.draw(distribution, s, 20)["start"]) for s in SPLITS]
    assert starts == [{(4, 4)}, {(4, 4)}, {(0, 0)}]


@pytest.mark.parametrize(
    ("split", "high"), [("train", 1), ("held_out", 1), ("shifted", 0.5)]
)
def test_rates_are_uniform_and_independent(split, high):
    probs = np.asarray(play.draw(BanditTasks(num_arms=4), split, 2000)["probs"])
    law = scipy.stats.uniform(0, high)
    assert scipy.stats.kstest(probs.ravel(), law.cdf).pvalue > 1e-4
    correlation = np.corrcoef(probs.T) - np.eye(4)
    assert np.abs(correlation).max() < 4.5 / np.sqrt(2000)


@pytest.mark.thinned(2)
@pytest.mark.parametrize(
    ("split", "concentration", "scale"),
    [("train", 1, 1), ("held_out", 1, 1), ("shifted", 0.1, 2)],
)
def test_rows_are_dirichlet_and_means_normal(split, concentration, scale):
    drawn = play.draw(TabularMDPTasks(), split, 100)
    rows = np.asarray(drawn["transition"]).reshape(-1, 10)
    np.testing.assert_allclose(rows.sum(-1), 1, atol=1e-5)
    entry = scipy.stats.beta(concentration, 9 * concentration)
    # Entries of one row are dependent: one of each. Float32 cannot hold the smallest.
    assert scipy.stats.kstest(rows[:, 3].clip(1e-30), entry.cdf).pvalue > 1e-4
    assert play.agrees(rows[:, 3] ** 2, entry.var() + entry.mean() ** 2)
    means = np.ravel(drawn["reward_mean"])
    law = scipy.stats.norm(1, scale)
    assert scipy.stats.kstest(means, law.cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", play.CASES)
def test_a_draw_is_a_function_of_its_key(name):
    distribution = play.CASES[name][1]()
    draw = jax.jit(distribution.draw, static_argnames="split")
    key = jax.random.key(5)
    eager, jitted = distribution.draw(key, "train"), draw(key, split="train")
    jax.tree.map(
        partial(np.testing.assert_allclose, rtol=1e-6, atol=1e-6), eager, jitted
    )
    other = distribution.draw(jax.random.key(6), "train")
    assert any((eager[field] != other[field]).any() for field in eager)
    with pytest.raises(ValueError, match="train, held_out, shifted; got 'test'"):
        distribution.draw(key, "test")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BanditTasks(shifted_high=2.0), "shifted_high must be in (0, 1]"),
        (lambda: TabularMDPTasks(shifted_concentration=0.0), "must be positive; got 0"),
        (lambda: DarkRoomTasks(start="corner"), "must differ; got 'corner' twice"),
        (lambda: DarkRoomTasks(start="middle"), "center, corner, random; got 'middle'"),
        (lambda: DarkRoomTasks(held_out=0.0), "held_out (0.0) must leave tasks"),
        (lambda: DarkKeyToDoorTasks(held_out=1.0), "held_out (1.0) must leave tasks"),
        (lambda: DarkKeyToDoorTasks(shifted_start="center"), "got 'center' twice"),
    ],
)
def test_a_distribution_refuses_what_it_cannot_be(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()

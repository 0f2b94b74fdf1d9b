"""What is found of arrays that are known beforehand.

| mutant | fails |
|---|---|
| the imaginary part is added and not taken away | test_shares_are_those_of_the_parts |
| moments about zero | test_shares_are_those_of_the_parts |
| own shares weighted by the state alone | test_shares_are_those_of_the_parts |
| the probe is tested on its training half | test_labels_of_others_are_read_by_chance |
| ended episodes count | test_what_is_kept_is_read_* |
| deviations of all lanes, ended ones too | test_what_is_kept_is_read_* |
| the largest ridge, always | test_the_ridge_is_what_leaving_out_chooses |
| the typical half-life of unsorted states | test_half_of_the_shares_* |
| lag counted from the observation's step | test_lags_are_means_over_pairs |
| pairs of ended episodes count | test_lags_are_means_over_pairs |
| a component that never differs is a bit | test_bits_are_what_differs |
| a step after the first reset is inside | test_the_first_episode_is_cut_out |
| every stride is seen one step later | test_memory_is_seen_after_every_stride |
"""

from types import SimpleNamespace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest

from experiment.inside import bits, lags, played, probe, states, tables


class Recording(NamedTuple):
    obs: Any
    reset: Any = None
    action: Any = None
    hidden: Any = None


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def complexes(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def test_shares_are_those_of_the_parts(rng):
    """Beside parts that are made one by one."""
    x = complexes(rng, 50, 3) @ complexes(rng, 3, 3) + 5  # correlated, off zero
    c = complexes(rng, 3, 4) * np.array([[1.0], [0.1], [3.0]])
    own, joint, overlap = states.shares(x, c)
    parts = np.real(x[:, :, None] * c[None])  # [M, P, H]
    alone = parts.var(0).sum(-1)
    y = parts.sum(1)
    np.testing.assert_allclose(own, alone / alone.sum())
    with_y = ((parts - parts.mean(0)) * (y - y.mean(0))[:, None]).mean(0).sum(-1)
    np.testing.assert_allclose(joint, with_y / y.var(0).sum())
    np.testing.assert_allclose(joint.sum(), 1)
    np.testing.assert_allclose(overlap, alone.sum() / y.var(0).sum())


def test_states_that_never_change_have_no_share():
    own, joint, overlap = states.shares(np.ones((5, 2), complex), np.ones((2, 3)))
    assert not own.any() and not joint.any() and overlap == 1


def test_half_of_the_shares_lie_below_the_typical_half_life():
    own = np.array([0.3, 0.25, 0.45])
    found = states.States(np.array([9.0, 1.0, 4.0]), own, own, own, 1.0)
    assert found.typical == 4 and found.beyond(4) == 0.3


def memory(rng, kept, step, num_episodes):
    """Eight numbers, one of which holds a bit until step 2, and another memory."""
    noise = rng.normal(size=(num_episodes, 7))
    bit = kept if step < 2 else rng.normal(size=num_episodes)
    wide = np.column_stack([noise, bit])
    return {"a": jnp.asarray(wide), "b": jnp.asarray(1j * noise[:, :2])}


def probed(rng, num_episodes=160):
    kept = rng.random(num_episodes) < 0.5
    inside = np.ones((3, num_episodes), bool)
    inside[1:, ::5] = False
    grams = []
    for step in range(3):
        carry = memory(rng, kept, step, num_episodes)
        # What stands in an episode that has ended is another's.
        carry["a"] = jnp.where(inside[step][:, None], carry["a"], 1e6)
        grams.append(np.asarray(probe.products(carry, jnp.asarray(inside[step]))))
    return probe.read_out(np.stack(grams), inside, kept[:, None]), kept


def test_what_is_kept_is_read_and_what_is_lost_is_not(rng):
    found, kept = probed(rng)
    np.testing.assert_array_equal(found.accuracy[:2], 1)
    assert found.accuracy[2] < 0.7
    assert found.episodes.tolist() == [80, 64, 64]
    share = kept[80:].mean()
    np.testing.assert_allclose(found.chance[0], max(share, 1 - share))


def test_labels_of_others_are_read_by_chance(rng):
    """However well they are learned by heart: here are more numbers than episodes."""
    memory = rng.normal(size=(400, 300))
    labels = rng.random((400, 3)) < 0.5
    gram, inside = (memory @ memory.T)[None], np.ones((1, 400), bool)
    found = probe.read_out(gram, inside, labels)
    assert (np.abs(found.accuracy - 0.5) < 0.15).all()
    assert (np.abs(found.shuffled - 0.5) < 0.15).all()
    known = memory @ rng.normal(size=(300, 3)) > 0
    known = probe.read_out(gram, inside, known)
    assert (known.accuracy > 0.65).all() and (np.abs(known.shuffled - 0.5) < 0.15).all()


def test_of_too_few_episodes_nothing_is_said(rng):
    labels = rng.random((20, 1)) < 0.5
    gram, inside = np.eye(20)[None], np.ones((1, 20), bool)
    inside[:, 14:] = False
    found = probe.read_out(gram, inside, labels)
    assert np.isnan(found.accuracy).all() and np.isnan(found.chance).all()


def test_the_ridge_is_what_leaving_out_chooses(rng):
    """By training anew without each episode."""
    x = rng.normal(size=(12, 5))
    y = np.sign(x[:, :1]) + rng.normal(size=(12, 2))
    gram = x @ x.T / 5
    scale = gram.trace() / 12
    weights = []
    for ridge in probe.RIDGES * scale:
        errors = np.zeros(2)
        for i in range(12):
            rest = np.arange(12) != i
            inner = gram[np.ix_(rest, rest)] + ridge * np.eye(11)
            errors += (y[i] - gram[i, rest] @ np.linalg.solve(inner, y[rest])) ** 2
        whole = np.linalg.solve(gram + ridge * np.eye(12), y)
        weights.append((errors, whole))
    best = [min(weights, key=lambda one, i=i: one[0][i])[1][:, i] for i in range(2)]
    np.testing.assert_allclose(probe._fitted(gram, y), np.stack(best, 1), rtol=1e-5)
    assert not np.allclose(weights[-1][1], np.stack(best, 1))


def test_lags_are_means_over_pairs():
    """g is 10 * its decision + its observation, and nonsense of what cannot be."""
    steps, inside = np.array([0, 2, 3]), np.ones((4, 2), bool)
    inside[3, 1] = False  # the second episode took three steps
    sizes = np.full((3, 4, 2), 1e6)
    for q, t in enumerate(steps):
        for j in range(t + 1):
            sizes[q, j, inside[t]] = 10 * t + j
    found = lags.by_lag(sizes, steps, inside)
    assert found.pairs.tolist() == [5, 3, 3, 1]
    means = np.array([(2 * 22 + 33) / 5, (2 * 21 + 32) / 3, (2 * 20 + 31) / 3, 30])
    np.testing.assert_allclose(found.density, means / means.sum())
    assert found.map[1, 1] == 21 and np.isnan(found.map[0, 1])
    assert found.median == 2


def test_bits_are_what_differs():
    """Two-valued ones first; what says the same, or never differs, is none."""
    half = np.arange(20) % 2
    hidden = np.stack([np.ones(20), half, np.arange(20) / 7], axis=1)
    obs = {"a": np.stack([(1 - half)[:, None]] * 3), "b": np.arange(20)[None] % 4 + 3}
    found = bits.bits(Recording(obs=obs, hidden=hidden))
    assert [bit.name for bit in found] == [
        "hidden 1",
        "seen b/0 ≥ 5",
        "hidden 2 ≥ 1.36",
    ]
    np.testing.assert_array_equal(found[0].values, half == 1)
    np.testing.assert_array_equal(found[1].values, np.arange(20) % 4 >= 2)


def test_the_first_episode_is_cut_out():
    reset = np.zeros((6, 3), bool)
    reset[0] = reset[2, 0] = reset[4, 1] = reset[3, 2] = True
    obs = {"x": jnp.arange(18).reshape(6, 3)}
    found = played.first_episodes(Recording(obs, jnp.asarray(reset), obs["x"]))
    assert found.inside.sum(0).tolist() == [2, 4, 3] and found.cut == 0
    assert found.recording.obs["x"].shape == found.recording.action.shape == (4, 3)
    reset[4, 1] = False
    assert played.first_episodes(Recording(obs, jnp.asarray(reset), obs["x"])).cut == 1


def test_memory_is_seen_after_every_stride():
    """A memory that adds up what it reads, and is cleared by resets."""

    def act(learner, carry, obs, reset, key, greedy):
        return jnp.where(reset, 0, carry) + learner * obs, None

    agent = SimpleNamespace(act=act, initial_carry=lambda n: jnp.zeros(n))
    obs = jnp.arange(14.0).reshape(7, 2)
    reset = jnp.zeros((7, 2), bool).at[5, 1].set(True)
    inside = jnp.arange(7)[:, None] < jnp.array([[7, 5]])
    seen, there = played.walk(
        *(agent, 2.0, Recording(obs, reset), inside),
        stride=3,
        see=lambda carry, inside: (carry, inside),
    )
    want = 2 * np.cumsum(np.asarray(obs), axis=0)[::3]
    want[2, 1] = 2 * (11 + 13)
    np.testing.assert_allclose(seen, want)
    np.testing.assert_array_equal(there, inside[::3])


def test_the_interval_of_a_share():
    """Ten of ten: z^2 / (n + z^2) is left out below (Wilson, 1927)."""
    low, high = tables.wilson(1.0, 10)
    np.testing.assert_allclose([low, high], [1 - 3.8415 / 13.8415, 1], rtol=1e-4)
    assert np.isnan(tables.wilson(0.5, 0)).all()

"""T-Maze: what is seen, paid and drawn, against its rules written once more in Python.

Mutants, and the test that fails for each:

    the cue all along the corridor              by_the_rules, seen_once, no_more
    the cue at every visit to the oracle        by_the_rules[active], seen_once
    the cue at an active agent's start          by_the_rules[active], seen_once
    the other side's cue                        by_the_rules, seen_once, remembers
    the junction's flag a cell early            by_the_rules, no_more
    the junction's flag in an arm               by_the_rules
    the junction's flag says the length         by_the_rules, no_more
    every turn to the right pays                by_the_rules, without_memory
    1 or 0 is paid                              by_the_rules, without_memory, no_more
    a turn anywhere ends the episode            by_the_rules, no_more
    a passive agent has to walk                 by_the_rules, no_more
    no wall behind the oracle                   by_the_rules[active]
    the way to the junction counts from 0       by_the_rules (the Markov state)
    a clock that cuts a turn, or cuts late      by_the_rules
    no steps beside the shortest way            as_many_steps_again
    the limit of the default length             as_many_steps_again, hundred_thousand
    the largest length never comes              have_their_law
    the logarithmic law is uniform              have_their_law
    its draws are not clipped                   longest_corridors
    no bound on the length                      longest_corridors
    one corridor for all episodes               of_its_own, have_their_law
    the side follows from the length            fair_coin
    the side is 1 in 60 of 100 episodes         fair_coin, without_memory
    the arm, or the cue, is not drawn           follows_the_state
    limit or law not checked                    is_refused
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from tests.envs.t_maze_rules import (
    BACK,
    FORWARD,
    LEFT,
    Maze,
    N,
    T,
    at_random,
    forgetful,
    forwards,
    played,
    remembering,
)

pytestmark = pytest.mark.usefixtures("quick_compilation")

CASES = {
    "passive": dict(length_max=9),
    "active": dict(length_max=4, active=True),
    "log law": dict(length_min=3, length_max=9, length_law="log_uniform"),
    "active and late": dict(length_max=4, active=True, max_steps_in_episode=7),
}


@pytest.mark.thinned(2)
@pytest.mark.parametrize("case", CASES)
def test_it_is_played_by_the_rules(case):
    active = CASES[case].get("active", False)
    got = played(forwards, **CASES[case])
    final, hidden = got.info["final_observation"], got.info["final_markov_state"]
    mine, theirs = [], []
    for lane, first, last in got.episodes():
        length, side = got.state.length[first, lane], got.state.side[first, lane]
        maze = Maze(int(length), int(side), got.params, active)
        assert got.obs[first, lane].tolist() == list(maze.seen)
        for t in range(first, last + 1):
            obs, reward, stops, cut = maze.step(got.action[t, lane])
            assert final[t, lane].tolist() == list(obs)
            assert reward == got.reward[t, lane]
            assert (stops, cut) == (got.terminated[t, lane], got.truncated[t, lane])
            mine.append(hidden[t, lane])
            theirs.append(maze.markov_state())
        assert stops or cut
    np.testing.assert_allclose(mine, theirs, 1e-6, 1e-6)
    goes_on = ~(got.terminated | got.truncated)
    np.testing.assert_array_equal(got.after[goes_on], final[goes_on])
    # It was played: episodes that end in either way where both can.
    assert got.terminated.sum() > N and got.truncated.any() == active


def test_a_passive_episode_shows_cue_corridor_and_junction_and_no_more():
    """Nothing in the corridor tells one episode, cell or cue from another."""
    got, lengths = played(at_random, **CASES["passive"]), set()
    for lane, first, last in got.episodes():
        length = got.state.length[first, lane]
        assert last - first == length  # so many steps, and the turn
        assert got.obs[first, lane].tolist() == [got.state.side[first, lane], 0]
        assert got.obs[last, lane].tolist() == [0, 1]
        assert not got.obs[first + 1 : last, lane].any()
        assert not got.reward[first:last, lane].any()
        assert abs(got.reward[last, lane]) == 1
        lengths.add(int(length))
    assert lengths == set(range(1, 10)) and not got.truncated.any()


@pytest.mark.parametrize("case", CASES)
def test_the_cue_is_seen_once_and_right(case):
    got, seen = played(forwards, **CASES[case]), set()
    final = got.info["final_observation"]
    for lane, first, last in got.episodes():
        shown = np.append(got.obs[first : last + 1, lane, 0], final[last, lane, 0])
        assert set(shown[shown != 0]) <= {float(got.state.side[first, lane])}
        seen.add(np.count_nonzero(shown))
    assert seen == ({0, 1} if "active" in case else {1})


@pytest.mark.parametrize("active", [False, True])
def test_play_that_remembers_the_cue_earns_one_on_the_shortest_way(active):
    got = played(remembering, active=active, length_max=20)
    for lane, first, last in got.episodes():
        assert got.reward[first : last + 1, lane].sum() == 1
        way = got.state.length[first, lane] + (3 if active else 1)
        assert last - first + 1 == way <= got.params.max_steps_in_episode
    assert got.terminated.sum() > N and not got.truncated.any()


@pytest.mark.thinned(2)
@pytest.mark.parametrize("active", [False, True])
@pytest.mark.parametrize("policy", [at_random, forgetful])
def test_play_without_memory_earns_nothing_on_average(policy, active):
    got = played(policy, steps=600, active=active, length_max=4)
    count = (got.terminated | got.truncated).sum()
    assert set(np.unique(got.reward)) == {-1.0, 0.0, 1.0}
    assert abs(got.reward.sum() / count) < 4 / count**0.5


def test_the_limit_leaves_an_active_agent_as_many_steps_again():
    for params, limit in (
        ({"length_max": 100}, 101),
        ({"length_max": 100, "active": True}, 206),
        ({"length_max": 100, "max_steps_in_episode": 150}, 150),
    ):
        assert envs.make("t_maze", **params)[1].max_steps_in_episode == limit


def test_the_side_is_a_fair_coin_at_every_length():
    for length, sides in drawn("uniform", 1, 5).items():
        assert abs(np.mean(sides)) < 4 / len(sides) ** 0.5, length


def drawn(law, least, most, count=20_000):
    """Sides by length, of as many resets."""
    env, params = envs.make("t_maze", length_law=law, length_min=least, length_max=most)
    keys = jax.random.split(jax.random.key(1), count)
    _, state = jax.jit(jax.vmap(env.reset, (0, None)))(keys, params)
    length, side = np.asarray(state.length), np.asarray(state.side)
    return {int(n): side[length == n] for n in np.unique(length)}


@pytest.mark.thinned(3)
@pytest.mark.parametrize("law", ["uniform", "log_uniform"])
@pytest.mark.parametrize(("least", "most"), [(1, 7), (5, 9), (3, 3), (1, 100)])
def test_lengths_have_their_law_and_all_of_them_come(law, least, most):
    count, found = 20_000, drawn(law, least, most)
    assert set(found) == set(range(least, most + 1))
    for n, sides in found.items():
        share = 1 / (most - least + 1)
        if law == "log_uniform":
            share = math.log((n + 1) / n) / math.log((most + 1) / least)
        error = (share * (1 - share) / count) ** 0.5
        assert abs(len(sides) / count - share) < 5 * error + 1e-9, n


def test_the_longest_corridors_that_there_are_stay_within_their_bounds():
    most = 2**30 - 4
    for law in ("uniform", "log_uniform"):
        found = drawn(law, most - 1, most, count=200)
        assert set(found) <= {most - 1, most}, law
    with pytest.raises(ValueError, match="length_max must fit in an integer, at most"):
        envs.make("t_maze", length_max=most + 1)


def test_each_episode_draws_a_corridor_of_its_own():
    got = played(at_random, **CASES["passive"])
    pairs = {
        (got.state.length[first, lane], got.state.length[last + 1, lane])
        for lane, first, last in got.episodes()
        if last + 1 < T
    }
    assert len(pairs) == 81  # each length follows on each


def test_a_hundred_thousand_steps_need_no_more_memory_than_one():
    env, params = envs.make("t_maze", length_min=100_000, length_max=100_000)
    short, _ = envs.make("t_maze", length_max=1)
    start = jax.eval_shape(env.reset, jax.random.key(0), params)
    assert start == jax.eval_shape(short.reset, jax.random.key(0), params)
    assert all(x.shape == () for x in jax.tree.leaves(start[1]))

    def step(now):
        obs, state, memory, *_ = now
        memory, action = remembering(memory, obs, None, 2)
        obs, state, reward, terminated, truncated, _ = env.step(
            jax.random.key(0), state, action, params
        )
        return obs, state, memory, now[3] + 1, reward, terminated, truncated

    @jax.jit
    def episode(key):
        no = jnp.array(False)
        start = (*env.reset(key, params), jnp.zeros(()), 0, jnp.zeros(()), no, no)
        return jax.lax.while_loop(lambda now: ~(now[5] | now[6]), step, start)[3:]

    for seed in range(3):
        assert [float(x) for x in episode(jax.random.key(seed))] == [100_001, 1, 1, 0]


def test_a_drawing_follows_the_state():
    env, params = envs.make("t_maze", active=True, length_min=3, length_max=3)
    key = jax.random.key(0)
    _, state = env.reset_env(key, params)
    states = [state]
    for action in (BACK, FORWARD, FORWARD, FORWARD, FORWARD, LEFT):
        states.append(env.step_env(key, states[-1], action, params)[1])
    states.append(states[1].replace(cue=np.int32(0)))  # at the oracle once more
    pictures = [env.render(state, params) for state in states]
    assert pictures[0].dtype == np.uint8 and pictures[0].shape == (320, 320, 3)
    same = [
        (i, j)
        for j in range(len(pictures))
        for i in range(j)
        if (pictures[i] == pictures[j]).all()
    ]
    assert same == [(0, 2)]  # at the start again


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"length_min": 0}, "length_min must be positive; got 0"),
        (
            {"length_min": 9, "length_max": 8},
            r"length_max \(8\) must be at least length_min \(9\)",
        ),
        (
            {"length_max": 9, "max_steps_in_episode": 9},
            r"length_max \(9\) does not fit in max_steps_in_episode \(9\).* step 10",
        ),
        (
            {"length_max": 9, "max_steps_in_episode": 11, "active": True},
            r"length_max \(9\) does not fit in max_steps_in_episode \(11\).* step 12",
        ),
        ({"length_law": "log"}, "one of uniform, log_uniform; got 'log'"),
        ({"active": 1}, "active must be true or false"),
    ],
)
def test_what_cannot_be_played_is_refused(params, words):
    with pytest.raises(ValueError, match=words):
        envs.make("t_maze", **params)

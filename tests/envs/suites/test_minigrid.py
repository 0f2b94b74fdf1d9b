"""What ends an episode of MiniGrid's Empty-5x5, by hand, in both suites that port it.

Mutants, and the test that fails for each:

    every end terminates             clock_truncates
    the suite keeps its own limit    limit_that_counts
"""

from importlib.util import find_spec

import numpy as np
import pytest

import envs
from envs.suites.table import SUITES
from tests.envs.suites import beside

pytestmark = [
    pytest.mark.suites,
    pytest.mark.lenient,  # the suites promote ranks in their own code
    pytest.mark.usefixtures("quick_compilation"),
]

EMPTY = {
    "navix": ("navix/Navix-Empty-5x5-v0", dict(penality_coeff=0.9)),
    "xland": ("xland/MiniGrid-Empty-5x5", {}),
}
FORWARD = {"navix": 2, "xland": 0}
RIGHT = 1  # in both


def to_the_goal(suite):
    forward = FORWARD[suite]
    return [forward, forward, RIGHT, forward, forward]


@pytest.fixture(params=EMPTY)
def suite(request):
    if find_spec(SUITES[request.param].package) is None:
        pytest.skip(f"needs the extra {request.param}")
    return request.param


def make(suite, limit):
    name, chosen = EMPTY[suite]
    return envs.make(name, max_steps_in_episode=limit, **chosen)


def test_the_goal_terminates_and_does_not_truncate(suite):
    *before, last = beside.steps_of(*make(suite, 15), to_the_goal(suite))
    assert all(tuple(row) == (0.0, False, False) for row in before)
    assert tuple(last[1:]) == (True, False)
    np.testing.assert_allclose(last[0], 1 - 0.9 * 5 / 15, rtol=1e-6)


def test_the_goal_in_the_last_step_is_both(suite):
    rows = beside.steps_of(*make(suite, 5), to_the_goal(suite))
    assert tuple(rows[-1][1:]) == (True, True)


def test_the_clock_truncates_and_does_not_terminate(suite):
    rows = beside.steps_of(*make(suite, 3), [RIGHT] * 6)
    assert [bool(row[1]) for row in rows] == [False] * 6
    assert [bool(row[2]) for row in rows] == [False, False, True] * 2


def test_the_limit_that_counts_is_the_one_in_the_reward(suite):
    env, params = make(suite, 15)
    params = params.replace(max_steps_in_episode=10)
    reward, terminated, _ = beside.steps_of(env, params, to_the_goal(suite))[-1]
    assert terminated
    np.testing.assert_allclose(reward, 1 - 0.9 * 5 / 10, rtol=1e-6)

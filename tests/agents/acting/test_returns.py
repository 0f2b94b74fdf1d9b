"""Advantages: the backward scan against the definition, at every kind of boundary.

Mutants, and the test that fails for each:

    truncated treated as terminated    forward_view, by_hand
    both at once treated as truncated  forward_view, may_be_nan
    mask shifted by a step             forward_view, by_hand, flows_back
    advantage flows over a truncation  forward_view, flows_back

and of returns:

    truncated treated as terminated            table_of_boundaries
    lambda kept at an end                      table_of_boundaries, may_be_nan
    lambda kept at the last step               table_of_boundaries
    the discount of another step               table_of_boundaries
    a termination multiplied, not selected     may_be_nan
"""

import jax.numpy as jnp
import numpy as np
import pytest

from agents.acting.returns import gae, lambda_returns

T, B = 9, 3
KW = dict(discount=0.9, lambda_=0.8)
FLAGS = ("terminated", "truncated")


@pytest.fixture
def rollout():
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(T, B)) for name in ("reward", "value")}
    arrays["next_value"] = rng.normal(size=(T, B))
    flags = {name: np.zeros((T, B), bool) for name in FLAGS}
    return {**arrays, **flags}


def forward_view(
    reward, value, next_value, terminated, truncated, *, discount, lambda_
):
    """Sum of (discount * lambda)^k delta[t+k], stopping at the first boundary."""
    out = np.zeros((T, B))
    for b in range(B):
        for t in range(T):
            weight = 1.0
            for k in range(t, T):
                bootstrap = 0.0 if terminated[k, b] else next_value[k, b]
                delta = reward[k, b] + discount * bootstrap - value[k, b]
                out[t, b] += weight * delta
                if terminated[k, b] or truncated[k, b]:
                    break
                weight *= discount * lambda_
    return out


def scanned(rollout, **kwargs):
    arrays = {
        name: jnp.asarray(x, bool if name in FLAGS else jnp.float32)
        for name, x in rollout.items()
    }
    return gae(**{**KW, **arrays, **kwargs})


@pytest.mark.parametrize("step", [0, 3, T - 1], ids=["first", "inside", "last"])
@pytest.mark.parametrize("boundary", ["none", "terminated", "truncated", "both"])
def test_the_backward_scan_equals_the_forward_view(rollout, boundary, step):
    for name in FLAGS if boundary == "both" else (boundary,):
        if boundary != "none":
            rollout[name][step, 0] = True
    want = forward_view(**rollout, **KW)
    np.testing.assert_allclose(scanned(rollout), want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_the_backward_scan_equals_the_forward_view_for_any_flags(rollout, seed):
    rng = np.random.default_rng(seed)
    for name in FLAGS:
        rollout[name] = rng.random((T, B)) < 0.3
    want = forward_view(**rollout, **KW)
    np.testing.assert_allclose(scanned(rollout), want, rtol=1e-5, atol=1e-5)


def test_two_episodes_worked_by_hand(rollout):
    # Two episodes of two steps, reward 1 at the end, V = 0.5 everywhere. With
    # discount 1 and lambda 1 an advantage is the return to come minus 0.5; the second
    # episode is cut by the clock, so its return goes on with 0.5.
    column = np.array([[0.0], [1.0], [0.0], [1.0]])
    ends = column == 1
    advantage = gae(
        reward=jnp.array(column),
        value=jnp.full((4, 1), 0.5),
        next_value=jnp.full((4, 1), 0.5),
        terminated=jnp.array(ends & (np.arange(4) < 2)[:, None]),
        truncated=jnp.array(ends & (np.arange(4) >= 2)[:, None]),
        discount=1.0,
        lambda_=1.0,
    )
    np.testing.assert_allclose(advantage[:, 0], [0.5, 0.5, 1.0, 1.0])


@pytest.mark.parametrize("boundary", FLAGS)
def test_nothing_flows_back_over_a_boundary(rollout, boundary):
    rollout[boundary][4] = True
    before = scanned(rollout)
    for name in ("reward", "value", "next_value"):
        rollout[name][5:] += 100
    np.testing.assert_array_equal(scanned(rollout)[:5], before[:5])


def test_what_follows_a_termination_may_be_nan(rollout):
    rollout["terminated"][4] = rollout["truncated"][4, 0] = True
    rollout["next_value"][4] = np.nan
    assert np.isfinite(scanned(rollout)).all()


def test_lambda_zero_is_one_step_and_lambda_one_is_the_whole_return(rollout):
    one_step = rollout["reward"] + 0.9 * rollout["next_value"] - rollout["value"]
    np.testing.assert_allclose(
        scanned(rollout, lambda_=0.0), one_step, rtol=1e-5, atol=1e-6
    )
    total = rollout["next_value"][-1]
    for t in reversed(range(T)):
        total = rollout["reward"][t] + 0.9 * total
    # With lambda 1 the values in between cancel, if each step's next_value is the
    # next step's value, as it is inside an episode.
    rollout["next_value"][:-1] = rollout["value"][1:]
    first = scanned(rollout, lambda_=1.0)[0]
    np.testing.assert_allclose(first, total - rollout["value"][0], rtol=1e-4)


def test_flags_that_are_not_bool_are_refused(rollout):
    arrays = {name: jnp.asarray(x, jnp.float32) for name, x in rollout.items()}
    with pytest.raises(AssertionError, match="bool"):
        gae(**arrays, **KW)


def test_a_shifted_value_array_is_refused(rollout):
    rollout["next_value"] = rollout["next_value"][1:]
    with pytest.raises(AssertionError):
        scanned(rollout)


def forward_view_returns(reward, after, terminated, truncated, *, discount, lambda_):
    """The mean of n-step returns, weighted by lambda to the n, in float64.

    G[t] = (1 - l) sum over n < N of l^(n-1) G[t, n], plus l^(N-1) G[t, N], where an
    N-step return reaches the episode's end or the last step there is.
    """
    out = np.zeros(reward.shape)
    for t, b in np.ndindex(reward.shape):
        rewards, worth, mean, weight = 0.0, 1.0, 0.0, 1.0
        for k in range(t, len(reward)):
            rewards += worth * reward[k, b]
            worth *= discount[k, b]
            n_step = rewards + (0.0 if terminated[k, b] else worth * after[k, b])
            if terminated[k, b] or truncated[k, b] or k == len(reward) - 1:
                out[t, b] = mean + weight * n_step
                break
            mean += (1 - lambda_) * weight * n_step
            weight *= lambda_
    return out


@pytest.fixture
def steps(rollout):
    """A rollout without values of its own, of steps that are worth unlike much."""
    del rollout["value"]
    discount = np.random.default_rng(1).choice([0.0, 0.45, 0.9], (T, B))
    return {**rollout, "discount": discount}


def returned(steps, lambda_):
    arrays = {
        name: jnp.asarray(x, bool if name in FLAGS else jnp.float32)
        for name, x in steps.items()
    }
    return np.asarray(lambda_returns(**arrays, lambda_=lambda_))


def forward(steps, lambda_):
    named = {
        ("after" if name == "next_value" else name): x for name, x in steps.items()
    }
    return forward_view_returns(**named, lambda_=lambda_)


@pytest.mark.thinned(6)
@pytest.mark.parametrize("continuation", [0.0, 0.5, 1.0, None])
@pytest.mark.parametrize("step", [0, 3, T - 1], ids=["first", "inside", "last"])
@pytest.mark.parametrize("boundary", ["none", "terminated", "truncated", "both"])
def test_returns_by_a_table_of_boundaries(steps, boundary, step, continuation):
    for name in FLAGS if boundary == "both" else (boundary,):
        if boundary != "none":
            steps[name][step, 0] = True
    if continuation is not None:
        steps["discount"][:] = 0.9 * continuation
    for lambda_ in (0.0, 0.8, 1.0):
        np.testing.assert_allclose(
            returned(steps, lambda_), forward(steps, lambda_), rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("seed", range(4))
def test_returns_for_any_flags(steps, seed):
    rng = np.random.default_rng(seed)
    for name in FLAGS:
        steps[name] = rng.random((T, B)) < 0.3
    np.testing.assert_allclose(
        returned(steps, 0.8), forward(steps, 0.8), rtol=1e-5, atol=1e-5
    )


def test_a_return_is_a_value_and_its_advantage(steps):
    """Where what follows is worth the next step's value, both ways say the same."""
    value = np.random.default_rng(2).normal(size=(T, B))
    steps["next_value"][:-1] = value[1:]
    steps["truncated"][3], steps["terminated"][5, 1] = True, True
    want = value + scanned({**steps, "value": value})
    np.testing.assert_allclose(returned(steps, KW["lambda_"]), want, atol=1e-5)


def test_what_follows_an_end_does_not_reach_a_return(steps):
    steps["terminated"][4] = True
    steps["next_value"][4] = np.nan
    before = returned(steps, 0.8)
    steps["reward"][5:] = np.nan
    np.testing.assert_array_equal(returned(steps, 0.8)[:5], before[:5])
    assert np.isfinite(before).all()

"""The four base environments keep gymnax's contract and hold their task in the params.

| mutant | fails |
|---|---|
| a reward with an axis | keeps_the_contract |
| markov_state leaves out the goal | a_critic_is_told_the_task |
| the clock is not advanced | ends_by_its_clock |
| reset_env ignores params.start | starts_where_its_task_says |
| the agent is not drawn | a_picture_shows |
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.contract import check as contract
from tests.envs.meta import play

pytestmark = pytest.mark.usefixtures("quick_compilation")


def make(name):
    env_class, tasks_class = play.CASES[name]
    env = env_class()
    return env, env.default_params, tasks_class()


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", play.CASES)
def test_it_keeps_the_contract_under_every_split(name):
    env, params, tasks = make(name)
    contract.check(env, params)
    forms = set()
    for split in ("train", "held_out", "shifted"):
        task = jax.tree.map(lambda x: x[0], play.draw(tasks, split, 2))
        changed = params.replace(**task)
        contract.check(env, changed)
        # Only then can a wrapper put a task of any split where another was.
        assert jax.tree.structure(changed) == jax.tree.structure(params)
        forms.add(str(jax.tree.map(lambda x: (x.shape, x.dtype.name), task)))
        default = {field: getattr(params, field) for field in task}
        forms.add(str(jax.tree.map(lambda x: (x.shape, x.dtype.name), default)))
    assert len(forms) == 1
    assert env.num_actions == env.action_space(params).n


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", play.CASES)
def test_a_trial_ends_by_its_clock_and_the_next_begins(name):
    env, params, _ = make(name)
    limit = int(params.max_steps_in_episode)
    first, state = env.reset(jax.random.key(0), params)
    space, step = env.observation_space(params), jax.jit(env.step)
    for t in range(2 * limit):
        key = jax.random.key(t)
        # Standing still in the room reaches neither key nor goal.
        obs, next_state, _, terminated, truncated, info = step(key, state, 0, params)
        final, stepped, *_ = env.step_env(jax.random.split(key)[0], state, 0, params)
        np.testing.assert_array_equal(info["final_observation"], final)
        np.testing.assert_allclose(
            info["final_markov_state"], env.markov_state(stepped, params), rtol=1e-6
        )
        assert bool(truncated) == ((t + 1) % limit == 0) and not terminated
        np.testing.assert_array_equal(obs, first if truncated else final)
        assert int(next_state.time) == (t + 1) % limit
        assert space.contains(obs) and obs.shape == space.shape
        state = next_state


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", play.CASES)
def test_a_critic_is_told_the_task(name):
    """Two tasks that differ look alike to the agent, and not to the Markov state."""
    env, params, tasks = make(name)
    drawn = play.draw(tasks, "train", 2)
    seen, known = [], []
    for i in range(2):
        changed = params.replace(**jax.tree.map(lambda x, i=i: x[i], drawn))
        obs, state = env.reset(jax.random.key(0), changed)
        seen.append(obs)
        known.append(env.markov_state(state, changed))
        assert known[-1].dtype == jnp.float32 and known[-1].ndim == 1
    np.testing.assert_array_equal(*seen)
    assert (known[0] != known[1]).any()


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", play.CASES)
def test_tasks_may_differ_between_lanes(name):
    """A batch of tasks equals the tasks played alone."""
    env, params, tasks = make(name)
    drawn = [play.draw(tasks, split, 2) for split in ("train", "shifted")]
    drawn = jax.tree.map(lambda *x: jnp.concatenate(x), *drawn)
    keys = jax.random.split(jax.random.key(3), 4)

    def two_steps(key, task):
        changed = params.replace(**task)
        obs, state = env.reset(key, changed)
        out = [obs]
        for _ in range(2):
            obs, state, reward, *_ = env.step(key, state, 1, changed)
            out += [obs, reward]
        return out

    batched, one = jax.jit(jax.vmap(two_steps))(keys, drawn), jax.jit(two_steps)
    for i in range(4):
        alone = one(keys[i], jax.tree.map(lambda x, i=i: x[i], drawn))
        for mine, theirs in zip(batched, alone, strict=True):
            np.testing.assert_allclose(mine[i], theirs, rtol=1e-6)


@pytest.mark.parametrize("start", ["center", "corner"])
@pytest.mark.parametrize("name", ["dark_room", "dark_key_to_door"])
def test_a_trial_starts_where_its_task_says(name, start):
    env_class, tasks_class = play.CASES[name]
    env = env_class(start="random")
    tasks = tasks_class(start=start, shifted_start="random")
    for split, fixed in (("train", True), ("held_out", True), ("shifted", False)):
        params = env.default_params.replace(**tasks.draw(jax.random.key(0), split))
        keys = jax.random.split(jax.random.key(1), 400)
        states = jax.vmap(lambda key, p=params: env.reset(key, p)[1])(keys)
        cells = {tuple(cell) for cell in np.asarray(states.position)}
        if fixed:
            assert cells == {(4, 4) if start == "center" else (0, 0)}
        else:
            assert len(cells) > 70 and max(max(cell) for cell in cells) == 8


@pytest.mark.parametrize("name", play.CASES)
def test_a_picture_shows_the_state_and_the_task(name):
    """But no clock: a film has a count of its own, and two would disagree."""
    env, params, tasks = make(name)
    _, state = env.reset(jax.random.key(0), params)
    first = env.render(state, params)
    assert first.dtype == np.uint8 and first.shape == (320, 320, 3)
    _, later, *_ = env.step_env(jax.random.key(0), state, 1, params)
    same = name == "bandit"  # whose rates stay what they are
    assert (env.render(later, params) == first).all() == same
    waited = state.replace(time=state.time + 1)
    np.testing.assert_array_equal(env.render(waited, params), first)
    drawn = play.draw(tasks, "train", 2)
    other = params.replace(**jax.tree.map(lambda x: x[1], drawn))
    assert (env.render(state, other) != first).any()

"""An expert in a task does what it can of what it would do, and is paid for that.

| mutant | fails |
|---|---|
| the expert of the bare body acts without its lens | paid_as_the_bare_body |
| other tasks than those that are evaluated | paid_as_the_bare_body |
| the sum over trials and not the mean | every_trial |
| the body is asked for what it sees through the lens | sees_its_body_bare |
"""

from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from agents.acting.trials import play_expert, tasks_of
from experiment.evaluate import ceiling
from experiment.setup.sections import EnvChoice

pytestmark = pytest.mark.usefixtures("quick_compilation")

STEPS, TASKS = 20, 12
KEY = jax.random.key(5)


def choice(law, num_trials=1, **params):
    bodies = ("cartpole_swingup",)
    params = {"law": law, "train_bodies": bodies, "trial_steps": STEPS, **params}
    return EnvChoice("projected_control", False, {"num_trials": num_trials, **params})


def always(force):
    return lambda obs: jnp.full(1, force, jnp.float32)


def in_tasks(choice, policy):
    env, env_params = envs.make(choice.name, **choice.params)
    sizes = {"num_tasks": TASKS, "num_trials": choice.params["num_trials"]}
    agent = SimpleNamespace(
        evaluate_expert=partial(play_expert, env=env, env_params=env_params)
    )
    return ceiling.in_tasks(agent, choice, [policy], KEY, **sizes)


def starts(choice):
    """Tasks and states of the first trial, as an evaluation with this key has them."""
    env, params = envs.make(choice.name, **choice.params)
    keys = jax.random.split(jax.random.split(KEY)[0], TASKS)
    _, state = jax.jit(jax.vmap(env.reset, (0, None)))(keys, params)
    task = tasks_of(KEY, num_tasks=TASKS, env=env, env_params=params)
    for found, known in zip(
        jax.tree.leaves(state.task), jax.tree.leaves(task), strict=True
    ):
        np.testing.assert_array_equal(found, known)
    return state


def test_a_task_is_paid_as_the_bare_body_that_does_what_can_be_done():
    """A lens whose row has the absolute sum s passes min(1, s) of full force."""
    gaussian = choice("gaussian")
    state = starts(gaussian)
    row = np.abs(np.asarray(state.task[1]["act"])[:, 0]).sum(1)
    force = np.minimum(1, row).astype(np.float32)
    assert (force < 0.9).any() and (force == 1).any()
    body, params = envs.make("control/cartpole_swingup")

    def alone(start, force):
        def step(state, _):
            _, state, reward, *_ = body.step_env(KEY, state, force[None], params)
            return state, reward

        return jax.lax.scan(step, start, length=STEPS)[1].sum()

    expected = jax.jit(jax.vmap(alone))(state.inner.inner[0], force)
    found = in_tasks(gaussian, always(1.0))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.slow
def test_an_expert_sees_its_body_bare():
    """Where sine and cosine stand, whatever the lens; they fill a circle."""

    def policy(obs):
        upright = jnp.abs(jnp.hypot(obs[1], obs[2]) - 1) < 1e-3
        return jnp.where(upright, 1.0, -1.0)[None]

    orthogonal = choice("orthogonal")
    found = in_tasks(orthogonal, policy)
    np.testing.assert_allclose(found, in_tasks(orthogonal, always(1.0)))


@pytest.mark.slow
def test_every_trial_counts_alike():
    one, two = (in_tasks(choice("identity", n), always(0.5)) for n in (1, 2))
    assert not np.array_equal(one, two)
    assert two.mean() == pytest.approx(one.mean(), rel=0.2)

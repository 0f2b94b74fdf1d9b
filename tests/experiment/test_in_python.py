"""Training and acting from a program: the same runs as from a command line.

| mutant | fails |
|---|---|
| None is written as text | test_values_by_key_are_what_* |
| `train` returns before the last row | test_it_is_the_run_that_train_py_* |
| a signal is swallowed | test_ctrl_c_reaches_the_program_* |
| `act` looks at values of its arguments | test_a_learner_acts_inside_a_program |
| `reset` is ignored in `act` | test_a_learner_acts_inside_a_program |
"""

import json
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import experiment
import experiment.evaluate.load  # before `building` is changed under it
import train
from experiment import in_python
from experiment.errors import InputError
from experiment.run import ending
from experiment.setup import building


@pytest.fixture
def stubbed(monkeypatch, stub_agent):
    monkeypatch.setattr(building, "build_agent", lambda *_, **__: stub_agent())
    monkeypatch.setattr(ending, "_draw", lambda *_: None)  # takes a second


def as_mapping(texts):
    """The same settings as values of Python."""
    pairs = dict(text.split("=", 1) for text in texts)
    return {k: json.loads(v) if v[:1] in "[0123456789ftn" else v
            for k, v in pairs.items()}  # fmt: skip


def test_values_by_key_are_what_a_command_line_says(tiny):
    settings = as_mapping(tiny) | {
        "wandb": "off",
        "run_dir": "no",
        "precision": None,
        "core.chunk_length": None,
    }
    texts = [*tiny, "wandb=off", "run_dir=no"]
    want = train.load(texts)
    assert in_python.configured(settings) == want
    assert in_python.configured(texts) == want
    assert in_python.configured(want) is want
    assert want.agent.options.anneal_learning_rate is False


@pytest.mark.parametrize(
    "config, said",
    [
        ("env=memory_chain", "a mapping of keys or a list"),
        ({"agent.gamma": 0.9}, "did you mean 'agent.discount'"),
        ({"core.features": "many"}, "core.features must be a positive integer"),
        ({"env.memory_length": jnp.ones(2)}, "env.memory_length must be a number"),
        (["resume=runs/x"], "experiment.resume"),
    ],
)
def test_what_train_py_refuses_is_refused(config, said):
    with pytest.raises(InputError, match=said):
        experiment.train(config)


def test_it_is_the_run_that_train_py_makes(stubbed, make_config, tmp_path, tiny):
    settings = as_mapping(tiny) | {"total_steps": 467, "run_dir": str(tmp_path / "a")}
    run = experiment.train(settings)
    assert run.status == 0 and run.path == tmp_path / "a"
    theirs = make_config("total_steps=467", f"run_dir={tmp_path / 'b'}")
    assert train.start(theirs) == 0
    one, other = ((tmp_path / name / "metrics.csv").read_text() for name in "ab")
    assert one == other
    assert [row["update"] for row in run.metrics if row["seed"] == 1][-1] == 23
    assert run.summary["num_seeds"] == 2 and run.summary["env_steps"] == 460
    longer = experiment.resume(str(run.path), total_steps=800)
    assert longer.metrics[-1]["update"] == 40
    with pytest.raises(InputError, match=r"total_steps .* must not be less"):
        experiment.resume(str(run.path), total_steps=20)


def test_ctrl_c_reaches_the_program_when_all_is_saved(monkeypatch, make_config):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(in_python, "start", lambda *_: 128 + signal.SIGINT)
    monkeypatch.setattr(in_python.RunFolder, "choose", lambda _: None)
    try:
        with pytest.raises(KeyboardInterrupt):
            experiment.train(make_config())
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_a_learner_acts_inside_a_program(make_config, tmp_path):
    """Compiled as step by step; and memory is cleared at resets."""
    place = f"run_dir={tmp_path / 'run'}"
    run = experiment.train(make_config("total_steps=200", place))
    trained = run.load(seed=1)
    n, obs = 3, jax.random.normal(jax.random.key(0), (6, 3, 3))
    reset = jnp.arange(6)[:, None] % jnp.arange(1, n + 1) == 0

    def step(carry, now):
        return trained.act(carry, *now)

    _, whole = jax.jit(lambda c: jax.lax.scan(step, c, (obs, reset)))(
        trained.initial_carry(n)
    )
    carry = trained.initial_carry(n)
    for t in range(6):
        carry, action = trained.act(carry, obs[t], np.asarray(reset[t]))
        np.testing.assert_array_equal(action, whole[t])
    fresh, _ = trained.act(trained.initial_carry(n), obs[5], jnp.ones(n, bool))
    last, _ = trained.act(carry, obs[5], jnp.ones(n, bool))
    jax.tree.map(np.testing.assert_array_equal, fresh, last)

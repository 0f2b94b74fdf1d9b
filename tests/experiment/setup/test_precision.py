"""`precision=` is that of every product of a run, wherever it is traced.

mutant                                   | the test that failed: test_…
---------------------------------------- | ---------------------------------------
training is traced outside of it         | training_and_playing_are_traced_in_it
playing is                               | training_and_playing_are_traced_in_it
null is a precision                      | products_have_the_runs_precision[None]
the key is not kept in config.yaml       | it_is_part_of_the_run
"""

import jax
import jax.numpy as jnp
import pytest

from agents.acting.episodes import Episodes
from experiment.errors import InputError
from experiment.evaluate import episodes as evaluation
from experiment.evaluate import players
from experiment.run import unchanged
from experiment.setup import config as run_config
from experiment.setup import needs
from experiment.setup.building import (
    build_agent,
    computing,
    learner_shapes,
    over_seeds,
)
from experiment.setup.request import Request
from tests.experiment.conftest import StubAgent


def products(jaxpr):
    """The precision of every matrix product of a program, however deep inside."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            yield equation.params["precision"]
        for value in equation.params.values():
            for inner in jax.tree.leaves(value, is_leaf=lambda x: hasattr(x, "eqns")):
                if hasattr(inner, "eqns"):
                    yield from products(inner)


@pytest.mark.parametrize("name", [None, "highest"])
def test_products_have_the_runs_precision(make_config, name):
    """In acting, in replaying and in gradients."""
    config = make_config(*([f"precision={name}"] if name else []))
    agent = build_agent(config)
    with computing(config):
        shapes = learner_shapes(agent, config)
        found = list(products(jax.make_jaxpr(over_seeds(agent.update))(shapes).jaxpr))
    assert len(found) > 20
    highest = (jax.lax.Precision.HIGHEST,) * 2
    assert set(found) == {highest if name else None}


class Spy(StubAgent):
    """Notes what is in effect whenever it is traced."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def note(self, where):
        now = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
        self.seen.append((where, now))

    def update(self, learner):
        self.note("update")
        return super().update(learner)

    def evaluate(self, learner, key, *, num_episodes, greedy):
        self.note("evaluate")
        zeros = jnp.zeros(num_episodes)
        return Episodes(zeros, zeros.astype(jnp.int32))


def test_training_and_playing_are_traced_in_it(go, make_config, monkeypatch):
    seen = []
    _, folder = go("run", "precision=highest", agent=Spy(seen))
    steps = "total_steps=600"
    go("run", "precision=highest", steps, agent=Spy(seen), resume=True)
    monkeypatch.setattr(players, "build_agent", lambda *_: Spy(seen))
    monkeypatch.setattr(needs, "check_played", lambda *_: None)  # it plays nothing
    config = make_config("precision=highest", steps)
    evaluation.evaluate(folder, config, config.env, Request(episodes=2))
    assert {where for where, _ in seen} == {"update", "evaluate"}
    assert {now for _, now in seen} == {"highest"}
    assert jax.config.jax_default_matmul_precision is None  # type: ignore[attr-defined]


def test_it_is_part_of_the_run(make_config):
    plain, highest = make_config(), make_config("precision=highest")
    assert run_config.load(run_config.dump(highest), stored=True) == highest
    assert unchanged.changes(unchanged.plain(plain), highest) == [
        "precision was None and is 'highest'"
    ]
    old = unchanged.plain(plain)
    for section, keys in {"": ["precision"], "agent": ["dtype"],
                          "core": ["chunk_length", "remat"]}.items():  # fmt: skip
        for key in keys:
            del (old[section] if section else old)[key]  # as before these keys existed
    assert unchanged.changes(old, plain) == []
    assert run_config.load(old, stored=True) == plain
    with pytest.raises(InputError, match="default, high, highest; got 'tf32'"):
        make_config("precision=tf32")

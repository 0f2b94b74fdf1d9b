"""What `sweep.` asks for, and what it refuses."""

import itertools
import math
import statistics

import pytest

from experiment.errors import InputError
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.settings import Sweep

RATE, DISCOUNT = "agent.learning_rate", "agent.discount"


def load(*arguments: str) -> run_config.RunConfig:
    composed = cli.composed("train", ["env=memory_chain", *arguments])
    return run_config.load(composed)


def test_lists_are_every_combination_in_order():
    found = load(f"sweep.{RATE}=[1e-4,1e-3,1e-2]", f"sweep.{DISCOUNT}=[0.9,0.95]")
    wanted = itertools.product([1e-4, 1e-3, 1e-2], [0.9, 0.95])
    assert [tuple(one.values()) for one in found.sweep.settings] == list(wanted)
    assert found.sweep.keys == (RATE, DISCOUNT)
    assert found.num_learners == 6


def test_each_setting_is_what_it_would_be_alone():
    told = f"sweep.{RATE}=[1e-4,1e-3]", "sweep.core.dt_min=[1e-4,2e-3]"
    found = load(*told, "num_seeds=3", "agent.discount=0.9")
    pairs = itertools.product(["1e-4", "1e-3"], ["1e-4", "2e-3"])
    for setting, (rate, step) in enumerate(pairs):
        own = f"{RATE}={rate}", f"core.dt_min={step}"
        alone = load(*own, "num_seeds=3", "agent.discount=0.9")
        assert found.alone(setting) == alone
    assert found.num_learners == 12 and load("num_seeds=3").num_learners == 3
    assert load().alone(0) == load()


def test_learners_lie_setting_by_setting():
    found = load(f"sweep.{RATE}=[1,2]", "sweep.core.dt_min=[0.001,0.002]").sweep
    assert found.numbers("agent", 2) == {"learning_rate": [1, 1, 1, 1, 2, 2, 2, 2]}
    steps = found.numbers("core", 2)["dt_min"]
    assert steps == [0.001, 0.001, 0.002, 0.002] * 2


def test_what_is_written_is_read():
    found = load(f"sweep.{RATE}=log(1e-5,1e-2)", "sweep.samples=5")
    plain = run_config.dump(found)
    assert run_config.load(plain, stored=True) == found
    assert "sweep" not in run_config.dump(load())


def test_draws_are_of_their_range_and_follow_the_seed():
    told = f"sweep.{RATE}=log(1e-5,1e-1)", f"sweep.{DISCOUNT}=uniform(0.5,1)"
    told = *told, "sweep.agent.gae_lambda=[0.9,0.95]", "sweep.samples=1000"
    settings = load(*told).sweep.settings
    rates = [math.log10(one[RATE]) for one in settings]
    discounts = [one[DISCOUNT] for one in settings]
    assert min(rates) >= -5 and max(rates) <= -1
    assert min(discounts) >= 0.5 and max(discounts) <= 1
    # Of 1,000 draws, a mean is off by a tenth of the width less than once in 10^20.
    assert abs(statistics.mean(rates) + 3) < 0.4
    assert abs(statistics.mean(discounts) - 0.75) < 0.05
    kinds = [one["agent.gae_lambda"] for one in settings]
    assert set(kinds) == {0.9, 0.95} and 350 < kinds.count(0.9) < 650
    assert load(*told).sweep == load(*told).sweep
    assert load(*told, "seed=1").sweep != load(*told).sweep
    # Another key of a sweep changes no draws of the first.
    alone = load(told[0], "sweep.samples=1000").sweep.settings
    assert [one[RATE] for one in alone] == [one[RATE] for one in settings]


REFUSED = {
    f"sweep.{RATE}=[1e-3,-1]": "agent.learning_rate must be positive; got -1.0",
    f"sweep.{DISCOUNT}=[2]": "agent.discount must lie between 0 and 1; got 2",
    "sweep.core.dt_min=[1e-3,1]": "dt_min",
    "sweep.agent.num_envs=[16,32]": "--multirun agent.num_envs=",
    "sweep.agent.anneal_learning_rate=[true]": "only numbers that change no shape",
    "sweep.env.memory_length=[2,3]": "sweep.env.memory_length cannot be",
    f"sweep.{RATE}=log(1e-4,1e-2)": "say how many settings with sweep.samples=32",
    f"sweep.{RATE}=log(1e-2,1e-4)": "the lower first",
    f"sweep.{RATE}=log(0,1e-4)": "must have positive ends",
    f"sweep.{RATE}=log(a,b)": "must have two numbers",
    f"sweep.{RATE}=often": "must be a list of numbers, log(low,high) or",
    f"sweep.{RATE}=[]": "must be a list of numbers",
    f"sweep.{RATE}=[true]": "must be a list of numbers",
    "sweep.agent.value_clip_epsilon=[null,0.1]": "must be a list of numbers",
    "sweep.samples=3": "sweep must name a key",
    f"sweep.{RATE}=[1e-3] sweep.samples=0": "sweep.samples must be a positive integer",
    f"sweep.{RATE}=[1,2] sweep.halve_at=[0.5,0.6]": "takes 4 settings; got 2",
    f"sweep.{RATE}=[1,2,3,4] sweep.halve_at=[0.6,0.5]": "rising shares",
    f"sweep.{RATE}=[1,2] sweep.halve_at=[1.0]": "between 0 and 1",
    f"sweep.{RATE}=[1,2] sweep.halve_at=soon": "sweep.halve_at must be a list",
    f"sweep.{RATE}=[1e-3] sweep.samples=100_000": "makes 100,000 settings",
    "sweep=3": "sweep is set by key",
}


@pytest.mark.parametrize("told", REFUSED)
def test_what_cannot_be_swept_is_refused(told):
    with pytest.raises(InputError) as refused:
        load(*told.split(" "))
    assert REFUSED[told] in str(refused.value)


def test_a_setting_is_said_as_it_is_typed():
    assert Sweep(({RATE: 1e-3, DISCOUNT: 0.95},)).said(0) == (
        "agent.learning_rate=0.001 agent.discount=0.95"
    )

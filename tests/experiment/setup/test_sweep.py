"""A multirun: every combination, each in a folder of its own, whatever becomes of one.

| mutant | fails |
|---|---|
| `sweep.` keys are listed like others | test_settings_of_one_program_* |
| run_dir is swept like other keys | test_run_dir_is_the_parent_* |
| jobs may share a name | test_folders_are_never_shared |
| the first failure ends it | test_it_goes_on_past_* |
| the last status is returned | test_it_goes_on_past_* |
| a signal is one failure among others | test_a_signal_stops_it |
| configurations are loaded as their turn comes | test_what_all_refuse_is_refused_* |
"""

import errno
import itertools

import pytest

from experiment.errors import InputError, MachineError
from experiment.setup import cli, sweep
from experiment.setup import config as run_config


def load(arguments):
    return run_config.load(cli.composed("train", arguments))


def test_every_combination_is_a_job():
    jobs = sweep.jobs(["core=s5,gru", "seed=range(0,3)", "total_steps=1e5"])
    found = [load(job.arguments) for job in jobs]
    assert [(c.core.name, c.schedule.seed) for c in found] == [
        *itertools.product(("s5", "gru"), (0, 1, 2))
    ]
    assert {c.schedule.total_steps for c in found} == {100_000}


@pytest.mark.parametrize(
    ("argument", "values"),
    [("agent.encoder_sizes=[8,9],[]", [(8, 9), ()]),
     ("agent.encoder_sizes=[8,9]", [(8, 9)]),
     ("agent.learning_rate=1e-3,3e-4", [1e-3, 3e-4]),
     ("agent.anneal_learning_rate=true,false", [True, False]),
     ("agent.value_clip_epsilon=null,0.2", [None, 0.2]),
     ("agent.discount=choice(0.5,0.9)", [0.5, 0.9])],
)  # fmt: skip
def test_values_are_listed_as_hydra_lists_them(argument, values):
    key = argument.split("=")[0].split(".")[1]
    found = [load(job.arguments).agent.options for job in sweep.jobs([argument])]
    assert [getattr(options, key) for options in found] == values


def test_run_dir_is_the_parent_of_every_jobs_folder():
    jobs = sweep.jobs(["run_dir=a,b/1e3", "core=s5,gru", "seed=1,2"])
    folders = [load(job.arguments).schedule.run_dir for job in jobs]
    assert folders[0] == "a,b/1e3/core=s5+seed=1" and len({*folders}) == 4
    assert all(folder.startswith("a,b/1e3/core=") for folder in folders)
    assert load(sweep.jobs(["run_dir=x"])[0].arguments).schedule.run_dir == "x/0"


def test_settings_of_one_program_are_of_one_job():
    swept = "sweep.agent.learning_rate=[1e-3,2e-3]", "sweep.samples=3"
    jobs = sweep.jobs(["core=s5,gru", *swept, "sweep.agent.discount=uniform(0.5,0.9)"])
    assert [job.name for job in jobs] == ["core=s5", "core=gru"]
    for job in jobs:
        assert len(load(job.arguments).sweep.settings) == 3


def test_folders_are_never_shared():
    swept = ["seed=1,1", "env=gymnax/CartPole-v1,gymnax/CartPole-v1"]
    swept += [f"env.entry_point=m:{'a' * 200},m:{'a' * 199}b"]
    names = [job.name for job in sweep.jobs(swept)]
    assert len({*names}) == len(names) == 8
    assert all("/" not in name and len(name) < 130 for name in names)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["seed=range(0,10000000)"], "more than 10,000"), (["seed=1,2", "fast"], "key="),
     (["seed=range(0,1e3)", "total_steps=range(1,100)"], "more than 10,000"),
     (["seed=range(a,b)"], "cannot be read"), (["resume=a,b"], "resume="),
     (["seed=${oc.env:HOME},2"], "interpolation"), (["run_dir="], "empty"),
     (["agent.discount=interval(0,1)"], "discount"), (["seed=1,,2"], "seed=1,,2")],
)  # fmt: skip
def test_refuses(arguments, said):
    with pytest.raises(InputError, match=said):
        for job in sweep.jobs(arguments):
            load(job.arguments)


def test_it_goes_on_past_jobs_that_fail_and_says_which(capsys):
    """Refused before it starts and in it, diverged, failed, crashed, and well."""
    begun = []

    def start(config):
        begun.append(config.schedule.seed)
        if config.schedule.seed == 1:
            raise MachineError("the disk is full.")
        if config.schedule.seed == 2:
            raise OSError(errno.ENOSPC, "No space left on device", "x")
        if config.schedule.seed == 3:
            raise ZeroDivisionError("of theirs")
        if config.schedule.seed == 4:
            raise InputError("not this one.")
        return {5: 3}.get(config.schedule.seed, 0)

    status = sweep.run_all(["seed=1,2,3,4,5,-6,7"], load, start)
    said, errors = capsys.readouterr()
    assert status == 4 and begun == [1, 2, 3, 4, 5, 7]
    *_, count, one, two, three, four, five, six = errors.splitlines()
    assert count == "6 of 7 jobs failed:"
    assert one == "  seed=1: the machine failed: the disk is full."
    assert "seed=2: the machine failed" in two and "No space" in two
    assert three == "  seed=3: failed: of theirs" and "ZeroDivisionError" in errors
    assert four == "  seed=4: bad input: not this one."
    assert five == "  seed=5: diverged"
    assert six.startswith("  seed=-6: bad input: seed must lie in")
    assert "job 7 of 7: seed=7" in said


@pytest.mark.parametrize(
    ("statuses", "worst"), [((0, 3, 0), 3), ((3, 0, 2), 3), ((0, 0, 0), 0)]
)
def test_the_worst_status_is_returned(statuses, worst):
    returned = iter(statuses)
    assert sweep.run_all(["seed=1,2,3"], load, lambda _: next(returned)) == worst


def test_a_signal_stops_it():
    returned = iter((0, 143, 0))
    assert sweep.run_all(["seed=1,2,3"], load, lambda _: next(returned)) == 143
    assert next(returned) == 0


def test_what_all_refuse_is_refused_before_one_starts():
    with pytest.raises(InputError, match="did you mean 'seed'"):
        sweep.run_all(["core=s5,gru", "sede=3"], load, lambda _: pytest.fail("begun"))

"""What is left to do of a job whose folder may hold it already.

| mutant | fails |
|---|---|
| a run that ended goes on | test_what_has_ended_is_passed_over |
| a summary of fewer steps counts as the end | test_a_longer_one_goes_on |
| what the folder holds is not compared | test_another_run_is_refused |
| what a run settles as it begins is compared | test_what_was_settled_is_its_own |
| of diverged learners nothing is said | test_what_diverged_is_said_again |
"""

import json

import pytest

from experiment.errors import DIVERGED, OK, InputError
from experiment.multirun.going_on import left
from experiment.setup import cli
from experiment.setup import config as run_config

SAID = ("core=gru", "seed=3", "total_steps=100000")


def config_of(*arguments):
    return run_config.load(cli.composed("train", [*SAID, *arguments]))


@pytest.fixture
def job(write_run, tmp_path):
    """`(*arguments, begun=) -> (folder, Left)` of a job whose folder holds SAID."""
    place = f"run_dir={tmp_path}/job"
    folder = write_run(tmp_path / "job", *SAID, "num_seeds=1", "mesh.envs=1", place)

    def job(*arguments, begun=False):
        if begun:
            (folder / "summary.json").unlink(missing_ok=True)
        return left(config_of(f"run_dir={folder}", *arguments), ["as", "typed"])

    return job


def test_what_is_new_begins_as_it_was_typed(tmp_path):
    assert left(config_of(f"run_dir={tmp_path}/new"), ["a"]).arguments == ["a"]
    assert left(config_of(), ["a"]).arguments == ["a"]


def test_what_has_ended_is_passed_over(job):
    found = job()
    assert found.arguments is None and found.status == OK
    assert "final_return 0." in found.said


def test_what_diverged_is_said_again(job, tmp_path):
    path = tmp_path / "job" / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"diverged_seeds": [0]}))
    assert job().status == DIVERGED


def test_what_was_begun_goes_on(job, tmp_path):
    found = job("wandb=offline", "devices=1", begun=True)
    assert found.arguments == [f"resume={tmp_path}/job", "devices=1", "wandb=offline"]
    found = job("wandb_group=first try", "wandb_per_seed=true", begun=True)
    assert found.arguments is not None and found.arguments[2:] == [
        *("wandb_group=first try", "wandb_per_seed=true"),
    ]


def test_a_longer_one_goes_on(job):
    found = job("total_steps=200000")
    assert found.arguments is not None and found.arguments[-1] == "total_steps=200000"
    assert job("total_steps=90000").arguments is None


@pytest.mark.parametrize("begun", [True, False])
def test_another_run_is_refused(job, begun):
    said = r"another run than this job: core.features was \d+ and is 12\. Choose"
    with pytest.raises(InputError, match=said):
        job("core.features=12", begun=begun)


def test_what_was_settled_is_its_own(job):
    """How often rows are written, where that was a time; how lanes are cut."""
    assert job("log_every=10s", begun=True).arguments is not None
    with pytest.raises(InputError, match="log_every was 1 and is 7"):
        job("log_every=7", begun=True)


def test_a_damaged_summary_is_refused(job, tmp_path):
    for text in ("{", "[]"):
        (tmp_path / "job" / "summary.json").write_text(text)
        with pytest.raises(InputError, match=r"summary\.json"):
            job()

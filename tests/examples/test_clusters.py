"""The job files of clusters do what their comments say, with a cluster made up.

In place of `srun`, `scontrol` and `python` stand scripts that note what they were told.

| mutant | fails |
|---|---|
"""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

import train
from experiment.setup import cli, distributed

EXAMPLES = Path(__file__).parents[2] / "examples"
SBATCH = EXAMPLES / "slurm" / "train.sbatch"
NOTE = '#!/bin/sh\nfor word in "$@"; do echo "$word"; done >> {}\nexit {}\n'


@pytest.fixture
def cluster(tmp_path):
    """`(command, status, **environment) -> (status, told by name)`, in a folder."""

    def run(command, status=0, **environment):
        tools, told = tmp_path / "bin", {}
        tools.mkdir(exist_ok=True)
        for name in ("srun", "scontrol", "python"):
            noted = tools / f"{name}.txt"
            noted.unlink(missing_ok=True)
            code = 0 if name == "scontrol" else status
            (tools / name).write_text(NOTE.format(noted, code))
            (tools / name).chmod(0o755)
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={"PATH": f"{tools}:{os.environ['PATH']}", **environment},
            check=False,
        )
        for noted in tools.glob("*.txt"):
            told[noted.stem] = noted.read_text().splitlines()
        return done.returncode, told

    return run


def arguments_of(command):
    """What a command line tells train.py, which understands it."""
    given = command[command.index("train.py") + 1 :]
    rest, found = distributed.taken(given)
    assert found is not None and found.auto
    if rest[0].startswith("resume="):
        return cli.assignments(rest)
    return {"run_dir": train.load(rest).schedule.run_dir}


def test_slurm_begins_a_run_and_goes_on_with_it(cluster, tmp_path):
    command = ["bash", str(SBATCH), "a run", "env=meta_cartpole", "num_seeds=8"]
    status, told = cluster(command, SLURM_JOB_ID="7")
    assert status == 0 and "scontrol" not in told
    assert arguments_of(told["srun"]) == {"run_dir": "a run"}
    assert told["srun"][-2:] == ["env=meta_cartpole", "num_seeds=8"]
    (tmp_path / "a run").mkdir()
    (tmp_path / "a run" / "config.yaml").touch()
    status, told = cluster(command, SLURM_JOB_ID="7")
    assert arguments_of(told["srun"]) == {"resume": "a run"}


@pytest.mark.parametrize(
    ("status", "before", "again"),
    [(138, 50, True), (4, 0, True), (4, 10, False), (2, 0, False), (3, 0, False)],
)
def test_slurm_requeues_what_can_go_on(cluster, status, before, again):
    came, told = cluster(
        ["bash", str(SBATCH), "run"],
        status,
        SLURM_JOB_ID="7",
        SLURM_RESTART_COUNT=str(before),
    )
    assert came == status
    assert told.get("scontrol") == (["requeue", "7"] if again else None)


def test_slurm_signals_the_processes_what_they_save_at():
    options = [x for x in SBATCH.read_text().splitlines() if x.startswith("#SBATCH")]
    assert any(x.split()[1] == "--signal=USR1@180" for x in options)


def test_kubernetes_begins_a_run_and_goes_on_with_it(cluster, tmp_path):
    documents = list(
        yaml.safe_load_all((EXAMPLES / "kubernetes" / "jobset.yaml").read_text())
    )
    account, _, binding, jobset = documents
    (jobs,) = jobset["spec"]["replicatedJobs"]
    job = jobs["template"]["spec"]
    pod = job["template"]["spec"]
    # As many at a time as there are, none alone, and their account is the one bound.
    assert job["parallelism"] == job["completions"] and job["backoffLimit"] == 0
    assert job["completionMode"] == "Indexed"
    named = account["metadata"]["name"]
    assert pod["serviceAccountName"] == named == binding["subjects"][0]["name"]
    (container,) = pod["containers"]
    (mount,) = container["volumeMounts"]
    (run_dir,) = (one["value"] for one in container["env"] if one["name"] == "RUN_DIR")
    assert run_dir.startswith(mount["mountPath"])
    status, told = cluster(container["command"], 4, RUN_DIR="long")
    assert status == 4
    assert arguments_of(told["python"]) == {"run_dir": "long"}
    (tmp_path / "long").mkdir()
    (tmp_path / "long" / "config.yaml").touch()
    _, told = cluster(container["command"], RUN_DIR="long")
    assert arguments_of(told["python"]) == {"resume": "long"}

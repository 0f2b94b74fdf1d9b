"""Jobs by Hydra's plugins, and what becomes of them.

Most of it with Hydra's own launcher, which runs them here one after another, and a
stand-in for their processes. What the extra `sweeps` brings is tried for real, slowly.

| mutant | fails |
|---|---|
| options reach our own jobs | test_options_are_the_plugins |
| refused jobs are launched | test_jobs_that_are_refused_or_fail_stop_no_others |
| the first failure ends it | test_jobs_that_are_refused_or_fail_stop_no_others |
| what has ended is launched again | test_it_goes_on_where_it_stopped |
| an error of the launcher is raised | test_a_launcher_that_fails_* |
| trials of one name are launched twice | test_a_sweeper_is_told_the_objective |
| the objective is missing | test_a_sweeper_is_told_the_objective, with the extra |
| jobs share a folder | test_two_multiruns_* |
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import train
from experiment.errors import InputError
from experiment.multirun import launch, task
from experiment.multirun.jobs import Jobs, record
from tests.fresh import ROOT

PLUGINS = {"joblib": "joblib", "optuna": "optuna", "submitit_local": "submitit"}
ONE = ("total_steps=5120", "num_seeds=1")


@pytest.fixture
def processes(monkeypatch, write_run):
    """Stands for train.py: `done` says what ran, `ends` how seeds end."""

    class Processes:
        def __init__(self):
            self.done, self.ends = [], {}

        def __call__(self, arguments, log):
            given = dict(argument.split("=", 1) for argument in arguments)
            folder = Path(given.get("run_dir") or given["resume"])
            self.done.append(folder.name)
            log.write_text("error: it was so.\n")
            status = self.ends.get(folder.name, 0)
            if not status:
                own = [a for a in arguments if not a.startswith("compilation_cache")]
                write_run(folder, *own)
            return status

    found = Processes()
    monkeypatch.setattr(task, "_process", found)
    return found


@pytest.fixture
def multirun(call, tmp_path):
    def multirun(*arguments):
        place = f"run_dir={tmp_path}/all"
        return call(train, "-m", "launcher=basic", place, *ONE, *arguments)

    return multirun


def test_options_are_the_plugins():
    rest, asked = launch.taken(["seed=1", "launcher.n_jobs=2", "launcher=joblib"])
    assert rest == ["seed=1"]
    assert asked == ("joblib", None, ["hydra.launcher.n_jobs=2"])
    assert launch.taken(["seed=1"]) == (["seed=1"], None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["launcher.n_jobs=2"], "launcher.n_jobs=2 needs launcher="),
     (["sweeper=ax"], "sweeper must be optuna; got ax"),
     (["launcher=nosuch"], "launcher=nosuch cannot be had (pip install"),
     (["launcher=basic", "launcher.nosuch=2"], "cannot be had"),
     (["launcher=basic", "run_dir=a'b"], "no $, quotes or backslashes"),
     (["launcher=basic", "seed=-1,-2"], "seed must lie in"),
     (["sweeper=optuna"], "needs something to choose")],
)  # fmt: skip
def test_refuses(refused, tmp_path, arguments, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in refused(train, "-m", *arguments)


def test_plugins_are_of_a_multirun(refused):
    assert "launcher= needs --multirun" in refused(train, "launcher=joblib")


def test_jobs_that_are_refused_or_fail_stop_no_others(processes, multirun, tmp_path):
    processes.ends = {"seed=1": 3, "seed=3": 4}
    status, said, errors = multirun("seed=0,1,-2,3,4")
    assert status == 4 and processes.done == [f"seed={n}" for n in (0, 1, 3, 4)]
    assert errors.splitlines() == [
        "3 of 5 jobs failed:",
        "  seed=-2: bad input: seed must lie in [0, 2**32); got -2.",
        "  seed=1: diverged: it was so.",
        "  seed=3: the machine failed: it was so.",
    ]
    assert "seed=4: final_return 0." in said and "2 of 5 jobs ended well" in said
    assert f"compare.py runs='{tmp_path}/all/*'" in said


def test_it_goes_on_where_it_stopped(processes, multirun, tmp_path):
    processes.ends = {"seed=1": 143}
    assert multirun("seed=0,1")[0] == 143
    folder = tmp_path / "all" / "seed=2"
    shutil.copytree(tmp_path / "all" / "seed=0", folder)
    text = (folder / "config.yaml").read_text().replace("seed: 0", "seed: 2")
    (folder / "config.yaml").write_text(text)
    processes.done, processes.ends = [], {"seed=2": 3}
    (folder / "summary.json").unlink()
    status, said, errors = multirun("seed=0,1,2")
    assert processes.done == ["seed=1", "seed=2"] and status == 3
    assert "seed=2: goes on" in said and "seed=1: begins" in said
    assert "1 of 3 jobs failed:\n  seed=2: diverged: it was so." in errors
    assert "another run" in multirun("seed=0,1,2", "core=gru")[2]


def test_a_launcher_that_fails_leaves_what_its_jobs_came_to(
    processes, capsys, tmp_path
):
    class Broken:
        def launch(self, job_overrides, initial_job_idx):
            raise RuntimeError("a worker\nwas killed")

    own = task.Task(str(tmp_path))
    jobs = Jobs(own, Broken())
    jobs.launch([["seed=0"], ["seed=1"]], 0)
    said = "the launcher failed: a worker was killed"
    assert jobs.ended == {"seed=0": (1, said), "seed=1": (1, said)}
    assert said in capsys.readouterr().err


def test_a_sweeper_is_told_the_objective(tmp_path, write_run, capsys):
    """Equal trials of a batch are one job; what fails has no objective."""
    write_run(tmp_path / "seed=0")

    class Inner:
        launched = ()

        def launch(self, job_overrides, initial_job_idx):
            self.launched = [own.jobs[int(o[0].split("=")[1])] for o in job_overrides]
            ends = [own.outcome(job) for job in self.launched]
            return [record((0, "", end)) for end in ends]

    own, inner = task.Task(str(tmp_path)), Inner()
    jobs = Jobs(own, inner, ["core=gru"])
    trials = [["seed=0"], ["seed=-1"], ["seed=0"], ["seed=1"]]
    first, refused, again, failed = jobs.launch(trials, 0)
    assert [job.name for job in inner.launched] == ["seed=0", "seed=1"]
    assert own.jobs[0].arguments == ["core=gru", "seed=0", f"run_dir={tmp_path}/seed=0"]
    wanted = json.loads((tmp_path / "seed=0" / "summary.json").read_text())
    assert first.return_value == again.return_value == wanted["final_return"]
    assert refused.return_value is failed.return_value is None
    assert jobs.ended["seed=-1"][0] == 2 and jobs.ended["seed=1"][0] == 1


def test_a_job_is_a_process_with_a_log(tmp_path):
    log = tmp_path / "log"
    assert task._process(["sede=3"], log) == 2
    assert task._last_line(log).startswith("unknown key sede; did you mean 'seed'")


@pytest.mark.slow  # waits for a process to notice
def test_a_job_ends_with_whoever_waits_for_it(tmp_path):
    """A worker whose parent was killed asks its job to stop, and is gone as well."""
    log, job = tmp_path / "log", "import time; print('on', flush=True); time.sleep(60)"
    program = f"""
import os, subprocess, sys
from pathlib import Path
from experiment.multirun import task
begin = subprocess.Popen
if os.fork() == 0:
    subprocess.Popen = lambda _, **rest: begin([sys.executable, "-c", {job!r}], **rest)
    task._process([], Path({str(log)!r}))
"""
    # Its pipes are open until what it forked has ended too.
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=30
    )
    assert done.returncode == 0 and log.read_text() in ("on\n", "")


TINY = ("env.memory_length=2", "core=mlp", "core.features=4", "core.num_layers=1",
        "agent.num_envs=2", "agent.num_minibatches=1", "agent.epochs=1",
        "agent.encoder_sizes=[]", "agent.head_sizes=[]", "total_steps=30")  # fmt: skip


def trained(tmp_path, *arguments, wait=True, name="all"):
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), "-m", *TINY, f"run_dir={name}",
         *arguments],
        cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )  # fmt: skip
    return (process, *process.communicate()) if wait else process


@pytest.mark.slow  # trains
def test_two_multiruns_at_once_never_share_a_folder(tmp_path):
    """Each job is trained by one of them; the other is refused, or finds it done."""
    alone, *_ = trained(tmp_path, "seed=0,1", name="alone")
    both = [trained(tmp_path, "seed=0,1", wait=False) for _ in range(2)]
    told = [process.communicate() for process in both]
    assert alone.returncode == 0
    assert {p.returncode for p in both} <= {0, 2} and 0 in [
        p.returncode for p in both
    ], told
    for seed in (0, 1):
        folder = tmp_path / "all" / f"seed={seed}"
        starts = json.loads((folder / "manifest.json").read_text())["starts"]
        rows = (folder / "metrics.csv").read_text()
        assert rows == (tmp_path / "alone" / folder.name / "metrics.csv").read_text()
        assert len(starts) == 1
    for (_, errors), process in zip(told, both, strict=True):
        if process.returncode:
            assert "is in use by process" in errors or "already holds" in errors


def needs(name):
    installed = importlib.util.find_spec(PLUGINS[name]) is not None
    return pytest.mark.skipif(not installed, reason='pip install -e ".[sweeps]"')


@pytest.mark.slow  # trains
@pytest.mark.parametrize(
    "launcher",
    [pytest.param(name, marks=needs(name)) for name in ("joblib", "submitit_local")],
)
def test_jobs_side_by_side_are_those_of_one_after_another(tmp_path, launcher):
    trained(tmp_path, "seed=0,1", name="alone")
    process, said, errors = trained(tmp_path, "seed=0,1,-1", f"launcher={launcher}")
    assert process.returncode == 2 and "1 of 3 jobs failed:\n  seed=-1: bad" in errors
    for name in ("seed=0", "seed=1"):
        rows = [(tmp_path / f / name / "metrics.csv").read_text()
                for f in ("alone", "all")]  # fmt: skip
        assert rows[0] == rows[1]
    begun = json.loads((tmp_path / "all/seed=0/manifest.json").read_text())
    process, said, errors = trained(tmp_path, "seed=0,1", f"launcher={launcher}")
    assert process.returncode == 0 and "2 of 2 jobs ended well" in said
    assert json.loads((tmp_path / "all/seed=0/manifest.json").read_text()) == begun


@pytest.mark.slow  # trains
@needs("optuna")
def test_a_search_goes_on_and_survives_its_failures(tmp_path):
    """`num_minibatches=3` is refused; the second command does what is left."""
    choose = ("sweeper=optuna", "agent.learning_rate=interval(1e-4,1e-2)")
    process, said, _ = trained(tmp_path, *choose, "sweeper.n_trials=2")
    assert process.returncode == 0 and "best: agent.learning_rate=0.00" in said
    process, said, errors = trained(
        tmp_path, *choose, "sweeper.n_trials=3", "sweeper.sampler.seed=1"
    )
    assert "1 of 3 trials to do" in said and "1 of 1 jobs ended well" in said, errors
    process, said, errors = trained(
        tmp_path, "sweeper=optuna", "agent.num_minibatches=choice(3,5)",
        "sweeper.n_trials=2", name="none",
    )  # fmt: skip
    assert process.returncode == 2 and "minibatches are whole trajectories" in errors
    assert "Traceback" not in errors


def test_an_option_names_its_plugin():
    with pytest.raises(InputError, match=r"needs sweeper=, as in sweeper=optuna\."):
        launch.taken(["sweeper.n_trials=3"])

"""A run folder of somebody else: compared, or refused in a sentence.

| mutant | fails |
|---|---|
| summary.json's types are not checked | test_refuses_what_a_summary_cannot_say |
| pipes and devices are opened | test_what_is_no_file_* |
| a block is made before its rows are counted | test_few_rows_that_claim_* |
| lines of trials are read whole | test_a_line_without_an_end_* |
| a pattern is one though a folder has that name | test_a_folder_is_named_like_* |
| labels may hold anything | test_labels_are_checked |
"""

import gzip
import json
import os

import pytest

import compare
from experiment import files
from experiment.compare import compared, reading
from experiment.errors import InputError
from experiment.evaluate import trials

HOSTILE = "<script>$x^{=1\x1b[2J"


@pytest.fixture
def run(write_run, tmp_path):
    return write_run(tmp_path / "a")


@pytest.mark.parametrize(
    "change",
    [{"env_steps": "many"}, {"env_steps": 0}, {"env_steps": True}, {"env_steps": 1.5},
     {"final_return_per_seed": 3}, {"final_return_per_seed": []},
     {"final_return_per_seed": ["x"]}, {"final_return_per_seed": [float("nan")]},
     {"num_parameters": 0}, {"num_parameters": -1}, {"num_parameters": 10**400},
     {"wall_seconds": None}, {"wall_seconds": float("inf")}, {"wall_seconds": {}},
     {"compile_seconds": "x"}, {"steps_per_second": []}],
    ids=str,
)  # fmt: skip
def test_refuses_what_a_summary_cannot_say(run, refused, change):
    path = run / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert next(iter(change)) in refused(compare, f"runs={run}")


@pytest.mark.parametrize("text", ["[" * 10**5, "{", "[]", "1" * 5000, "\udcff", "\x00"])
def test_refuses_what_is_no_summary(run, refused, text):
    (run / "summary.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert "summary.json" in refused(compare, f"runs={run}")


@pytest.mark.parametrize(
    "text",
    ["env_steps,seed,episode/return\n1,0,inf\n", "env_steps,seed,episode/return\n1,0\n",
     "env_steps,seed,episode/return\n1,0,1,5\n", f"env_steps,seed\n1,{'9' * 5000}\n",
     f"env_steps,seed,episode/return\n1,0,{'1' * 200_000}\n", "\x00\n", "a\n" * 3,
     "env_steps,seed,episode/return\n,,\n"],
)  # fmt: skip
def test_refuses_what_metrics_cannot_say(run, refused, text):
    (run / "metrics.csv").write_text(text)
    assert "metrics.csv" in refused(compare, f"runs={run}")


@pytest.mark.parametrize("name", ["summary.json", "metrics.csv", "config.yaml"])
def test_what_is_no_file_is_not_waited_for(run, refused, name):
    (run / name).unlink()
    os.mkfifo(run / name)
    assert "no file" in refused(compare, f"runs={run}")
    (run / name).unlink()
    (run / name).symlink_to("/dev/zero")
    assert "no file" in refused(compare, f"runs={run}")


def test_too_large_a_file_is_refused(run, refused, monkeypatch):
    for module, name in ((files, "MOST_JSON"), (reading, "MOST_ROWS")):
        monkeypatch.setattr(module, name, 10)
        assert "larger than 10" in refused(compare, f"runs={run}")
        monkeypatch.undo()


def test_few_rows_that_claim_much_are_refused(tmp_path):
    """10^15 places for as many rows as one writes in an hour would fill no memory."""
    rows = "".join(f"train,none,{k},{k},{k},0.5,1\n" for k in range(20_000))
    text = f"{','.join(trials.COLUMNS)}\n{rows}"
    (tmp_path / trials.FILE).write_bytes(gzip.compress(text.encode()))
    result = {"num_trials_trained": 1, "num_trials": 10**18, "levels": {}}
    (tmp_path / "result.json").write_text(json.dumps(result))
    with pytest.raises(InputError, match="each of the trials"):
        trials.read(tmp_path)


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "MOST_ROWS", 100)
    text = f"{','.join(trials.COLUMNS)}\n" + "train,none,0,0,1,0.5,1\n" * 200
    (tmp_path / trials.FILE).write_bytes(gzip.compress(text.encode()))
    result = {"num_trials_trained": 1, "num_trials": 1, "levels": {}}
    (tmp_path / "result.json").write_text(json.dumps(result))
    with pytest.raises(InputError, match="more than an evaluation can"):
        trials.read(tmp_path)


def test_a_line_without_an_end_is_not_waited_for(tmp_path):
    text = f"{','.join(trials.COLUMNS)}\n".encode() + bytes(2**24)
    (tmp_path / trials.FILE).write_bytes(gzip.compress(text))
    result = {"num_trials_trained": 1, "num_trials": 1, "levels": {}}
    (tmp_path / "result.json").write_text(json.dumps(result))
    with pytest.raises(InputError, match="line 2 is longer than 65,536 bytes"):
        trials.read(tmp_path)


@pytest.mark.parametrize("level", ["x", float("nan"), True, [], 10**400])
def test_levels_are_numbers(write_run, tmp_path, level):
    path = write_run(tmp_path / "a", transfer={"tasks": 2, "trained": 2, "trials": 2})
    (file,) = path.glob("evaluations/*/result.json")
    result = json.loads(file.read_text())
    result["levels"]["train"]["expert"] = level
    file.write_text(json.dumps(result))
    with pytest.raises(InputError, match=r"result\.json cannot be read"):
        trials.read(file.parent)


def test_a_folder_is_named_like_a_pattern(write_run, tmp_path):
    path = write_run(tmp_path / "a[1]*?")
    assert [f.path for f in compared.find([str(path)])] == [path]


def test_patterns_pass_over_what_cannot_be_looked_into(write_run, tmp_path):
    path = write_run(tmp_path / "a")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "file").touch()
    (tmp_path / os.fsdecode(b"\xff")).mkdir()
    assert [f.path for f in compared.find([str(tmp_path / "*")])] == [path]


@pytest.mark.parametrize("labels", ["a\tb,c", "a\x1b[2J,c", f"{'x' * 101},c", "a,a"])
def test_labels_are_checked(write_run, tmp_path, refused, labels):
    runs = f"{write_run(tmp_path / 'a')},{write_run(tmp_path / 'b')}"
    refused(compare, f"runs={runs}", f"labels={labels}")


def test_hostile_names_end_as_text(write_run, tmp_path, call):
    """Of folders, labels, experts and devices, through to page, tables and pictures."""
    shape = {"tasks": 2, "trained": 2, "trials": 3, "levels": (0.1, 1.0, HOSTILE)}
    runs = [
        write_run(tmp_path / name, devices=(HOSTILE,), transfer=shape)
        for name in ("<b>$a", "=b")
    ]
    runs[1].rename(tmp_path / os.fsdecode(b"=\xff"))
    pattern = f"runs={tmp_path}/*"
    out = tmp_path / "out"
    status, said, errors = call(compare, pattern, f"out={out}")
    assert status == 0 and not errors and len(runs) == 2
    page = (out / "report.html").read_text()
    assert "<script" not in page and "<b>" not in page and "\x1b" not in page + said
    status, *_ = call(compare, pattern, f"out={out}2", "labels=$x^{,<i>")
    assert status == 0 and "<i>" not in (tmp_path / "out2" / "report.html").read_text()

"""compare.py as a program: what it writes, what it refuses, and how fast it answers.

| mutant | fails |
|---|---|
| compare.py imports comparison_report at its top | test_refuses_without_waiting |
| brackets are kept | test_writes_pictures_* |
| a comparison is written over | test_a_comparison_is_not_written_over |
| unknown keys are dropped | test_refuses_without_waiting[unknown key] |
| a picture is left out of the report | test_writes_pictures_* |
| warnings are not printed | test_prints_parameter_counts_and_warnings |
| the report wants a transfer evaluation | test_without_transfer_* |
| transfer is asked for wherever there is none | test_nothing_is_said_of_transfer_* |
| a curve is not drawn | test_every_run_is_in_every_picture |
"""

import base64
import csv
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

import compare
from experiment.compare import compared
from experiment.compare import report as comparison_report
from experiment.report import panels, scales

ROOT = Path(__file__).parents[3]
HEAVY = ("jax", "flax", "gymnax", "distrax", "scipy", "matplotlib", "optax", "orbax")
PROGRAM = f"""
import sys
import compare
sys.argv[0] = "compare.py"
from experiment import entry
status = entry.status_of(compare.main)
print(*[name for name in {HEAVY} if name in sys.modules], sep=",", file=sys.stderr)
sys.exit(status)
"""
PICTURES = {"learning_curves", "iqm", "profiles", "costs"}
TRANSFER_PICTURES = {"adaptation", "transfer"}
TABLES = {
    *("learning_curves", "summary", "aggregates", "improvement", "profiles"),
    *("differences", "learners"),
}
TRANSFER_TABLES = {"adaptation", "transfer", "controls"}
SHAPE = {"tasks": 4, "trained": 4, "trials": 6}


@pytest.fixture(scope="module")
def base(write_run, tmp_path_factory):
    """Two runs with a transfer evaluation, one without."""
    base = tmp_path_factory.mktemp("runs")
    meta = "env=meta_bandit"
    write_run(base / "a", meta, transfer=SHAPE)
    write_run(base / "b", meta, "core=gru", num_parameters=30_000, transfer=SHAPE)
    write_run(base / "c", meta, "core=mlp", best=0.3, transfer=None)
    return base


@pytest.fixture(scope="module")
def written(base):
    """The folder of a comparison, and what was printed."""
    runs = compared.read([f"{base}/*"])
    folder = base.parent / "compared"
    return folder, comparison_report.write(runs, folder)


def program(*arguments, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


REFUSED = {
    "nothing named": (["out=x"], "runs=RUN_DIR", "none is named"),
    "an empty list": (["runs=[]"], "runs=RUN_DIR", "none is named"),
    "no such run": (["runs=no/such"], "no/such", "config.yaml"),
    "no match": (["runs=no/such*"], "no/such*", "finished run"),
    "unknown key": (["run=no/such"], "unknown key run", "'runs'"),
    "not an assignment": (["runs"], "key=value", "'runs'"),
}


@pytest.mark.parametrize(("arguments", "one", "other"), REFUSED.values(), ids=REFUSED)
def test_refuses_without_waiting(arguments, one, other):
    """Neither JAX nor SciPy nor matplotlib is needed to say what is wrong."""
    done = program(*arguments)
    sentence, imported = done.stderr.splitlines()
    assert done.returncode == 2 and done.stdout == ""
    assert sentence.startswith("error: ") and one in sentence and other in sentence
    assert imported == ""


@pytest.mark.parametrize("arguments", [[], ["--help"], ["runs=no/such", "-h"]])
def test_help(call, arguments):
    status, out, errors = call(compare, *arguments)
    assert status == 0 and errors == ""
    for word in ("runs=", "labels=", "out=", "transfer=true", "Exit status"):
        assert word in out, word


@pytest.mark.parametrize("text", ["a,b", "[a,b]", "[a, b]", " a , b,", "[a,,b]"])
def test_lists(text):
    assert compare.listed(text) == ["a", "b"]


def test_writes_pictures_tables_and_a_report_without_jax(base, tmp_path):
    done = program(f"runs=[{base}/a,{base}/b]", "labels=ours,theirs", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["scipy,matplotlib"]
    (folder,) = (tmp_path / "comparisons").iterdir()
    found = {path.name for path in folder.iterdir()}
    pictures = {f"{name}.png" for name in PICTURES | TRANSFER_PICTURES}
    tables = {f"{name}.csv" for name in TABLES | TRANSFER_TABLES}
    assert found == pictures | tables | {"report.html"}
    assert f"written to comparisons/{folder.name}/report.html" in done.stdout
    report = (folder / "report.html").read_text(encoding="utf-8")
    embedded = {
        base64.b64decode(data) for data in re.findall(r"base64,([\w+/=]+)", report)
    }
    assert embedded == {(folder / name).read_bytes() for name in pictures}
    assert not re.search(r"https?:|<script|<link|url\(", report)
    for word in (
        "ours",
        "theirs",
        "10,000",
        "30,000",
        "held-out tasks",
        "ours beats theirs",
    ):
        assert word in report, word


def test_prints_parameter_counts_and_warnings(written):
    folder, printed = written
    assert "30,000" in printed and "3.00x" in printed
    assert "warning: Parameter counts differ by 200%" in printed
    assert "warning: mlp has no transfer evaluation; python evaluate.py" in printed
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert report.count('<p class="warning">') == printed.count("warning: ") == 2


def test_tables_hold_what_can_be_read_back(written):
    folder, _ = written
    for name in TABLES | TRANSFER_TABLES:
        with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert rows, name
        for row in rows:
            for key in ("low", "high", "value", "mean_return", "fraction"):
                if key in row:
                    assert np.isfinite(float(row[key])), (name, row)


@pytest.mark.parametrize("name", sorted(PICTURES | TRANSFER_PICTURES))
def test_every_run_is_in_every_picture(written, name):
    """By its colour; the third run was not evaluated for transfer."""
    image = imread(written[0] / f"{name}.png")[..., :3]
    for index, color in enumerate(panels.PALETTE[:4]):
        wanted = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        share = float((np.abs(image - wanted).max(-1) < 0.02).mean())
        absent = index == 3 or (index == 2 and name in TRANSFER_PICTURES)
        assert (share == 0) if absent else (share > 1e-4), (index, share)


def test_without_transfer_the_report_says_how_to_make_it(base, tmp_path):
    runs = compared.read([f"{base}/c"])
    comparison_report.write(runs, tmp_path)
    found = {path.stem for path in tmp_path.iterdir()}
    # Of a single run nothing can be said to be better.
    assert found == PICTURES | TABLES - {"differences"} | {"report"}
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"python evaluate.py run={base}/c transfer=true makes one." in report


def test_nothing_is_said_of_transfer_where_there_can_be_none(base, write_run, tmp_path):
    """And of several runs, the one that can be evaluated is named."""
    plain = write_run(tmp_path / "plain", "core=mlp")
    for name, paths in {"alone": [plain], "mixed": [plain, base / "c"]}.items():
        runs = compared.read([str(path) for path in paths])
        comparison_report.write(runs, tmp_path / name)
    report = (tmp_path / "alone" / "report.html").read_text(encoding="utf-8")
    assert "Transfer</h2>" not in report and "transfer=true" not in report
    report = (tmp_path / "mixed" / "report.html").read_text(encoding="utf-8")
    assert "Transfer</h2>" in report and f"run={plain} transfer" not in report
    assert f"python evaluate.py run={base}/c transfer=true makes one." in report


def test_a_page_says_which_environment_of_ones_own(write_run, tmp_path):
    own = "env=custom", "env.entry_point=mine:Mine"
    runs = compared.read([str(write_run(tmp_path / "a", *own))])
    comparison_report.write(runs, tmp_path / "out")
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "s5 on mine:Mine</h1>" in report and "Environment: mine:Mine." in report
    assert ",mine:Mine,s5," in (tmp_path / "out" / "summary.csv").read_text()


def test_one_seed_that_finished_nothing_is_compared_all_the_same(write_run, tmp_path):
    """No interval, and no final return: what is left is drawn."""
    one = write_run(tmp_path / "one", "num_seeds=1", transfer=SHAPE)
    runs = compared.read([str(one)])
    runs[0].summary["final_return_per_seed"][:] = [None]
    comparison_report.write(runs, tmp_path / "out")
    with (tmp_path / "out" / "transfer.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert float(row["train_low"]) < float(row["train_adapted"])  # over tasks
    with (tmp_path / "out" / "aggregates.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows and all(row["low"] == "" for row in rows)  # over learners


def test_a_comparison_is_not_written_over(refused, base, tmp_path):
    (tmp_path / "report.html").touch()
    assert "already holds" in refused(compare, f"runs={base}/a", f"out={tmp_path}")
    file = tmp_path / "report.html"
    assert "must be a folder" in refused(compare, f"runs={base}/a", f"out={file}")


def test_colours_and_lines_tell_runs_apart():
    looks = [tuple(panels.look(index).values()) for index in range(28)]
    assert len(set(looks)) == 28


@pytest.mark.parametrize(
    ("values", "intervals", "expected"),
    [
        ([[0.0, 1.0]], [], (-0.08, 1.08)),
        ([[0.0], [1.0]], [[-0.5, 1.25]], (-0.5 - 0.14, 1.25 + 0.14)),
        ([[0.0, 1.0]], [[-90.0, 90.0]], (-0.5 - 0.16, 1.5 + 0.16)),
        ([[0.0, np.nan, 1.0]], [[np.nan]], (-0.08, 1.08)),
        ([[2.0]], [], (2.0 - 0.16, 2.0 + 0.16)),
    ],
)
def test_a_wide_interval_does_not_flatten_the_curves(values, intervals, expected):
    np.testing.assert_allclose(scales.limits(values, intervals), expected)


def test_nothing_to_draw_has_no_limits():
    assert scales.limits([], []) is None

"""metrics.csv bit for bit, and what of it can be mended.

| mutant | fails |
|---|---|
| cut keeps an update too many | test_cut_keeps_up_to_the_checkpoint |
| cut keeps a torn line | test_cut_drops_a_line_that_a_kill_tore |
| nine digits are written | test_the_file_gives_back_what_was_put_in |
| damaged lines are passed over | test_damage_before_the_checkpoint_is_refused |
| seeds are not counted | test_a_missing_row_is_refused |
| those that diverged must have rows | test_rows_of_the_diverged_may_end |
| the file is read whole, or a line is | test_an_endless_line_takes_no_memory |
| rows may go back | test_rows_that_go_back_are_refused |
| what is no file is opened | test_what_is_no_file_is_refused |
| columns are not compared | test_columns_of_another_version_are_refused |
"""

import os
import resource
from pathlib import Path

import numpy as np
import pytest

from experiment.errors import InputError
from experiment.run import metrics
from experiment.run.metrics_file import MetricsFile

AWKWARD = [0.1, 1 / 3, 1e-45, 1.7976931348623157e308, -0.0, 123456789.123456789]


def rows_of(last: int, seeds: int = 2):
    values = np.array([AWKWARD[:seeds], AWKWARD[-seeds:]])
    return [
        row
        for number in range(1, last + 1)
        for row in metrics.make_rows(
            {
                "episode/count": np.full(seeds, number),
                "loss/value": values[number % 2],
                "episode/return": np.array([np.nan, *AWKWARD[1:seeds]]),
            },
            env_steps=number * 20,
            update=number,
        )
    ]


def test_the_file_gives_back_what_was_put_in(tmp_path):
    file = MetricsFile(tmp_path / "metrics.csv")
    rows = rows_of(4, seeds=6)
    for start in range(0, len(rows), 6):
        file.append(rows[start : start + 6])
    back = file.read()
    assert back == rows
    assert [list(row) for row in back] == [list(row) for row in rows]
    assert all(np.signbit(row["loss/value"]) for row in back if row["seed"] == 4)


def test_float32_survives_as_the_float64_of_its_value(tmp_path):
    value = np.float32(0.1)
    file = MetricsFile(tmp_path / "metrics.csv")
    file.append(
        metrics.make_rows({"loss/value": np.array([value])}, env_steps=1, update=1)
    )
    assert np.float32(file.read()[0]["loss/value"]) == value


@pytest.mark.parametrize("last", [0, 1, 3, 5, 6])
def test_cut_keeps_up_to_the_checkpoint(tmp_path, last):
    """Byte for byte what the file was at that moment, and it can be gone on with."""
    whole, then = (MetricsFile(tmp_path / name) for name in ("whole.csv", "then.csv"))
    whole.append(rows_of(5))
    then.append(rows_of(min(last, 5)))
    whole.cut(min(last, 5), num_seeds=2)
    if last:
        assert whole.path.read_bytes() == then.path.read_bytes()
    else:
        assert not whole.path.exists()
    rest = rows_of(5)[2 * last :]
    whole.append(rest)
    assert whole.read() == rows_of(5)


@pytest.mark.parametrize("torn", ["100", "100,5", "100,5,0,5,0.", "1"])
def test_cut_drops_a_line_that_a_kill_tore(tmp_path, torn):
    file = MetricsFile(tmp_path / "metrics.csv")
    file.append(rows_of(4))
    whole = file.path.read_bytes()
    with file.path.open("a") as end:
        end.write(torn)
    file.cut(4, num_seeds=2)
    assert file.path.read_bytes() == whole


def test_cut_of_nothing_is_nothing(tmp_path):
    file = MetricsFile(tmp_path / "metrics.csv")
    file.cut(0, num_seeds=2)
    assert file.read() == []
    file.path.touch()
    file.cut(0, num_seeds=2)
    assert file.read() == []


@pytest.fixture
def file(tmp_path):
    """Of five log points and two seeds: lines 2 to 11."""
    file = MetricsFile(tmp_path / "metrics.csv")
    file.append(rows_of(5))
    return file


def change(file, line, new):
    lines = file.path.read_bytes().split(b"\n")
    lines[line - 1] = new(lines[line - 1])
    file.path.write_bytes(b"\n".join(lines))


DAMAGES = {
    "a letter": lambda line: line.replace(b",2,", b",x,", 1),
    "a value too few": lambda line: line.rpartition(b",")[0],
    "bytes": lambda line: b"\305\377\000",
    "nothing": lambda line: b"",
    "no seed": lambda line: line.replace(b",2,0,", b",2,,"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_before_the_checkpoint_is_refused(file, damage):
    change(file, 4, DAMAGES[damage])
    before = file.path.read_bytes()
    with pytest.raises(InputError, match="line 4 must hold numbers; ") as refusal:
        file.cut(5, num_seeds=2)
    assert "\n" not in str(refusal.value)
    assert file.path.read_bytes() == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_after_the_checkpoint_is_mended_with_a_sentence(file, damage, capsys):
    change(file, 4, DAMAGES[damage])
    file.cut(1, num_seeds=2)
    assert file.read() == rows_of(1)
    assert "line 4" in capsys.readouterr().out


def test_a_header_that_is_none_is_refused(file):
    change(file, 1, lambda _: b"\000\000")
    with pytest.raises(InputError, match="names of its columns"):
        file.cut(5, num_seeds=2)
    file.cut(0, num_seeds=2)  # nothing is lost: the run begins anew
    assert not file.path.exists()


@pytest.mark.parametrize("line", range(2, 12))
def test_a_missing_row_is_refused(file, line):
    lines = file.path.read_bytes().splitlines(keepends=True)
    file.path.write_bytes(b"".join(lines[: line - 1] + lines[line:]))
    with pytest.raises(InputError, match=r"seeds \[0, 1\]; got \[[01]\]"):
        file.cut(5, num_seeds=2)


def test_rows_that_end_before_the_checkpoint_are_refused(file):
    with pytest.raises(InputError, match="checkpoint of update 7; its rows end at upd"):
        file.cut(7, num_seeds=2)


def test_rows_that_go_back_are_refused(file):
    lines = file.path.read_bytes().splitlines(keepends=True)
    file.path.write_bytes(b"".join([*lines[:7], *lines[3:5]]))
    with pytest.raises(InputError, match="update 2 must not follow update 3"):
        file.cut(5, num_seeds=2)


GIGABYTES = 3 * 2**30  # of nothing, which take no place on the disk


@pytest.fixture
def little_memory():
    """Half a gigabyte more than there is now."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + 2**29
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("after", [1, 3, 11], ids=["header", "update 1", "all"])
def test_an_endless_line_takes_no_memory(file, little_memory, after, capsys):
    """Of whatever is read whole by anybody, a row or a file."""
    lines = file.path.read_bytes().splitlines(keepends=True)
    file.path.write_bytes(b"".join(lines[:after]))
    os.truncate(file.path, GIGABYTES)
    with pytest.raises(ValueError, match=f"line {after + 1} is longer than 1,048,576"):
        file.read()
    if after < 11:
        with pytest.raises(InputError, match=f"damaged: line {after + 1} is longer"):
            file.cut(5, num_seeds=2)
        return
    file.cut(5, num_seeds=2)
    assert file.path.read_bytes() == b"".join(lines)
    assert "line 12 is longer" in capsys.readouterr().out


def test_an_endless_header_takes_no_memory(file, little_memory):
    os.truncate(file.path, 0)
    os.truncate(file.path, GIGABYTES)
    with pytest.raises(InputError, match="names of its columns"):
        file.cut(5, num_seeds=2)


def test_what_is_no_file_is_refused(file):
    """A pipe would be waited for."""
    file.path.unlink()
    os.mkfifo(file.path)
    with pytest.raises(InputError, match="it is no file"):
        file.cut(5, num_seeds=2)


def test_rows_of_the_diverged_may_end(tmp_path):
    file = MetricsFile(tmp_path / "metrics.csv")
    rows = [r for r in rows_of(5) if r["seed"] == 0 or r["update"] < 4]
    file.append(rows)
    file.cut(5, num_seeds=2, ended={1: 4})
    assert file.read() == rows
    with pytest.raises(InputError, match="update 4 must have rows of seeds"):
        file.cut(5, num_seeds=2)


def test_a_lost_file_stops_nobody(tmp_path, capsys):
    MetricsFile(tmp_path / "metrics.csv").cut(5, num_seeds=2)
    assert "is missing" in capsys.readouterr().out


def test_columns_of_another_version_are_refused(file):
    names = ["episode/count", "loss/value", "episode/return"]
    file.check_columns(names)
    for other in (names[:-1], [*names, "new"], ["episode/count", "loss/v", *names[2:]]):
        with pytest.raises(InputError, match="columns that this version writes"):
            file.check_columns(other)

"""Few minutes on a card are used well, and nothing that was answered is lost.

mutant                                  | the test that failed: test_…
--------------------------------------- | ------------------------------------
turns begin as soon as one has compiled | they_compile_side_by_side_and_*
turns are not one after another         | they_compile_side_by_side_and_*
what a dead process left is not told    | what_goes_wrong_is_an_answer
a refusal is asked again                | it_goes_on_where_it_stopped
failures come before what is new        | it_goes_on_where_it_stopped
the clock is not looked at in a turn    | it_stops_when_time_is_out
flags are set after the import          | a_process_has_its_own_flags
"""

import itertools
import time
from contextlib import contextmanager

import pytest

from benchmarks.gpu.answers import Answers
from benchmarks.gpu.coordinator import Clock, ask_all
from benchmarks.gpu.question import Question

MODULE = "tests.benchmarks.gpu.stand_ins"


def question(title, asks, /, patience=60.0, environment=None, **arguments):
    return Question(title, f"{MODULE}:{asks}", arguments, environment or {}, patience)


@pytest.fixture
def ask(tmp_path):
    """Asks, and gives rows by question; `ask.quiet` counts turns."""
    turns = []

    @contextmanager
    def quiet():
        turns.append(time.monotonic())
        yield
        turns.append(time.monotonic())

    def ask(*questions, minutes=1.0, side_by_side=9):
        answers = Answers(tmp_path / "out")
        ask_all(questions, answers, Clock(minutes),
                side_by_side=side_by_side, quiet=quiet)  # fmt: skip
        rows = {}
        for row in answers.rows():
            rows.setdefault(row.pop("question"), []).append(row)
        return rows

    ask.turns = turns
    return ask


def test_they_compile_side_by_side_and_time_one_after_another(ask, tmp_path):
    names = ("one", "two", "three")
    listed = [
        question(name, "spans", folder=str(tmp_path), name=name, seconds=0.1)
        for name in names
    ]
    rows = ask(*listed)
    at = {}
    for name in names:
        lines = (tmp_path / name).read_text().split("\n")[:-1]
        at[name] = {line.split()[0]: float(line.split()[1]) for line in lines}
        first, second, last = rows[name]
        assert (first, second) == ({"first": name}, {"second": name})
        assert last["status"] == "done" and last["timed_in"] >= 0.1
    # Nobody times before all have compiled, nor while another does.
    assert max(t["compiled"] for t in at.values()) < min(
        t["timing"] for t in at.values()
    )
    for before, after in itertools.pairwise(names):
        assert at[before]["timed"] <= at[after]["timing"]
    # All of it in quiet.
    begins, ends = ask.turns[::2], ask.turns[1::2]
    for name, begin, end in zip(names, begins, ends, strict=True):
        assert begin < at[name]["timing"] < at[name]["timed"] < end


def test_what_goes_wrong_is_an_answer(ask):
    rows = ask(
        question("refuses", "refuses", why="no kernel here."),
        question("fails", "fails"),
        question("dies early", "dies", when="compiling"),
        question("dies late", "dies", when="timing"),
        question("is not there", "no_such_thing"),
        question("hangs", "hangs", patience=0.9, when="timing"),
        question("runs", "sees", name="HOME"),
    )
    last = {name: found[-1] for name, found in rows.items()}
    assert last["refuses"] == {"status": "refused", "said": "no kernel here."}
    assert last["fails"]["said"] == "ValueError: two lines"
    assert rows["fails"][0] == rows["dies late"][0] == {"before": 1}
    assert last["dies early"]["said"] == "the process ended with status 7."
    assert last["dies late"]["said"] == "the process ended with status 9."
    assert "AttributeError" in last["is not there"]["said"]
    assert last["hangs"]["said"] == "it was not done after 1 seconds."
    wrong = set(last) - {"refuses", "runs"}
    assert {last[name]["status"] for name in wrong} == {"failed"}
    assert last["runs"]["status"] == "done"


def test_it_goes_on_where_it_stopped(ask, tmp_path):
    answers = Answers(tmp_path / "out")
    answers.write("done", status="done")
    answers.write("refused", status="refused", said="no.")
    answers.write("failed", status="failed", said="it hung.")
    answers.write("cut short", first=1)  # and then time was out
    with answers.path.open("a") as file:
        file.write('{"question": "torn", "sta')
    names = {name: name for name in ("failed", "done", "new", "refused", "cut short")}
    assert answers.left(names) == ["new", "cut short", "failed"]
    with answers.path.open("a") as file:
        file.write("\n")
    rows = ask(*(question(name, "sees", name="HOME") for name in names))
    assert len(rows["done"]) == len(rows["refused"]) == 1
    for name in ("new", "cut short", "failed"):
        assert rows[name][-1]["status"] == "done"


def test_it_stops_when_time_is_out(ask):
    start = time.monotonic()
    rows = ask(
        question("quick", "sees", name="HOME"),
        question("hangs", "hangs", when="timing"),
        question("never", "sees", name="HOME"),
        minutes=1.2 / 60,
        side_by_side=2,
    )
    assert time.monotonic() - start < 20
    assert "never" not in rows and "hangs" not in rows  # asked again by the next


def test_a_process_has_its_own_flags(ask, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--before")
    rows = ask(
        question("with", "sees", environment={"XLA_FLAGS": "--mine"}, name="XLA_FLAGS"),
        question("without", "sees", name="XLA_FLAGS"),
    )
    assert rows["with"][0] == {"value": "--before --mine", "memory": "false"}
    assert rows["without"][0] == {"value": "--before", "memory": "false"}

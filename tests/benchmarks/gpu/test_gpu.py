"""What a card would be asked is asked of this CPU, at tiny sizes.

mutant                                 | the test that failed: test_…
-------------------------------------- | -----------------------------------
the definition forgets a reset         | the_definition_is_the_definition
an error of NaN is tolerated           | an_error_is_one
the kernel's refusal is not caught     | a_method_that_is_not_there_refuses
SIGSTOP is not sent                    | science_stands_still_while_paused
"""

import json
import signal
import subprocess
import sys
import time

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.gpu import __main__, laws, methods, science
from benchmarks.gpu.answers import Answers
from benchmarks.gpu.questions import questions
from benchmarks.gpu.worker import Refusal
from s5rl.recurrence import METHODS
from s5rl.recurrence.reference import reference

pytestmark = pytest.mark.usefixtures("quick_compilation")


def test_questions_are_answered_by_functions_that_are_there():
    for tiny in (True, False):
        listed = questions(tiny=tiny)
        assert len({one.name for one in listed}) == len(listed)
        for one in listed:
            module, _, name = one.asks.partition(":")
            __import__(module)
            assert callable(getattr(sys.modules[module], name))
    # In order of value, and every method there is.
    order = [one.name.partition("/")[0] for one in listed]
    kinds = ["runs", "laws", "paper", "recurrence", "presets", "launches"]
    kinds += ["environments"]
    assert list(dict.fromkeys(order)) == kinds
    names = {one.name for one in listed}
    assert {f"recurrence/{method}" for method in METHODS} <= names
    assert {"paper/s5/auto", "paper/gru", "presets/meta_cartpole"} <= names
    assert "environments/projected_control/select" in names


def test_the_definition_is_the_definition():
    rng = np.random.default_rng(0)
    b, bar = (
        rng.normal(size=(4, 2, 3)) + 1j * rng.normal(size=(4, 2, 3)) for _ in "ab"
    )
    a, carry = rng.normal(size=3) + 0.5j, rng.normal(size=(2, 3)) + 0j
    reset = np.array([[0, 0], [1, 0], [0, 0], [0, 1]], bool)
    h, a_bar, b_bar, carry_bar = laws.by_definition(a, b, reset, carry, bar)
    want = reference(*map(jnp.asarray, (a[None, None], b, reset, carry)))
    np.testing.assert_allclose(h, want, rtol=1e-5, atol=1e-5)

    def weighed(a=a, b=b, carry=carry):
        return (bar * laws.by_definition(a, b, reset, carry, bar)[0]).sum()

    # It is holomorphic: along any direction, the difference is the cotangent's.
    for name, value, cotangent in (
        ("a", a, a_bar), ("b", b, b_bar), ("carry", carry, carry_bar)
    ):  # fmt: skip
        way = rng.normal(size=value.shape) + 1j * rng.normal(size=value.shape)
        high, low = (weighed(**{name: value + s * 1e-5 * way}) for s in (1, -1))
        np.testing.assert_allclose((high - low) / 2e-5, (cotangent * way).sum(), 1e-7)


@pytest.mark.slow  # the tiny run asks it as well
def test_the_recurrence_keeps_its_laws_here():
    rows = list(laws.recurrence("sequential")())
    assert len(rows) == 6 and all(row["holds"] for row in rows)


def test_an_error_is_one():
    one = np.ones(3)
    held = laws._held("law", one, one + np.float64(1e-3), 1e-2)
    assert held["holds"] and held["error"] == pytest.approx(1e-3, rel=1e-2)
    assert not laws._held("law", one, one + 0.1, 1e-2)["holds"]
    assert not laws._held("law", one * np.nan, one, 1e-2)["holds"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda: methods.beside_the_floor("kernel", [[2, 2, 2]], calls=1, copied=8),
        pytest.param(lambda: laws.recurrence("kernel"), marks=pytest.mark.slow),
    ],
    ids=["methods", "laws"],
)
def test_a_method_that_is_not_there_refuses_in_a_sentence(ask, monkeypatch):
    def none(*arguments, method):
        raise ValueError("no kernel on any\nplatform.")

    monkeypatch.setattr(laws, "linear_recurrence", none)
    monkeypatch.setattr(methods, "linear_recurrence", none)
    monkeypatch.setattr(methods, "inputs", lambda *size: (np.ones(2),) * 4)
    with pytest.raises(Refusal, match=r"^no kernel on any platform\.$"):
        ask()


def test_science_stands_still_while_paused(tmp_path, monkeypatch):
    """A work that counts does not count meanwhile, and is told to end."""
    path = tmp_path / "count"
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        f"while True: open({str(path)!r}, 'a').write('x'); time.sleep(0.01)\n"
    )
    monkeypatch.setattr(
        science.Science, "_commands", lambda *_: iter([["-c", program]])
    )
    answers = Answers(tmp_path / "out")
    background = science.Science(
        [science.Work("science/it", ()), science.Work("science/never", ())],
        answers,
        tmp_path,
    )

    def count():
        return path.stat().st_size if path.exists() else 0

    def wait_for(what):
        end = time.monotonic() + 20
        while not what():
            assert time.monotonic() < end
            time.sleep(0.01)

    with background.paused():
        background.start()
        time.sleep(0.1)
        assert not count()  # nothing begins in quiet either
    wait_for(count)
    with background.paused():
        time.sleep(0.05)  # what it was at
        before = count()
        time.sleep(0.2)
        assert count() == before
    wait_for(lambda: count() > before)
    background.start()  # does nothing
    background.end()
    assert background._child is not None
    assert background._child.returncode == 143 != -signal.SIGKILL
    assert answers.rows() == []  # neither done nor failed: it goes on the next time


@pytest.mark.slow
def test_a_tiny_run_answers_everything_and_then_nothing_more(tmp_path, capsys):
    flags = ["--tiny", "--minutes", "9", "--processes", "2"]
    flags += ["--out", str(tmp_path / "out"), "--runs", str(tmp_path / "runs")]
    command = [sys.executable, "-m", "benchmarks.gpu", *flags]
    done = subprocess.run(command, cwd=science.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = Answers(tmp_path / "out")
    wanted = [one.name for one in questions(tiny=True)] + ["science/memory_chain"]
    assert answers.status() == dict.fromkeys(wanted, "done"), answers.path.read_text()
    rows = answers.rows()
    assert all(row["holds"] for row in rows if "holds" in row)
    for kind, keys in {
        "runs": {"platform", "jax", "device"},
        "paper": {"steps_per_second", "update_seconds", "collect_seconds"},
        "recurrence": {"microseconds", "floor_microseconds", "times_floor"},
        "presets": {"steps_per_second", "compile_seconds", "gigabytes"},
        "launches": {"dispatches", "microseconds_a_step"},
        "science": {"final_return", "steps_per_second"},
    }.items():
        of_kind = [row for row in rows if row["question"].partition("/")[0] == kind]
        assert any(keys <= set(row) for row in of_kind), kind
    before = answers.path.read_text()
    __main__.main(flags)
    assert "not yet: nothing" in capsys.readouterr().out
    assert answers.path.read_text() == before
    assert all(json.loads(line) for line in before.splitlines())

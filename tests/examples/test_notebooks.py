"""The notebooks, as programs at a small size, and what they computed.

| mutant | fails |
|---|---|
| train_and_watch: the flag in the middle is not given | test_watching_* |
| adaptation: trained on one pull | test_the_bandit_* |
| core_in_your_model: `reset` is zeros | test_the_core_* |
"""

import importlib.util
import runpy
import sys
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "examples" / "notebooks"
NEEDED = ("jupytext", "nbclient", "ipykernel")
NAMES = ("train_and_watch", "adaptation", "core_in_your_model")


def test_all_are_run_here_and_say_what_they_are():
    assert {path.stem for path in NOTEBOOKS.glob("*.py")} == set(NAMES)
    for name in NAMES:
        text = (NOTEBOOKS / f"{name}.py").read_text()
        assert "format_name: percent" in text and "S5RL_SMALL" in text
        assert text.count("# %% [markdown]") >= 4


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """`(name) -> its variables`, after it has run small, with its folders here."""
    monkeypatch.setenv("S5RL_SMALL", "1")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(NOTEBOOKS)  # where a notebook starts

    return lambda name: runpy.run_path(str(NOTEBOOKS / f"{name}.py"))


@pytest.mark.slow
@pytest.mark.lenient
def test_watching_a_learner_that_remembers_and_then_not(ran):
    made = ran("train_and_watch")
    assert made["final"]["s5"] > 0.7 and abs(made["final"]["mlp"]) < 0.3
    assert made["watched"] > 0.8 and abs(made["forgotten"]) < 0.6
    assert len(made["seen"]) == made["LENGTH"] + 1


@pytest.mark.slow
@pytest.mark.lenient
def test_the_bandit_is_learned_in_context_and_clearing_memory_costs(ran):
    made = ran("adaptation")
    (first, *_), (adapted, low, _) = made["first"], made["adapted"]
    assert abs(first - made["levels"]["random"]) < 0.2  # of 64 tasks, a pull each
    assert adapted > first + 0.05 and low > made["levels"]["random"]
    assert made["loss"][0] > 0
    assert set(made["held_out"]["controls"]) == {"cleared", "swapped", "never_reset"}


@pytest.mark.slow
@pytest.mark.lenient
def test_the_core_learns_steps_and_keeps_segments_apart(ran):
    made = ran("core_in_your_model")
    assert made["losses"][0] > 0.7 and made["losses"][-1] < 0.4
    assert made["step_error"] < 1e-5
    assert made["nan_in_its_own"] and made["nan_elsewhere"] < 1e-6


@pytest.mark.slow
@pytest.mark.skipif(
    any(importlib.util.find_spec(x) is None for x in NEEDED),
    reason="needs the extra `notebooks`",
)
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_as_a_notebook(name, tmp_path, monkeypatch):
    """In a kernel of its own, and with its pictures."""
    import jupytext
    import nbclient

    monkeypatch.setenv("S5RL_SMALL", "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = jupytext.read(NOTEBOOKS / f"{name}.py")
    place = {"metadata": {"path": str(NOTEBOOKS)}}
    nbclient.NotebookClient(notebook, timeout=3600, resources=place).execute()
    shown = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert shown and all(out["output_type"] != "error" for out in shown)
    pictures = [out for out in shown if "image/png" in out.get("data", {})]
    assert len(pictures) == (0 if name == "core_in_your_model" else 1)

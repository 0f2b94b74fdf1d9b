"""`figures=`: which formats, and what is refused.

| mutant | fails |
|---|---|
| any suffix is taken | test_other_formats_are_refused_in_a_sentence |
| a format is drawn twice | test_other_formats_are_refused_in_a_sentence |
| brackets are kept | test_formats |
"""

import pytest

import compare
import evaluate
from experiment.setup.figures import formats


def test_formats():
    assert formats(None) == ()
    assert formats("svg") == ("svg",)
    assert formats("[pdf, svg]") == formats("pdf,svg") == ("pdf", "svg")


@pytest.mark.parametrize("text", ["png", "", "svg,", "svg svg", "svg,svg", "[svg"])
def test_other_formats_are_refused_in_a_sentence(refused, tmp_path, text):
    wanted = "figures must be svg, pdf or svg,pdf; got "
    assert wanted in refused(compare, f"runs={tmp_path}", f"figures={text}")
    transfer = (f"run={tmp_path}", "transfer=true")
    assert wanted in refused(evaluate, *transfer, f"figures={text}")


def test_figures_are_of_a_transfer_or_a_comparison(refused, tmp_path):
    said = refused(evaluate, f"run={tmp_path}", "figures=svg")
    assert "figures says how transfer is measured: set transfer=true" in said
    said = refused(evaluate, f"run={tmp_path}", "trials=3")  # of either
    assert "set transfer=true or film=true." in said
    said = refused(compare, f"field={tmp_path}", "figures=svg")
    assert "got figures=" in said

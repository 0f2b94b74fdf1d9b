"""Tables as Markdown and LaTeX have them.

| mutant | fails |
|---|---|
| text is not escaped | test_what_means_something_* |
| LaTeX's backslash is escaped after its braces | test_what_means_something_* |
| the caption is left out | test_all_of_it_is_there |
"""

from experiment.report.formats import as_latex, as_markdown
from experiment.report.page import Table

TABLE = Table(("core", "t_maze"), [("a|b", 0.5), ("50% & {x}\\y", None)], "Of $1_000.")


def test_all_of_it_is_there():
    assert as_markdown(Table(("a", "b"), [("x", 1000), ("y", 0.25)], "Said.")) == (
        "| a | b |\n| --- | ---: |\n| x | 1,000 |\n| y | 0.250 |\n\nSaid.\n"
    )
    lines = as_latex(Table(("a", "b"), [("x", 1000)], "Said.")).splitlines()
    assert [line.strip() for line in lines] == [
        r"\begin{table}", r"\centering", r"\caption{Said.}",
        r"\begin{tabular}{lr}", r"\toprule", r"a & b \\", r"\midrule", r"x & 1,000 \\",
        r"\bottomrule", r"\end{tabular}", r"\end{table}",
    ]  # fmt: skip


def test_what_means_something_there_is_escaped():
    latex, markdown = as_latex(TABLE), as_markdown(TABLE)
    assert r"core & t\_maze \\" in latex and r"\caption{Of \$1\_000.}" in latex
    assert r"50\% \& \{x\}\textbackslash{}y & -- \\" in latex
    assert "| a\\|b | 0.500 |" in markdown and "| core | t\\_maze |" in markdown

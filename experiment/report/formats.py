"""Tables for papers and pages: Markdown, and LaTeX with booktabs."""

from experiment.report.page import Table, show

_LATEX = {
    "\\": r"\textbackslash{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "±": r"$\pm$",
    "<": "$<$",
    ">": "$>$",
}
_MARKDOWN = {"\\": "\\\\", "|": "\\|", "<": "&lt;", "*": "\\*", "_": "\\_", "`": "\\`"}


def as_markdown(table: Table) -> str:
    """A table of GitHub's Markdown, its caption below."""
    head = [_escaped(name, _MARKDOWN) for name in table.columns]
    rows = [[_escaped(show(cell), _MARKDOWN) for cell in row] for row in table.rows]
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *rows]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{text}\n\n{_escaped(table.caption, _MARKDOWN)}\n"


def as_latex(table: Table) -> str:
    """A `table` for LaTeX, with \\usepackage{booktabs}."""
    columns = f"l{'r' * (len(table.columns) - 1)}"
    head, *rows = (
        " & ".join(_escaped(text, _LATEX) for text in line) + r" \\"
        for line in [table.columns, *([show(c) for c in row] for row in table.rows)]
    )
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{_escaped(table.caption, _LATEX)}}}",
            rf"  \begin{{tabular}}{{{columns}}}",
            r"    \toprule",
            f"    {head}",
            r"    \midrule",
            *(f"    {row}" for row in rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(letter, letter) for letter in text)

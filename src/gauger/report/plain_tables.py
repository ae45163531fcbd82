"""Writes tables for papers and notes: Markdown and LaTeX, from the same rows as the report's tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gauger.report.blocks import HtmlTable
from gauger.report.document_view import Row
from gauger.report.tables import estimates_table
from gauger.report.wording import MINUS, THIN, number

_CONTRACT = frozenset({"estimand", "arm", "control", "benchmark", "role", "over", "low", "high", "note", "kind"})
"""Keys of an estimate of `estimates.json`; rows without them are tabulated as they stand."""
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", MINUS: "$-$", THIN: r"\,", "–": "--", "…": r"\dots{}", "\u00a0": "~",
}  # fmt: skip
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#~$])")


def plain_table(rows: Sequence[Row]) -> HtmlTable:
    """Return the rows of a document's estimates as a table of words and rounded numbers.

    Parameters
    ----------
    rows : sequence of mapping
        Estimates of `estimates.json` get the columns of the report, in percentage points; any other rows their own,
        numbers to four significant digits.
    """
    if rows and set(rows[0]) >= _CONTRACT:
        return estimates_table(rows, "")
    names = list(dict.fromkeys(name for row in rows for name in row))
    numeric = {k for k, name in enumerate(names) if all(_is_number(row.get(name)) for row in rows)}
    return HtmlTable(names, [[_cell(row.get(name)) for name in names] for row in rows], numeric=frozenset(numeric))


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", MINUS)
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value, 0)
    return str(value)


def markdown(table: HtmlTable) -> str:
    """Return a table in Markdown (GitHub's); every cell is escaped, and stands on one line."""
    head = [_markdown(name) for name in table.columns]
    rule = ["---:" if place in table.numeric else "---" for place in range(len(head))]
    body = [[_markdown(cell.text) for cell in row] for row in table.cells()]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *body))


def _markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", _one_line(text))


def latex(table: HtmlTable, caption: str = "") -> str:
    """Return a table in LaTeX: a ``tabular`` with the rules of ``booktabs``, every cell escaped.

    Parameters
    ----------
    table : HtmlTable
    caption : str
        Where it is given the tabular stands in a ``table`` with it.
    """
    columns = "".join("r" if place in table.numeric else "l" for place in range(len(table.columns)))
    rows = [_latex_row(table.columns), r"\midrule", *(_latex_row([c.text for c in row]) for row in table.cells())]
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", *rows, r"\bottomrule", r"\end{tabular}"]
    if caption:
        lines = [r"\begin{table}", r"\centering", rf"\caption{{{_latex(caption)}}}", *lines, r"\end{table}"]
    return "\n".join(["% needs \\usepackage{booktabs}", *lines]) + "\n"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(_latex(cell) for cell in cells) + r" \\"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in _one_line(text))


def _one_line(text: str) -> str:
    """Return a text without line ends and other control characters."""
    return "".join(letter if letter.isprintable() or letter == THIN else " " for letter in text).strip()

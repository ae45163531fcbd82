"""Defines what every function of the API returns: the document that the command prints, and ways to look at it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from gauger.report import Figure

ROWS_SHOWN = 12
"""Rows of estimates in a notebook; the others are counted."""
SHOWN = ("estimand", "arm", "control", "benchmark", "over", "value", "low", "high", "n_items", "reason")
"""Columns of a notebook's table, as far as the estimates have them."""


class Result:
    """What an analysis found: its estimates, its verdict, its figures and its report.

    Made by the functions of `gauger`, never by hand. The document behind it is exactly what the command of the same
    name prints under ``--json``: numbers are equal to the last bit.

    Parameters
    ----------
    document : Mapping
        The document; of schema `gauger.estimates/2` unless a subclass says otherwise.
    """

    rows_of = "estimates"
    """The part of the document that `estimates` tabulates."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def to_dict(self) -> dict[str, Any]:
        """Return the document as the command prints it under ``--json``, parsed."""
        return parsed(self._document)

    @cached_property
    def estimates(self) -> pl.DataFrame:
        """The estimates, one row each, with the columns of the JSON; an undefined value is NULL with its `reason`."""
        from gauger.api.frames import frame_of

        return frame_of(self.to_dict()[self.rows_of])

    def to_pandas(self) -> Any:
        """Return `estimates` as a pandas DataFrame.

        Raises
        ------
        MissingExtraError
            Where pandas is not installed.
        """
        from gauger.api.frames import pandas_of

        return pandas_of(self.estimates)

    def to_csv(self) -> str:
        """Return `estimates` as CSV text: every column, numbers as they read back, NULL empty."""
        from gauger.api.export import csv_of

        return csv_of(self)

    def to_markdown(self) -> str:
        """Return `estimates` as a Markdown table, rounded as in the report."""
        from gauger.report import markdown, plain_table

        return markdown(plain_table(self.estimates.to_dicts()))

    def to_latex(self) -> str:
        """Return `estimates` as a LaTeX table (booktabs), rounded as in the report."""
        from gauger.report import latex, plain_table

        return latex(plain_table(self.estimates.to_dicts()), self.headline)

    @property
    def verdict(self) -> Mapping[str, Any] | None:
        """Rule, outcome, probability and checks; None where no threshold was fixed before the results were seen."""
        verdict = self.to_dict().get("verdict")
        return None if verdict is None else MappingProxyType(verdict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know, in sentences."""
        return tuple(self._document.get("warnings", ()))

    @property
    def headline(self) -> str:
        """The last word in one sentence."""
        from gauger.report import headline

        return headline(self.to_dict())

    @cached_property
    def _figures(self) -> Mapping[str, Figure]:
        return {figure.id: figure for figure in self._drawn()}

    def _drawn(self) -> Sequence[Figure]:
        """Draw the figures of the report."""
        from gauger.report import figures_of

        return figures_of(self.to_dict())

    @property
    def figures(self) -> tuple[str, ...]:
        """Names that `figure` knows, in the order of the report."""
        return tuple(self._figures)

    def figure(self, name: str) -> Any:
        """Return a figure of the report as an Altair chart, which notebooks draw and ``.save()`` writes.

        Parameters
        ----------
        name : str
            One of `figures`.

        Raises
        ------
        UserError
            An unknown name, with the nearest known one.
        """
        from gauger.errors import UserError, nearest
        from gauger.report import chart_of

        if name not in self._figures:
            hint = nearest(name, self._figures) if self._figures else "This result has no figures."
            raise UserError("the name of a figure", repr(name), hint=hint)
        return chart_of(self._figures[name])

    def report(self, path: Path | str) -> Path:
        """Write the report and return the path of its page.

        Parameters
        ----------
        path : path
            A file that ends in ``.html``: the page alone. Anything else is a directory, made where it does not exist,
            that gets ``report.html`` and ``figures/``.
        """
        from gauger.report import write

        target = Path(path)
        return self._write_page(target) if target.suffix == ".html" else write(self.to_dict(), target)

    def print_report(self, path: Path | str) -> Path:
        """Write the report's page with everything open that can be folded, for paper and PDF, and return its path.

        Parameters
        ----------
        path : path
            The file to write.
        """
        return self._write_page(Path(path), unfolded=True)

    def _page(self, *, unfolded: bool) -> str:
        """Return the report's page."""
        from gauger.report import render

        return render(self.to_dict(), unfolded=unfolded)

    def _write_page(self, target: Path, *, unfolded: bool = False) -> Path:
        from gauger.store import write_bytes

        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(target, self._page(unfolded=unfolded).encode("utf-8", "backslashreplace"))
        return target

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.headline}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the headline, the warnings and the first estimates; all text is escaped."""
        from gauger.api.frames import html_table

        frame = self.estimates
        frame = frame.select(name for name in SHOWN if name in frame.columns)
        return html_table(self.headline, self.warnings, frame, ROWS_SHOWN)


def parsed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document as a reader of its JSON has it."""
    from gauger.store import document_bytes

    value: dict[str, Any] = json.loads(document_bytes(document))
    return value

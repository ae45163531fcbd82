"""Opens the published evidence on distillation (`gauger.evidence`)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gauger.api.result import Result, parsed

if TYPE_CHECKING:
    import polars as pl

    from gauger.evidence import Claim, Evidence, EvidenceTable, Finding, Forest, Headline, Multiverse, Unknown
    from gauger.report import Figure


CONTROLS = ("untouched", "controls", "matched")
"""What the headline's means are taken over: the untouched base, every control, the same training without a teacher."""


class Literature(Result):
    """The published evidence: a table, and every analysis of it, each made when first asked for.

    `to_dict()` is the whole pre-specified analysis (``gauger evidence fit --json``, a few seconds); `estimates` are its
    pooled means, in percentage points.

    Parameters
    ----------
    table : EvidenceTable
        Results and studies.
    """

    def __init__(self, table: EvidenceTable) -> None:
        super().__init__({})
        self.table = table

    @cached_property
    def rows(self) -> pl.DataFrame:
        """Every row of the table with what it was found to be; what stays out of the means has its reason."""
        from gauger.evidence import prepare

        return prepare(self.table)

    @cached_property
    def analysis(self) -> Evidence:
        """The whole pre-specified analysis with its types."""
        from gauger.evidence import analyse

        return analyse(self.table)

    @cached_property
    def quoted(self) -> Headline:
        """The three analyses that the headline quotes."""
        from gauger.evidence import quoted

        return quoted(self.rows)

    @property
    def headline(self) -> str:
        """What distilled students gained, in six sentences."""
        return self.quoted.text()

    def to_dict(self) -> dict[str, Any]:
        """Return what ``gauger evidence fit --json`` prints, parsed."""
        return parsed(self.analysis.to_dict())

    @cached_property
    def estimates(self) -> pl.DataFrame:
        """The pooled means of the headline: one row per set of controls and role, in percentage points."""
        from gauger.api.frames import frame_of

        headline = self.quoted.to_dict()
        return frame_of([{"over": over, **row} for over in CONTROLS for row in headline[over]["estimates"]])

    def excluded(self) -> dict[str, int]:
        """Count the rows that stay out of the pooled uplift, by reason."""
        from gauger.evidence import excluded

        return excluded(self.rows)

    def cannot_tell(self) -> tuple[Unknown, ...]:
        """Say what the evidence cannot tell, and which cells of the table are empty."""
        from gauger.evidence import unknowns

        return tuple(unknowns(self.rows))

    def summary(self) -> dict[str, Any]:
        """Return what ``gauger evidence summary --json`` prints."""
        headline = self.quoted.to_dict()
        return headline | {
            "excluded": self.excluded(),
            "cannot_tell": [unknown.to_dict() for unknown in self.cannot_tell()],
        }

    def claims(self) -> tuple[Claim, ...]:
        """Return every claim: effect, interval, studies, certainty, and what would change it."""
        from gauger.evidence import answer_claims

        return tuple(answer_claims(self.rows))

    def forest(self, *, all_controls: bool = False) -> Forest:
        """Return every study's own estimate by role of the benchmark, and the pooled means.

        Parameters
        ----------
        all_controls : bool
            Over every control that is not itself distilled, instead of the untouched base alone.
        """
        from gauger.evidence import ALL_CONTROLS, UNTOUCHED, study_forest

        return study_forest(self.rows, ALL_CONTROLS if all_controls else UNTOUCHED)

    def multiverse(self) -> Multiverse:
        """Fit every combination of the defensible choices: about 20 seconds."""
        from gauger.evidence import run

        return run(self.rows)

    def check(self, study: str | None = None) -> list[Finding]:
        """Look for published tables that do not agree with themselves.

        Parameters
        ----------
        study : str, optional
            Only this study.

        Raises
        ------
        UserError
            A study that the table does not hold.
        """
        from gauger.errors import UserError
        from gauger.evidence import check_table, did_you_mean

        known = set(self.rows["study_id"].to_list())
        if study is not None and study not in known:
            raise UserError("a study of the table", repr(study), hint=did_you_mean(study, known))
        return [finding for finding in check_table(self.rows) if study in (None, finding.study_id)]

    def _drawn(self) -> Sequence[Figure]:
        from gauger.report import evidence_figures

        return evidence_figures(self.analysis)

    def report(self, path: Path | str) -> Path:
        """Write the page of figures to a file, and return its path."""
        from gauger.report import write_evidence

        return write_evidence(self.analysis, Path(path))


def evidence(table: Path | str | None = None) -> Literature:
    """Open the published evidence on distillation.

    Parameters
    ----------
    table : path, optional
        Another table: a folder with ``results.csv`` and ``studies.csv``. By default the one that comes with Gauger.

    Raises
    ------
    InputError
        A cell that cannot be read, with its line and column.
    """
    from gauger.evidence import load

    return Literature(load(None if table is None else Path(table)))

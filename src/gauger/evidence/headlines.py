"""Words the headline of the evidence: one sentence, with intervals, computed from the shipped table at every call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from gauger.evidence.clean import prepare
from gauger.evidence.columns import Contrast
from gauger.evidence.pool import DIFFERENCE, pool_roles
from gauger.evidence.pooled import Analysis, Pooled
from gauger.evidence.restrict import ALL_CONTROLS, PRESPECIFIED_ROWS, SETS, UNTOUCHED, Restriction, rows_of
from gauger.evidence.stored import quote
from gauger.evidence.table import EvidenceTable, load


@dataclass(frozen=True)
class Headline:
    """The three analyses behind the headline."""

    untouched: Analysis
    """Against the untouched base."""
    controls: Analysis
    """Against every control that is not itself distilled."""
    matched: Analysis
    """Against the same training without a teacher."""
    n_rows: int
    """Rows of the whole table."""
    n_studies: int
    multiverse: str = ""
    """What defensible choices make of it, in one sentence; empty where it was not asked for."""

    def text(self) -> str:
        """Say it in six sentences, one per line; without a multiverse in five."""
        difference = self.untouched[DIFFERENCE]
        sentences = (
            f"Published evidence ({self.n_studies} studies, {self.n_rows:,} rows): over the untouched base, distilled "
            f"students gain {_roles(self.untouched)} ({_size(self.untouched)}).\n"
            f"Over every control that is not itself distilled: {_roles(self.controls)} ({_size(self.controls)}).\n"
            f"Over the same training without a teacher: {_points(self.matched['targeted'])} targeted and "
            f"{_points(self.matched['held-out'])} held-out ({_size(self.matched)}).\n"
            f"Targeted gains exceed held-out ones by {_points(difference)} over the untouched base.\n"
            f"Single results scatter widely: {_scatter(self.untouched)}."
        )
        return f"{sentences}\n{self.multiverse}" if self.multiverse else sentences

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return {
            "headline": self.text(), "rows": self.n_rows, "studies": self.n_studies,
            "untouched": self.untouched.to_dict(), "controls": self.controls.to_dict(),
            "matched": self.matched.to_dict(),
        }  # fmt: skip


def headline(table: EvidenceTable | None = None) -> str:
    """Return the headline of the published evidence, in under a second.

    Parameters
    ----------
    table : Table, optional
        None is the table shipped with Gauger.

    Returns
    -------
    str
        What distilled students gained on targeted, fresh and held-out benchmarks, with 95 % intervals (REML with
        study and row levels, CR2 errors clustered by study).
    """
    table = table or load()
    return quoted(prepare(table)).text()


def quoted(frame: pl.DataFrame) -> Headline:
    """Compute the headline with the multiverse that stands behind it."""
    return replace(headline_of(frame), multiverse=quote(frame))


def headline_of(frame: pl.DataFrame, restriction: Restriction | None = None) -> Headline:
    """Compute the headline from prepared rows, under any restriction; without the multiverse."""
    model = (restriction or PRESPECIFIED_ROWS).model
    untouched, controls, matched = (
        pool_roles(rows_of(frame, contrasts, restriction), model)
        for contrasts in (SETS[UNTOUCHED], SETS[ALL_CONTROLS], (Contrast.NO_TEACHER,))
    )
    return Headline(untouched, controls, matched, len(frame), frame["study_id"].n_unique())


_WHERE = {
    "targeted": "on benchmarks the training data aims at",
    "fresh": "on fresh items of the same skill",
    "held-out": "on held-out skills",
}


def _roles(analysis: Analysis) -> str:
    parts = [f"{_points(analysis[role])} {where}" for role, where in _WHERE.items()]
    return f"{parts[0]}, {parts[1]} and {parts[2]}"


def _points(pooled: Pooled) -> str:
    if pooled.estimate is None or pooled.low is None or pooled.high is None:
        return f"an unknown amount ({pooled.reason})"
    return f"{pooled.estimate:+.1f} points [{pooled.low:.1f}, {pooled.high:.1f}]"


def _size(analysis: Analysis) -> str:
    return f"{analysis.n_studies} studies, {analysis.n_rows:,} rows"


def _scatter(analysis: Analysis) -> str:
    parts = []
    for role in ("targeted", "held-out"):
        pooled = analysis[role]
        if pooled.prediction_low is not None and pooled.prediction_high is not None:
            parts.append(f"{role} from {pooled.prediction_low:.0f} to {pooled.prediction_high:.0f}")
    return "95 % of new results would fall " + ", ".join(parts) if parts else "by how much is unknown"

"""Small evidence tables for tests: a row is a default with a few cells changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from gauger.evidence.add import block, study_block
from gauger.evidence.clean import prepare
from gauger.evidence.table import EvidenceTable, parse_results, parse_studies

ROW = {
    "study_id": "one-2025",
    "title": "One",
    "year": "2025",
    "reference": "arXiv:0000.00000",
    "source_grade": "primary",
    "student_base": "Base-7B",
    "student_params_b": "7",
    "arm": "Student-7B",
    "distill_method": "reasoning-trace",
    "contrast": "untouched-base",
    "control_arm": "untouched base",
    "benchmark": "MATH500",
    "benchmark_role": "targeted",
    "metric": "accuracy",
    "score_scale": "percent",
    "n_items": "500",
    "score_control": "40.0",
    "score_distilled": "50.0",
}
CODING = {
    "study_id": "one-2025",
    "seeds_from_benchmark": "low",
    "confounded_mixture": "low",
    "contamination_check_reported": "y",
    "heldout_eval_reported": "y",
    "control_quality": "matched",
    "variance_reported": "n",
}


def text(*changes: Mapping[str, str]) -> str:
    """Return a results block, one row per set of changes."""
    return block([{**ROW, **change} for change in changes])


def coding_text(*changes: Mapping[str, str]) -> str:
    """Return a studies block."""
    first, *rest = [study_block({**CODING, **change}) for change in changes]
    return first + "".join(one.split("\n", 1)[1] for one in rest)


def results(*changes: Mapping[str, str]) -> pl.DataFrame:
    """Return parsed rows."""
    return parse_results(text(*changes), "rows.csv")


def table(
    changes: Sequence[Mapping[str, str]], codings: Mapping[str, Mapping[str, str]] | None = None
) -> EvidenceTable:
    """Return a table whose studies all have the default coding, changed by study where `codings` says so."""
    rows = results(*changes)
    names = rows["study_id"].unique(maintain_order=True).to_list()
    coded = coding_text(*({"study_id": name, **(codings or {}).get(name, {})} for name in names))
    return EvidenceTable(rows, parse_studies(coded, "studies.csv"))


def frame(*changes: Mapping[str, str], codings: Mapping[str, Mapping[str, str]] | None = None) -> pl.DataFrame:
    """Return prepared rows."""
    return prepare(table(changes, codings))

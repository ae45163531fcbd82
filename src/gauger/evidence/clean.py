"""Cleans by rules: says which row enters which analysis, and why the others do not.

Every row gets at most one reason to stay out of the pooled uplift; the rules run in the order of `Exclusion`, and the
first that applies is kept. Nothing is deleted: excluded rows stay in the table with their reason, and the restrictions
in `restrict.py` let most rules be undone one at a time.
"""

from __future__ import annotations

from enum import StrEnum

import polars as pl

from gauger.evidence.bias import assess
from gauger.evidence.columns import GRADES, SWAP_CONTRASTS, UPLIFT_CONTRASTS
from gauger.evidence.identity import add_identity
from gauger.evidence.table import EvidenceTable


class Exclusion(StrEnum):
    """Why a row is not pooled; the order is the order of the rules."""

    GAP = "the cells are changes, not scores"
    SCALE = "not a percentage where higher is better"
    NO_SCORE = "no control score"
    ARTEFACT = "scoring artefact suspected"
    DEFENDED = "the teacher's outputs were defended"
    CONTAMINATED = "the teacher was trained on the test"
    NO_TEACHER = "no stronger teacher"
    SUPERSEDED = "superseded by a later version of the same experiment"
    REPEATED = "the same cells twice in one study"
    SWAP = "the control is itself distilled"
    STAGE = "the control is an earlier stage, the teacher, an unmatched model or the student's own data"
    HANDICAPPED = "the control could not answer in the form asked"
    MEASURED_AGAIN = "the same model and benchmark, measured again by another laboratory"
    NO_ITEMS = "size of the benchmark not known"


class Handicap(StrEnum):
    """What held the control's score down, apart from ability."""

    FORMAT = "answer format"
    """The coders say so: ten points under the same model elsewhere, or under guessing."""
    DAMAGED = "damaged network"
    UNCLEAR = "unclear"
    """No other score of the control was found to compare with."""


_FLAGS = {
    "artefact": "ARTEFACT SUSPECTED",
    "reference_row": "REFERENCE",
    "gap": "GAP",
    "lower_is_better": "LOWER IS BETTER",
    "contaminated": "CONTAMINATED TEACHER",
}
_NO_TEACHER = r"(?i)no stronger teacher|without a stronger teacher|^not distillation"
_DAMAGED = r"(?i)damaged model|recovery after pruning|recovery of a pruned"


def prepare(table: EvidenceTable) -> pl.DataFrame:
    """Give every row its flags, identities, risk of bias, and the reason it is not pooled (None where it is).

    Returns
    -------
    DataFrame
        `Table.results` plus: the flags `artefact`, `reference_row`, `gap`, `lower_is_better`, `contaminated`,
        `no_teacher` (booleans); `handicap` (a `Handicap` or None); the columns of `add_identity`; `risk` (the row's own
        judgement where it has one, else its study's) and `seeds_risk`, `mixture_risk`, `control_risk`,
        `contamination_check`; `exclusion` (an `Exclusion` or None).
    """
    frame = add_identity(add_flags(table.results))
    coding = assess(table.studies).select(
        "study_id",
        risk="overall", seeds_risk="seeds_from_benchmark", mixture_risk="confounded_mixture",
        control_risk="control_quality", contamination_check="contamination_check_reported",
    )  # fmt: skip
    frame = frame.join(coding, on="study_id", how="left", maintain_order="left")
    own = pl.col("risk_row").str.extract(r"^(low|some|high)")
    return exclude(frame.with_columns(risk=pl.coalesce(own, "risk")))


def add_flags(results: pl.DataFrame) -> pl.DataFrame:
    """Read the flags of the notes, and what handicapped the control."""
    notes = pl.col("notes").fill_null("")
    flags = {name: notes.str.contains(text, literal=True) for name, text in _FLAGS.items()}
    return results.with_columns(
        **flags,
        no_teacher=flags["reference_row"] | notes.str.contains(_NO_TEACHER)
        | (pl.col("distill_method") == "self-generated").fill_null(False),
        handicap=pl.when(notes.str.contains(_DAMAGED)).then(pl.lit(str(Handicap.DAMAGED)))
        .when(pl.col("control_handicapped") == "y").then(pl.lit(str(Handicap.FORMAT)))
        .when(pl.col("control_handicapped") == "unclear").then(pl.lit(str(Handicap.UNCLEAR))),
    )  # fmt: skip


def exclude(frame: pl.DataFrame) -> pl.DataFrame:
    """Apply the rules of `Exclusion` in their order; adds `exclusion`."""
    uplift = pl.col("contrast").is_in([str(contrast) for contrast in UPLIFT_CONTRASTS])
    swap = pl.col("contrast").is_in([str(contrast) for contrast in SWAP_CONTRASTS])
    missing = pl.col("score_control").is_null() | pl.col("score_distilled").is_null()
    rules: list[tuple[Exclusion, pl.Expr]] = [
        (Exclusion.GAP, pl.col("gap") | (pl.col("score_scale") == "gap")),
        (Exclusion.SCALE, (pl.col("score_scale") != "percent") | pl.col("lower_is_better")),
        (Exclusion.NO_SCORE, missing),
        (Exclusion.ARTEFACT, pl.col("artefact")),
        (Exclusion.DEFENDED, pl.col("defence").is_not_null()),
        (Exclusion.CONTAMINATED, pl.col("contaminated")),
        (Exclusion.NO_TEACHER, pl.col("no_teacher")),
        (Exclusion.SUPERSEDED, _superseded()),
        (Exclusion.REPEATED, _repeated()),
        (Exclusion.SWAP, swap),
        (Exclusion.STAGE, ~uplift),
        (Exclusion.HANDICAPPED, (pl.col("handicap") == str(Handicap.FORMAT)).fill_null(False)),
    ]
    frame = frame.with_columns(exclusion=_first(rules))
    repeated = pl.col("exclusion").is_null() & ~pl.col("row").is_in(_kept_once(frame).to_list())
    late = [(Exclusion.MEASURED_AGAIN, repeated), (Exclusion.NO_ITEMS, pl.col("n_items").is_null())]
    return frame.with_columns(exclusion=pl.coalesce("exclusion", _first(late)))


def excluded(frame: pl.DataFrame) -> dict[str, int]:
    """Count the rows that stay out of the pooled uplift, by reason, in the order of the rules."""
    counts = dict(frame["exclusion"].drop_nulls().value_counts().iter_rows())
    return {str(reason): counts.get(str(reason), 0) for reason in Exclusion}


def _first(rules: list[tuple[Exclusion, pl.Expr]]) -> pl.Expr:
    return pl.coalesce([pl.when(applies).then(pl.lit(str(reason))) for reason, applies in rules])


def _superseded() -> pl.Expr:
    """A model replaced in a later version of its paper, and nested thresholds of which one may be pooled."""
    notes = pl.col("notes").fill_null("")
    other = ~pl.col("arm").str.contains("tau=0.95", literal=True)
    nested = notes.str.contains("nested thresholds", literal=True) & other
    return notes.str.contains("superseded", literal=True) | nested


def _repeated() -> pl.Expr:
    """Second and later rows with the same study, model, control, benchmark, metric and scores."""
    key = pl.struct("cell_distilled", "cell_control", "contrast", "benchmark")
    return ~key.is_first_distinct()


def _kept_once(frame: pl.DataFrame) -> pl.Series:
    """Rows kept where several studies measured one model: the best source, then the lowest risk, then the first."""
    key = ["model", "bench", "contrast"]
    order = frame.filter(pl.col("exclusion").is_null()).with_columns(
        _grade=pl.col("source_grade").replace_strict({grade: rank for rank, grade in enumerate(GRADES)}),
        _risk=pl.col("risk").replace_strict({"low": 0, "some": 1, "unclear": 2, "high": 3}),
        _unsized=pl.col("n_items").is_null(),
    )  # fmt: skip
    best = order.sort("_unsized", "_grade", "_risk", "row").unique(key, keep="first", maintain_order=True)
    kept = order.join(best.select(*key, _study="study_id"), on=key).filter(pl.col("study_id") == pl.col("_study"))
    return kept["row"]

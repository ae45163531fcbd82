"""Selects the rows an analysis reads: the pre-specified set, and each restriction or relaxation of it, by name.

A restriction answers one doubt ("is it only the vendors' own tables?") by changing one thing and leaving the rest as
it was. `RESTRICTIONS` is the whole list; the report shows the headline under each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from gauger.evidence.clean import Exclusion
from gauger.evidence.columns import UPLIFT_CONTRASTS, Contrast
from gauger.evidence.effects import EffectUnit, impute_items
from gauger.evidence.pooled import PoolingModel

UNTOUCHED = "untouched base"
ALL_CONTROLS = "every control that is not itself distilled"
SETS = {UNTOUCHED: (Contrast.UNTOUCHED,), ALL_CONTROLS: UPLIFT_CONTRASTS}
"""The two sets of contrasts that carry the headline."""


@dataclass(frozen=True)
class Restriction:
    """One change to the pre-specified analysis."""

    name: str
    doubt: str
    """The question it answers."""
    keep: pl.Expr | None = None
    """Rows to keep among those that enter."""
    undo: tuple[Exclusion, ...] = ()
    """Cleaning rules to leave out."""
    model: PoolingModel = field(default_factory=PoolingModel)
    second_coder: bool = False
    """Use `benchmark_role_alt` where it is given."""
    drop_largest: int = 0
    """Leave out this many studies, those with most rows."""


def rows_of(
    frame: pl.DataFrame, contrasts: Sequence[str] = UPLIFT_CONTRASTS, restriction: Restriction | None = None
) -> pl.DataFrame:
    """Select the rows of one analysis.

    Parameters
    ----------
    frame : DataFrame
        All rows, from `clean.prepare`.
    contrasts : sequence of str
        Values of `contrast` to read.
    restriction : Restriction, optional
        None is the pre-specified analysis.

    Returns
    -------
    DataFrame
        Rows with both scores and `n_items` (imputed where the restriction says so), in the table's order.
    """
    restriction = restriction or PRESPECIFIED_ROWS
    enters = pl.col("exclusion").is_null() | pl.col("exclusion").is_in([str(rule) for rule in restriction.undo])
    rows = frame.filter(enters & pl.col("contrast").is_in([str(contrast) for contrast in contrasts]))
    rows = rows.filter(pl.col("score_control").is_not_null() & ((pl.col("score_scale") == "percent") | pl.col("gap")))
    if restriction.second_coder:
        rows = rows.with_columns(benchmark_role=pl.coalesce("benchmark_role_alt", "benchmark_role"))
    if Exclusion.NO_ITEMS in restriction.undo:
        rows = impute_items(rows, frame)
    rows = rows.filter(pl.col("n_items").is_not_null())
    if restriction.keep is not None:
        rows = rows.filter(restriction.keep)
    if restriction.drop_largest:
        rows = rows.filter(~pl.col("study_id").is_in(largest_studies(rows, restriction.drop_largest)))
    return rows


def largest_studies(rows: pl.DataFrame, count: int) -> list[str]:
    """Name the studies with most rows, largest first; ties by name."""
    sizes = rows.group_by("study_id").len().sort(["len", "study_id"], descending=[True, False])
    return sizes["study_id"].head(count).to_list()


PRESPECIFIED_ROWS = Restriction("as pre-specified", "What does the evidence say?")
AS_FOUND = (
    Exclusion.ARTEFACT, Exclusion.NO_TEACHER, Exclusion.SUPERSEDED, Exclusion.REPEATED, Exclusion.MEASURED_AGAIN,
)  # fmt: skip

RESTRICTIONS: tuple[Restriction, ...] = (
    Restriction("no cleaning", "Do the cleaning rules make the result?", undo=AS_FOUND,
                model=PoolingModel(shared="none")),
    Restriction("low risk of bias only", "Do weak studies make it?", pl.col("risk") == "low"),
    Restriction("no study at high risk", "Do the worst studies make it?", pl.col("risk") != "high"),
    Restriction("primary sources only", "Do transcriptions make it?", pl.col("source_grade") == "primary"),
    Restriction("the other coder's roles", "Does the coding of roles make it?", second_coder=True),
    Restriction("handicapped controls kept", "Does leaving them out make it?", undo=(Exclusion.HANDICAPPED,)),
    Restriction("no control in doubt", "Is it answer format?", pl.col("handicap").is_null()),
    Restriction("no leaderboard study", "Does one harness make it?", ~pl.col("study_id").str.starts_with("olv2-")),
    Restriction("without the four largest studies", "Do a few tables make it?", drop_largest=4),
    Restriction("seeds not from the benchmark", "Is it training for the test?", pl.col("seeds_risk") == "low"),
    Restriction("no confounded mixture", "Is it the other data?", pl.col("mixture_risk") == "low"),
    Restriction("contamination check reported", "Is it leaked items?", pl.col("contamination_check") == "low"),
    Restriction("matched controls only", "Is it the control?", pl.col("control_risk") == "low"),
    Restriction("hard benchmarks only", "Does it hold where it is hard?", pl.col("hard")),
    Restriction("post-trained students only", "Does it hold for strong students?", pl.col("post_trained")),
    Restriction("students of 30 billion or more", "Does it hold for large students?", pl.col("student_params_b") >= 30),
    Restriction("2025 and later", "Is it the past?", pl.col("year") >= 2025),
    Restriction("100 items or more", "Do small benchmarks make it?", pl.col("n_items") >= 100),
    Restriction("every laboratory counted", "Does choosing one make it?", undo=(Exclusion.MEASURED_AGAIN,)),
    Restriction("missing sizes filled in", "Do the rows without n_items differ?", undo=(Exclusion.NO_ITEMS,)),
    Restriction("with rows that print changes", "Do the rows without scores differ?", undo=(Exclusion.GAP,)),
    Restriction("shared controls ignored", "Do shared controls matter?", model=PoolingModel(shared="none")),
    Restriction(
        "paired answers, correlation 0.5", "Do paired answers matter?",
        model=PoolingModel(shared="cells", correlation=0.5)
    ),
    Restriction(
        "paired answers, correlation 0.8", "Do strongly paired answers?",
        model=PoolingModel(shared="cells", correlation=0.8)
    ),
    Restriction("one variance for all roles", "Does the model of the scatter make it?",
                model=PoolingModel(heterogeneity="one")),
    Restriction("a level for the distilled model", "Is the nesting too coarse?", model=PoolingModel(arm_level=True)),
    Restriction("log-odds", "Is it the scale?", model=PoolingModel(scale=EffectUnit.LOG_ODDS)),
)  # fmt: skip
"""Every restriction, in the order of the report; the last is in another unit."""

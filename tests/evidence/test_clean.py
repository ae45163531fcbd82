"""The cleaning rules, one by one, and what they do to the shipped table."""

from __future__ import annotations

import polars as pl
import pytest

from gauger.evidence.clean import Exclusion, Handicap, excluded
from gauger.evidence.columns import UPLIFT_CONTRASTS
from gauger.evidence.table import EvidenceTable

from .make import frame


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"contrast": "no-teacher-training"}, None),
        ({"contrast": "rl-instead"}, None),
        ({"contrast": "vendor-post-trained"}, None),
        ({"notes": "GAP ROW: both cells are changes", "score_scale": "other"}, Exclusion.GAP),
        ({"score_scale": "gap", "contrast": "gap-only"}, Exclusion.GAP),
        ({"score_scale": "0-10"}, Exclusion.SCALE),
        ({"score_scale": "rouge"}, Exclusion.SCALE),
        ({"score_scale": "percent-lower-is-better"}, Exclusion.SCALE),
        ({"notes": "LOWER IS BETTER"}, Exclusion.SCALE),
        ({"contrast": "no-control", "score_control": ""}, Exclusion.NO_SCORE),
        ({"notes": "ARTEFACT SUSPECTED (thinking cut off)"}, Exclusion.ARTEFACT),
        ({"notes": "one evaluator; REFERENCE ROW"}, Exclusion.NO_TEACHER),
        ({"notes": "self-distillation: no stronger teacher"}, Exclusion.NO_TEACHER),
        ({"notes": "NOT distillation: human-written"}, Exclusion.NO_TEACHER),
        ({"distill_method": "self-generated"}, Exclusion.NO_TEACHER),
        ({"notes": "v1 model, superseded by v3: do not pool both"}, Exclusion.SUPERSEDED),
        ({"notes": "nested thresholds", "arm": "pruned at tau=0.8"}, Exclusion.SUPERSEDED),
        ({"notes": "nested thresholds", "arm": "pruned at tau=0.95"}, None),
        ({"contrast": "teacher-swap"}, Exclusion.SWAP),
        ({"contrast": "teacher-or-data-swap"}, Exclusion.SWAP),
        ({"contrast": "method-swap"}, Exclusion.SWAP),
        ({"contrast": "earlier-stage"}, Exclusion.STAGE),
        ({"contrast": "unmatched-model"}, Exclusion.STAGE),
        ({"contrast": "self-generated-data"}, Exclusion.STAGE),
        ({"contrast": "teacher-itself"}, Exclusion.STAGE),
        ({"defence": "paraphrasing"}, Exclusion.DEFENDED),
        ({"notes": "CONTAMINATED TEACHER: never pool"}, Exclusion.CONTAMINATED),
        ({"control_handicapped": "y"}, Exclusion.HANDICAPPED),
        ({"control_handicapped": "unclear"}, None),
        ({"n_items": ""}, Exclusion.NO_ITEMS),
        ({"n_items": "", "notes": "ARTEFACT SUSPECTED"}, Exclusion.ARTEFACT),
        ({"notes": "increment of RL; not a distillation effect"}, None),
    ],
)
def test_rule(change: dict[str, str], reason: Exclusion | None) -> None:
    assert frame(change)["exclusion"].item() == reason


def test_the_same_cells_twice_count_once() -> None:
    rows = frame({}, {}, {"score_distilled": "51.0"}, {"metric": "pass@1"})
    assert rows["exclusion"].to_list() == [None, Exclusion.REPEATED, None, None]


def test_a_model_measured_by_several_laboratories_enters_once() -> None:
    again = {"study_id": "two-2025", "score_distilled": "55.0"}
    secondary = {"source_grade": "secondary"}
    assert frame({}, again)["exclusion"].to_list() == [None, Exclusion.MEASURED_AGAIN]
    assert frame(secondary, again)["exclusion"].to_list() == [Exclusion.MEASURED_AGAIN, None]
    risky = {"one-2025": {"control_quality": "unmatched"}}
    assert frame({}, again, codings=risky)["exclusion"].to_list() == [Exclusion.MEASURED_AGAIN, None]
    assert frame({"n_items": ""}, again)["exclusion"].to_list() == [Exclusion.MEASURED_AGAIN, None]


@pytest.mark.parametrize(
    "change",
    [{"benchmark": "GSM8K"}, {"contrast": "rl-instead"}, {"arm": "Other"}],
    ids=lambda change: next(iter(change)),
)
def test_other_models_benchmarks_and_controls_are_not_repetitions(change: dict[str, str]) -> None:
    assert frame({}, {"study_id": "two-2025", **change})["exclusion"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("change", "handicap"),
    [
        ({}, None),
        ({"control_handicapped": "y"}, Handicap.FORMAT),
        ({"control_handicapped": "n"}, None),
        ({"control_handicapped": "unclear"}, Handicap.UNCLEAR),
        ({"notes": "base run without chat template, tuned model with it"}, None),
        ({"notes": "recovery after pruning", "control_handicapped": "n"}, Handicap.DAMAGED),
    ],
)
def test_handicapped_controls(change: dict[str, str], handicap: Handicap | None) -> None:
    assert frame(change)["handicap"].item() == handicap


def test_what_the_rules_do_to_the_shipped_table(rows: pl.DataFrame) -> None:
    counts = excluded(rows)
    pooled = rows.filter(pl.col("exclusion").is_null())
    assert pooled.height + sum(counts.values()) == rows.height
    assert counts[Exclusion.HANDICAPPED] == 120
    assert counts[Exclusion.DEFENDED] == 33
    assert pooled["control_handicapped"].drop_nulls().is_in(["n", "unclear"]).all()
    assert pooled["defence"].null_count() == pooled.height


def test_a_row_s_own_risk_goes_before_its_study_s() -> None:
    own = {"benchmark": "GSM8K", "risk_row": "high: checkpoint chosen on the test set"}
    assert frame({}, own)["risk"].to_list() == ["low", "high"]


def test_what_the_readme_says_of_flags(rows: pl.DataFrame) -> None:
    gaps = rows.filter(pl.col("study_id") == "gsm1k-2024")
    assert gaps.filter("reference_row").height == 16
    assert set(gaps["exclusion"]) == {Exclusion.GAP}
    assert rows.filter("artefact").height > 56
    minillm = rows.filter(pl.col("study_id") == "minillm-2023")
    assert minillm.filter(pl.col("exclusion").is_null()).is_empty()


def test_preparing_keeps_every_printed_cell(shipped: EvidenceTable, rows: pl.DataFrame) -> None:
    assert rows.select(shipped.results.columns).equals(shipped.results)


def test_every_pooled_row_is_fit_for_it(rows: pl.DataFrame) -> None:
    pooled = rows.filter(pl.col("exclusion").is_null())
    assert set(pooled["contrast"]) == set(UPLIFT_CONTRASTS)
    assert set(pooled["score_scale"]) == {"percent"}
    for column in ("score_control", "score_distilled", "n_items", "risk"):
        assert pooled[column].null_count() == 0
    assert not pooled.select(
        pl.any_horizontal("artefact", "contaminated", "reference_row", "gap", "lower_is_better").any()
    ).item()

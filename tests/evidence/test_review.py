"""The flow of rows, kappa by hand, the data dictionary, citations."""

from __future__ import annotations

import csv
import io

import polars as pl
import pytest

from gauger.evidence.citing import bibtex, link, name_of, names
from gauger.evidence.clean import excluded
from gauger.evidence.columns import RESULT_COLUMNS, STUDY_COLUMNS
from gauger.evidence.review import agreement, dictionary, flow, kappa

from .make import frame


def test_the_flow_adds_up(rows: pl.DataFrame) -> None:
    found = flow(rows)
    assert found.rows_found - sum(step.rows for step in found.steps) == found.rows_pooled
    assert {step.reason: step.rows for step in found.steps} == {k: n for k, n in excluded(rows).items() if n}
    assert found.steps[-1].rows_left == found.rows_pooled
    assert found.studies_pooled <= found.studies_found
    small = flow(frame({}, {"arm": "B", "notes": "REFERENCE"}))
    assert (small.rows_found, small.rows_pooled, small.steps[0].studies_left) == (2, 1, 1)


def test_kappa_by_hand() -> None:
    """45 of 60 agree: p_o = 0.75; marginals 30/30 and 25/35: p_e = 0.5; kappa = 0.5."""
    one = ["a"] * 30 + ["b"] * 30
    other = ["a"] * 20 + ["b"] * 10 + ["a"] * 5 + ["b"] * 25
    found = kappa(one, other, ["a", "b"])
    assert (found.agreed, found.kappa) == pytest.approx((0.75, 0.5))
    assert kappa(["a"] * 4, ["a"] * 4, ["a", "b"]).kappa is None


def test_agreement_of_the_shipped_coding(rows: pl.DataFrame) -> None:
    found = agreement(rows)
    assert found.n == len(rows)
    assert 0.7 < found.kappa < found.agreed < 1.0
    assert "Cohen's kappa" in found.text()


def test_the_dictionary_has_every_column() -> None:
    lines = list(csv.DictReader(io.StringIO(dictionary())))
    assert [line["column"] for line in lines] == [*RESULT_COLUMNS, *STUDY_COLUMNS]
    assert all(line["meaning"] for line in lines)


@pytest.mark.parametrize(
    ("study", "title", "wanted"),
    [
        ("limo-2025", "LIMO: Less is More for Reasoning", "LIMO (2025)"),
        ("s1-2025", "s1: Simple test-time scaling", "s1 (2025)"),
        ("olv2-longcot-2025", "HF Open LLM Leaderboard v2: long chains", "Open LLM Leaderboard: longcot (2025)"),
        ("false-promise-2023", "The False Promise of Imitating Proprietary LLMs", "False promise (2023)"),
        ("gsm8k-rft-2023", "Scaling relationship on learning mathematical reasoning", "GSM8K RFT (2023)"),
    ],
)
def test_names_as_cited(study: str, title: str, wanted: str) -> None:
    assert name_of(study, title, int(study[-4:])) == wanted


def test_names_are_unique_and_every_study_has_an_entry(rows: pl.DataFrame) -> None:
    found = names(rows)
    assert len(set(found.values())) == len(found) == rows["study_id"].n_unique()
    text = bibtex(rows)
    assert text.count("@misc{") == len(found)
    assert text.count("{") == text.count("}")
    assert "eprint = {2501.12948}" in text


def test_links() -> None:
    assert link("arXiv:2502.03387v1") == "https://arxiv.org/abs/2502.03387v1"
    assert link("javascript:alert(1)") == ""

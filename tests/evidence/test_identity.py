"""Names: what counts as one model, a hard benchmark, a post-trained student, one measured score."""

from __future__ import annotations

import polars as pl
import pytest

from gauger.evidence.identity import HARD_BENCHMARK, POST_TRAINED, canonical

from .make import frame


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zephyr β-7B", "zephyr-7b-beta"),
        ("OpenChat-3.5-7B-0106", "openchat-3.5-0106"),
        ("Meta-Llama-3-8B", "Llama3-8B"),
        ("AMC 2023", "AMC23"),
        ("Bespoke-Stratos-32B (17k)", "Bespoke-Stratos-32B"),
    ],
)
def test_spellings_of_one_name(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


def test_versions_stay_apart() -> None:
    assert canonical("Mistral-7B-v0.1") != canonical("Mistral-7B-v0.2")
    assert canonical("s1-32B") != canonical("s1.1-32B")


@pytest.mark.parametrize("name", ["AIME24", "GPQA-Diamond", "SWE-bench Verified", "LiveCodeBench v5 Hard", "MMLU-Pro"])
def test_hard(name: str) -> None:
    assert HARD_BENCHMARK.search(name)


@pytest.mark.parametrize("name", ["GSM8K", "MMLU", "HumanEval", "LiveCodeBench v5 Easy", "MATH500"])
def test_not_hard(name: str) -> None:
    assert not HARD_BENCHMARK.search(name)


@pytest.mark.parametrize(
    "name", ["Qwen2.5-7B-Instruct", "Qwen3-8B", "Qwen3-1.7B", "Phi-4", "Qwen3.5-35B-A3B", "GLM-4.5"]
)
def test_post_trained(name: str) -> None:
    assert POST_TRAINED.search(name)


@pytest.mark.parametrize(
    "name", ["Qwen2.5-7B", "Qwen3-8B-Base", "Llama-3.1-8B", "Mistral-7B-v0.1", "from scratch 1.3B"]
)
def test_pre_trained_only(name: str) -> None:
    assert not POST_TRAINED.search(name)


def test_one_score_is_one_cell() -> None:
    rows = frame(
        {},
        {"arm": "Other-7B"},
        {"score_control": "41.0"},
        {"benchmark": "AIME24"},
        {"student_base": "Base-14B"},
        {"contrast": "rl-instead", "control_arm": "RL"},
    )
    control, student = rows["cell_control"].to_list(), rows["cell_distilled"].to_list()
    assert control[0] == control[1]
    assert len({control[0], *control[2:]}) == 5
    assert student[0] == student[2] == student[5]
    assert len({student[0], student[1], student[3], student[4]}) == 4
    assert rows["hard"].to_list() == [False, False, False, True, False, False]


def test_cells_of_the_shipped_table_hold_one_score(rows: pl.DataFrame) -> None:
    for side in ("control", "distilled"):
        scores = (
            rows.filter(pl.col(f"score_{side}").is_not_null())
            .group_by(f"cell_{side}")
            .agg(pl.col(f"score_{side}").n_unique(), pl.col("study_id").n_unique())
        )
        assert scores[f"score_{side}"].max() == 1
        assert scores["study_id"].max() == 1

"""Tells which names mean the same model, the same benchmark or the same measured score.

Papers spell one model in many ways, and one score stands in many rows: the control's in every row that is compared with
it, the student's in every row that compares it with another control. Both matter: the same model measured by several
laboratories is not new evidence, and rows that share a score share its sampling error.
"""

from __future__ import annotations

import re

import polars as pl

_ALIASES = {
    "limo-32b": "limo-817 (v1)",
    "openhermes 2.5 mistral 7b": "openhermes-2.5-mistral-7b",
    "zephyr β-7b": "zephyr-7b-beta",
    "openchat-3.5-7b-0106": "openchat-3.5-0106",
    "openorca mistral 7b": "mistral-7b-openorca",
    "wizardlm-7b": "wizardlm-7b-v1.0",
    "bespoke-stratos-32b (17k r1 traces)": "bespoke-stratos-32b",
    "bespoke-stratos-32b (17k)": "bespoke-stratos-32b",
    "s1-32b with budget forcing": "s1-32b",
    "s1.1-32b (same 1k questions, r1 traces)": "s1.1-32b",
    "mistral-7b": "mistral-7b-v0.1",
    "llama-2-7b-hf": "llama-2-7b",
    "llama-2-13b-hf": "llama-2-13b",
    "llama-2-70b-hf": "llama-2-70b",
    "meta-llama-3-8b": "llama-3-8b",
    "llama3-8b": "llama-3-8b",
    "llama-3-8b-base": "llama-3-8b",
    "meta-llama-3-70b": "llama-3-70b",
    "llama3-70b": "llama-3-70b",
    "amc 2023": "amc23",
    "openbookqa": "obqa",
}
"""Lower-case spelling -> the one spelling kept; only pairs that a source or the model's own page makes certain."""

EFFECTIVE_ITEMS = {"gpqa (all sets, logprob)": 493 / 546}
"""Share of a benchmark's questions that count for its sampling error. The leaderboard's GPQA score weighs the 198
questions of diamond three times, the 250 others of main twice and the 98 others of extended once: 1192^2 / (198 * 9 +
250 * 4 + 98) = 493 of 546."""

HARD_BENCHMARK = re.compile(
    r"\b(AIME|HMMT|GPQA|HLE|Omni-MATH|OlympiadBench|BrowseComp|SciCode|Terminal-Bench|SWE-bench|FrontierMath"
    r"|BigCodeBench-[CI] Hard|LiveCodeBench\b.*\bHard|MATH Level 5|MMLU-Pro|MuSR|ZebraLogic|Tau2)", re.IGNORECASE
)  # fmt: skip
"""Benchmarks made to be hard for the models of their time; a stated judgement, from the names alone."""

POST_TRAINED = re.compile(
    r"instruct|chat|\bit\b|thinking|post-trained|distill|SFT|reasoning|Phi-4|Qwen3-\d+B\b(?!-Base)|Qwen3\.\d-\d+B(?!-Base)"
    r"|Qwen3-\d\.\dB\b(?!-Base)|GLM-4\.5|DeepSeek-V2\.5|Nemotron-Cascade|OLMo-3-7B-Think",
    re.IGNORECASE,
)  # fmt: skip
"""Names of students that had been post-trained before distillation began."""


def canonical(name: str) -> str:
    """Return the one spelling of a model's or benchmark's name that is used for comparison."""
    lower = " ".join(name.casefold().split())
    return _ALIASES.get(lower, lower)


def add_identity(results: pl.DataFrame) -> pl.DataFrame:
    """Add who was measured and which scores are the same number.

    Adds `model` (the distilled student), `base`, `bench`, `cell_distilled` and `cell_control` (keys of the two scores;
    equal keys are one measured number), and the facts read from names: `hard` (`HARD_BENCHMARK`) and `post_trained`
    (`POST_TRAINED`).

    A score is the same number where study, model, benchmark, metric, size and value agree. The control's model is its
    printed name and the student's base.
    """
    results = results.with_columns(
        model=_map(results["arm"]), base=_map(results["student_base"]), bench=_map(results["benchmark"]),
        hard=results["benchmark"].str.contains("(?i)" + HARD_BENCHMARK.pattern),
        post_trained=pl.Series([bool(POST_TRAINED.search(name)) for name in results["student_base"]]),
    )  # fmt: skip
    return results.with_columns(
        cell_distilled=_cell(pl.col("model") + "|" + pl.col("base"), "score_distilled"),
        cell_control=_cell(pl.col("control_arm").fill_null("?") + "|" + pl.col("base"), "score_control"),
    )


def _map(names: pl.Series) -> pl.Series:
    known = {name: canonical(name) for name in names.unique().to_list()}
    return names.replace_strict(known, return_dtype=pl.String)


def _cell(model: pl.Expr, score: str) -> pl.Expr:
    parts = (pl.col("study_id"), model, pl.col("bench"), pl.col("metric"), pl.col("n_items"), pl.col(score))
    return pl.concat_str([part.cast(pl.String) for part in parts], separator="|", ignore_nulls=True)

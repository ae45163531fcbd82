"""Defines the predictors: what of a study is known before it is run, how it is measured, and what a gap means.

Numbers stand on the scale on which a step of one means the same everywhere: tenfold, doubling, logit. A gap in the
literature is a value of its own: the number takes the literature's mean and an indicator says that it was not printed,
so that rows without a dose may differ from rows with one (they do) and teach nothing about the dose. A gap in a
scenario is not that indicator: it is integrated over the literature's own values (`scenario.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

ROLES = ("targeted", "fresh", "held-out")
"""Roles that are forecast. Chat and instruction following has too few studies for slopes."""
CONTROLS = ("untouched-base", "no-teacher-training", "rl-instead", "vendor-post-trained")


@dataclass(frozen=True)
class Numeric:
    """A predictor that is a number."""

    name: str
    value: pl.Expr
    """Its value per row of the literature; NULL where not printed."""
    unit: str
    """What a step of one is."""
    doublings: float
    """How many doublings (of the dose, the size, the odds) one step is: the unit of distance."""


@dataclass(frozen=True)
class Category:
    """A predictor that is one of several kinds; the first is the reference."""

    name: str
    value: pl.Expr
    levels: tuple[str, ...]


_DOMAIN_WORDS = tuple((domain, re.compile(words, re.IGNORECASE)) for domain, words in (
    ("agent", r"\bSWE|Terminal|BFCL|\bTau|GAIA|Browse|\bagent|\bTB "),
    ("code", r"HumanEval|MBPP|LiveCode|code|DS-1000|\bAPPS\b|\bLCB"),
    ("maths", r"AIME|MATH|GSM|\bAMC|HMMT|Olymp|minerva|SVAMP|ASDiv|Gaokao|theorem|mawps|simuleq|numglue"),
    ("knowledge", r"MMLU|GPQA|\bARC|TruthfulQA|CEval|CMMLU|SimpleQA|\bNQ\b|Trivia|obqa|CSQA|\bmed|HLE|OpenBook|SciQ"),
    ("instructions", r"IFEval|IFBench|instruction|Arena|MT-Bench|Alpaca"),
))  # fmt: skip
"""First match wins; a stated judgement from names alone."""


def _share(column: str) -> pl.Expr:
    """A score as a share, kept off 0 and 100 by half an item (100 items where the size is unknown)."""
    n = pl.col("n_items").fill_null(100).cast(pl.Float64)
    return ((pl.col(column) / 100 * n).clip(0.5, n - 0.5)) / n


def logit(share: pl.Expr) -> pl.Expr:
    """Log-odds of a share."""
    return (share / (1 - share)).log()


NUMBERS: tuple[Numeric, ...] = (
    Numeric("start", logit(_share("score_control")), "logit of the starting score", 1.443),
    Numeric("lead", logit(_share("score_teacher")) - logit(_share("score_control")), "logit of the teacher's lead",
            1.443),
    Numeric("samples", pl.col("n_samples").log10(), "tenfold training samples", 3.322),
    Numeric("tokens", pl.col("n_tokens").log10(), "tenfold training tokens", 3.322),
    Numeric("size", pl.col("student_params_b").log(2), "doubling of parameters", 1.0),
    Numeric("year", pl.col("year").cast(pl.Float64), "one year", 1.0),
)  # fmt: skip

SURFACES: Mapping[str, str] = MappingProxyType({
    "text-reasoning": "reasoning", "text-answer": "answers", "text-reasoning-summarised": "summary",
    "logits-topk": "log-probabilities", "logits-full": "log-probabilities", "scores": "log-probabilities",
})  # fmt: skip
"""What the table calls a surface -> what a scenario calls it."""
SURFACE_OF_METHOD: Mapping[str, str] = MappingProxyType({
    "reasoning-trace": "reasoning", "cot": "reasoning", "agent-trajectory": "reasoning",
    "instruction-expansion": "answers", "labels": "answers", "textbook": "answers", "logits": "log-probabilities",
    "on-policy": "log-probabilities",
})  # fmt: skip
"""Where the surface was not coded, the method implies it: a trace shows reasoning, an instruction set answers."""
METHODS: Mapping[str, str] = MappingProxyType({
    "reasoning-trace": "reasoning-traces", "cot": "rationales", "instruction-expansion": "answers", "labels": "answers",
    "textbook": "answers", "data-selection": "answers", "agent-trajectory": "trajectories", "logits": "logits",
    "on-policy": "on-policy", "mixed": "with-rl",
})  # fmt: skip
"""What the table calls a method -> what a scenario calls it. Rationales are the short steps of models that answer at
once; traces the long ones of models that reason first. `with-rl` is teacher text together with reinforcement
learning, the table's "mixed"."""
LONG = ("reasoning-traces", "on-policy", "with-rl")
"""Methods that teach a student to reason at length."""
DOMAINS = ("other", "maths", "code", "knowledge", "instructions", "agent")

_surface = pl.coalesce(
    pl.col("surface").replace_strict(SURFACES, default=None, return_dtype=pl.String),
    pl.col("distill_method").replace_strict(SURFACE_OF_METHOD, default=None, return_dtype=pl.String),
)
_method = pl.col("distill_method").replace_strict(METHODS, default=None, return_dtype=pl.String)


def domain_of(benchmark: str) -> str:
    """Return what a benchmark asks for, from its name; `other` where no pattern finds it."""
    return next((domain for domain, words in _DOMAIN_WORDS if words.search(benchmark)), "other")


def taught_to_reason(domain: str, method: str) -> str:
    """Return the domain if the method teaches to reason at length, else `short`: an interaction as a category."""
    return domain if method in LONG else "short"


_domain = pl.col("benchmark").map_elements(domain_of, return_dtype=pl.String)
CATEGORIES: tuple[Category, ...] = (
    Category("control", pl.col("contrast"), CONTROLS),
    Category("surface", _surface, ("reasoning", "answers", "summary", "log-probabilities")),
    Category("method", _method, tuple(dict.fromkeys(METHODS.values()))),
    Category("hard", pl.when("hard").then(pl.lit("hard")).otherwise(pl.lit("other")), ("other", "hard")),
    Category("student", pl.when("post_trained").then(pl.lit("post-trained")).otherwise(pl.lit("base")),
             ("base", "post-trained")),
    Category("access", pl.col("teacher_access"), ("weights", "api")),
    Category("domain", _domain, DOMAINS),
    Category("reasoning in", pl.when(_method.is_in(LONG)).then(_domain).otherwise(pl.lit("short")),
             ("short", *DOMAINS)),
)  # fmt: skip
FACTS = tuple(category.name for category in CATEGORIES if category.name != "reasoning in")
"""Categories that are facts of their own; the last follows from method and domain."""


def add_predictors(frame: pl.DataFrame) -> pl.DataFrame:
    """Add every predictor as a column `x:NAME`; NULL where the source says nothing.

    Parameters
    ----------
    frame : DataFrame
        Rows of `evidence.prepare`.
    """
    every: list[Numeric | Category] = [*NUMBERS, *CATEGORIES]
    return frame.with_columns([predictor.value.alias(f"x:{predictor.name}") for predictor in every])

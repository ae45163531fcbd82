"""Defines the columns of the evidence table: what each cell may hold.

One row of `results.csv` is one student on one benchmark, as published; one row of `studies.csv` is one study with its
risk-of-bias coding. An empty cell means "not seen", never zero. This file is the format's only definition: the loader,
`gauger evidence add` and `docs/evidence.md` all follow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class BenchmarkRole(StrEnum):
    """What a benchmark is to the training data, as a coder judged it from the paper."""

    TARGETED = "targeted"
    """The training data aims at this benchmark or its domain."""
    FRESH = "fresh"
    """Same skill, items newer than the training data or kept apart from it."""
    HELD_OUT = "held-out"
    """Another skill or domain."""
    GENERAL = "general"
    """Broad chat or instruction following."""


class Contrast(StrEnum):
    """What stands in `score_control`."""

    UNTOUCHED = "untouched-base"
    """The very model the student started from."""
    NO_TEACHER = "no-teacher-training"
    """Same budget or human data, no teacher."""
    RL = "rl-instead"
    """Reinforcement learning of the same base instead."""
    VENDOR = "vendor-post-trained"
    """The vendor's own tune of the same base."""
    SELF = "self-generated-data"
    EARLIER = "earlier-stage"
    TEACHER_SWAP = "teacher-swap"
    DATA_SWAP = "teacher-or-data-swap"
    METHOD_SWAP = "method-swap"
    UNMATCHED = "unmatched-model"
    """Another size, a sibling base, another version, or a number of another report."""
    TEACHER_ITSELF = "teacher-itself"
    """The control is the teacher."""
    NONE = "no-control"
    GAP = "gap-only"


UPLIFT_CONTRASTS = (Contrast.UNTOUCHED, Contrast.NO_TEACHER, Contrast.RL, Contrast.VENDOR)
"""The contrasts that answer "what did distillation add?": their control was never distilled from this teacher."""

SWAP_CONTRASTS = (Contrast.TEACHER_SWAP, Contrast.DATA_SWAP, Contrast.METHOD_SWAP)
"""The contrasts whose control is itself distilled: they answer other questions and get their own tables."""

ROLES = tuple(BenchmarkRole)
SCALES = ("percent", "percent-lower-is-better", "0-10", "rouge", "gap", "other")
GRADES = ("primary", "checked-secondary", "secondary")
METHODS = (
    "reasoning-trace", "instruction-expansion", "cot", "logits", "mixed", "agent-trajectory", "on-policy", "textbook",
    "self-generated", "data-selection", "labels",
)  # fmt: skip
SEED_SOURCES = (
    "public-prompts", "mixed", "unknown", "web-docs", "synthetic-seedless", "benchmark-train", "user-logs",
)  # fmt: skip


SURFACES = (
    "text-answer", "text-reasoning", "text-reasoning-summarised", "logits-topk", "logits-full", "scores",
)  # fmt: skip
"""What of the teacher the student sees; `scores` are log-probabilities of the student's own tokens alone."""


@dataclass(frozen=True)
class Column:
    """One column: what a cell must look like to be read."""

    kind: str
    """text, choice, number, count (a whole number) or risk (low, some or high, then why)."""
    required: bool = False
    choices: tuple[str, ...] = ()
    low: float | None = None
    """Smallest number allowed."""
    high: float | None = None
    meaning: str = ""
    optional: bool = False
    """A file may lack the column: every cell is then empty. True of columns that came later."""


def _text(meaning: str, required: bool = False) -> Column:
    return Column("text", required, meaning=meaning)


def _choice(choices: tuple[str, ...], meaning: str, required: bool = False, optional: bool = False) -> Column:
    return Column("choice", required, tuple(str(choice) for choice in choices), meaning=meaning, optional=optional)


RESULT_COLUMNS: Mapping[str, Column] = {
    "study_id": _text("name of the study: its short name and year", True),
    "title": _text("title of the paper or page", True),
    "year": Column("count", True, low=2015, high=2100, meaning="year of publication"),
    "reference": _text("where the number was published", True),
    "source_grade": _choice(GRADES, "how near the reader stood to the source", True),
    "table_or_section": _text("table or section of the source"),
    "teacher": _text("the teacher model"),
    "teacher_access": _choice(("weights", "api"), "whether the teacher's weights are public"),
    "student_base": _text("the model that the student started from", True),
    "student_params_b": Column("number", low=0.0001, high=10000, meaning="parameters of the student, billions"),
    "student_family_same_as_teacher": _choice(("y", "n", "unknown"), "same model family as the teacher"),
    "arm": _text("the distilled model", True),
    "distill_method": _choice(METHODS, "how the teacher taught"),
    "seed_source": _choice(SEED_SOURCES, "where the prompts came from"),
    "seeds_overlap_benchmark": _choice(("y", "n", "partial", "unknown"), "seeds overlap this benchmark"),
    "n_samples": Column("number", low=1, meaning="training samples"),
    "n_tokens": Column("number", low=1, meaning="training tokens"),
    "other_training_data": _text("what else the student was trained on; 'none' where the source says none"),
    "contrast": _choice(tuple(Contrast), "what score_control is", True),
    "control_arm": _text("the control model"),
    "benchmark": _text("name of the benchmark", True),
    "benchmark_role": _choice(tuple(BenchmarkRole), "role of the benchmark for this training data", True),
    "benchmark_role_alt": _choice(tuple(BenchmarkRole), "the role that another coder gave, where they disagreed"),
    "metric": _text("how the score was made", True),
    "score_scale": _choice(SCALES, "unit of the three scores", True),
    "n_items": Column("count", low=1, meaning="items of the benchmark's test set"),
    "score_control": Column("number", meaning="the control's score"),
    "score_distilled": Column("number", True, meaning="the distilled student's score"),
    "score_teacher": Column("number", meaning="the teacher's score"),
    "notes": _text("flags and caveats"),
    "surface": _choice(SURFACES, "what of the teacher was used", optional=True),
    "defence": Column("text", meaning="what was done to the teacher's outputs to spoil them", optional=True),
    "n_seeds": Column("count", low=1, meaning="training replicates behind the score", optional=True),
    "risk_row": Column("risk", meaning="risk of bias of this row where its study differs inside", optional=True),
    "control_handicapped": _choice(
        ("y", "n", "unclear"), "whether the control could not show its ability in this form", optional=True
    ),
}

STUDY_COLUMNS: Mapping[str, Column] = {
    "study_id": _text("name of the study, as in results.csv", True),
    "seeds_from_benchmark": _text("do the prompts come from the benchmark's own training set?", True),
    "confounded_mixture": _text("is the teacher's data mixed with other training?", True),
    "contamination_check_reported": _text("did the authors look for test items in the training data?", True),
    "heldout_eval_reported": _text("did they report benchmarks of another skill?", True),
    "control_quality": _text("how like is the control?", True),
    "variance_reported": _text("is there any measure of noise?", True),
    "note": _text("one sentence on the study"),
}

SCORES = ("score_control", "score_distilled", "score_teacher")

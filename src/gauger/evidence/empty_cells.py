"""Counts what the literature cannot tell: questions whose cells in the table are empty.

Each question is a conjunction of conditions on a row ("a strong student", "a hard benchmark", "held-out", "a matched
control without a teacher"). The table answers it if at least two studies have such a row. The list of questions is
fixed; whether each is answered is computed, so a new study can close one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

ENOUGH_STUDIES = 2

TRAITS: Mapping[str, pl.Expr] = {
    "a strong student (post-trained, 30 billion parameters or more)": pl.col("post_trained")
    & (pl.col("student_params_b") >= 30),
    "a frontier-size student (100 billion parameters or more)": pl.col("student_params_b") >= 100,
    "a hard benchmark": pl.col("hard"),
    "a targeted benchmark": pl.col("benchmark_role") == "targeted",
    "a fresh benchmark": pl.col("benchmark_role") == "fresh",
    "a held-out benchmark": pl.col("benchmark_role") == "held-out",
    "a control trained without a teacher": pl.col("contrast") == "no-teacher-training",
    "a control of reinforcement learning": pl.col("contrast") == "rl-instead",
    "any control that is not distilled": pl.col("contrast").is_in(
        ["untouched-base", "no-teacher-training", "rl-instead", "vendor-post-trained"]
    ),
    "a teacher behind an API": pl.col("teacher_access") == "api",
    "logits of the teacher": pl.col("distill_method") == "logits",
    "a known number of training tokens": pl.col("n_tokens").is_not_null(),
    "a known teacher's score": pl.col("score_teacher").is_not_null(),
    "a study at low risk of bias": pl.col("risk") == "low",
    "a contamination check": pl.col("contamination_check") == "low",
}
"""Conditions that a question is made of."""

(
    _STRONG, _FRONTIER, _HARD, _TARGETED, _FRESH, _HELD_OUT, _MATCHED, _RL, _CONTROL, _API, _LOGITS, _TOKENS, _TEACHER,
    _LOW, _CHECK,
) = TRAITS  # fmt: skip

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "Does a strong student learn a hard skill it was not aimed at, over the same training without a teacher?":
        (_STRONG, _HARD, _HELD_OUT, _MATCHED),
    "Does a strong student gain at all over the same training without a teacher?": (_STRONG, _MATCHED),
    "Does a strong student gain on fresh, hard items over a non-distilled control?": (_STRONG, _HARD, _FRESH, _CONTROL),
    "Do fresh items show a gain over the same training without a teacher?": (_FRESH, _MATCHED),
    "Do frontier-size students gain on held-out benchmarks?": (_FRONTIER, _HELD_OUT, _CONTROL),
    "What does a teacher behind an API give over the same training without a teacher?": (_API, _MATCHED),
    "What does a teacher behind an API give on held-out benchmarks over the same training without a teacher?":
        (_API, _HELD_OUT, _MATCHED),
    "Does distillation beat reinforcement learning on held-out benchmarks?": (_HELD_OUT, _RL),
    "Does distillation beat reinforcement learning on fresh benchmarks?": (_FRESH, _RL),
    "How much of the teacher's advantage is recovered on held-out benchmarks?": (_HELD_OUT, _TEACHER, _CONTROL),
    "How much of the teacher's advantage does a strong student recover on hard held-out benchmarks?":
        (_STRONG, _HARD, _HELD_OUT, _TEACHER, _CONTROL),
    "How does held-out uplift grow with training tokens?": (_HELD_OUT, _TOKENS, _CONTROL),
    "What do logits add on hard held-out benchmarks?": (_LOGITS, _HARD, _HELD_OUT, _CONTROL),
    "Is there a held-out gain in studies at low risk of bias that looked for contamination?":
        (_HELD_OUT, _LOW, _CHECK, _CONTROL),
}  # fmt: skip


@dataclass(frozen=True)
class Unknown:
    """One question, and what the table holds for it."""

    question: str
    needs: tuple[str, ...]
    n_rows: int
    n_studies: int

    @property
    def answered(self) -> bool:
        """True where at least two studies have such rows."""
        return self.n_studies >= ENOUGH_STUDIES

    def text(self) -> str:
        """Say what the table holds for it."""
        needs = ", ".join(self.needs)
        if self.n_rows == 0:
            return f"{self.question} No row has {needs}."
        rows, studies = _count(self.n_rows, "row"), _count(self.n_studies, "study", "studies")
        return f"{self.question} {rows} of {studies} with {needs}."

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return {**asdict(self), "answered": self.answered, "text": self.text()}


def _count(n: int, singular: str, many: str | None = None) -> str:
    return f"{n} {singular if n == 1 else many or singular + 's'}"


def unknowns(frame: pl.DataFrame) -> tuple[Unknown, ...]:
    """Count the rows for every question, emptiest first.

    Parameters
    ----------
    frame : DataFrame
        All rows, from `clean.prepare`. Rows with a suspected artefact or without a stronger teacher do not count.
    """
    rows = frame.filter(~pl.col("artefact") & ~pl.col("no_teacher"))
    cells = []
    for question, needs in QUESTIONS.items():
        fitting = rows.filter(pl.all_horizontal([TRAITS[need].fill_null(False) for need in needs]))
        cells.append(Unknown(question, needs, len(fitting), fitting["study_id"].n_unique()))
    return tuple(sorted(cells, key=lambda cell: (cell.n_studies, cell.n_rows)))


NEVER = {
    "training replicates of one recipe": "a column for them: no source prints several training runs of one student",
    "money, queries or teacher tokens spent": "rows with them: the cost side of elicitation is not published",
    "what large API campaigns gained": "rows on them: exchanges and accounts are reported, results are not",
}
"""Facts that no column of the table can hold because no source was seen to print them."""

"""States what the published evidence says, claim by claim: effect, interval, studies, certainty, what would change it.

Each claim is a question, the rows that answer it, and the words of its answer; numbers, certainty and sentence follow
by rules (`certainty.py`, `wording.py`). A claim that cannot be answered says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from gauger.evidence.certainty import Certainty, CertaintyDomain, Facts, grade, would_change
from gauger.evidence.clean import Exclusion
from gauger.evidence.columns import ROLES, UPLIFT_CONTRASTS, Contrast
from gauger.evidence.effects import add_effects
from gauger.evidence.empty_cells import unknowns
from gauger.evidence.forest import study_means
from gauger.evidence.moderators import MODERATORS, moderate
from gauger.evidence.pool import fit_rows, pool_effects, pool_roles, predictions, role_terms
from gauger.evidence.pooled import Pooled
from gauger.evidence.restrict import rows_of
from gauger.evidence.wording import points, reservation, verb
from gauger.stats import average

ANY_ROLE = "any"
TEXT_METHODS = ("reasoning-trace", "cot", "agent-trajectory")
OVER_BASE = "an untouched base was not trained at all: what training as such brings is counted as distillation"
PAIRED = "both arms are distilled: the choice between them, not distillation, is compared"
RICHER = "the arms differ in more than the logits"


@dataclass(frozen=True)
class ClaimQuestion:
    """One claim before it is answered."""

    id: str
    question: str
    subject: str
    """Who gains."""
    ending: str
    """Where, and over what: what follows the verb."""
    role: str
    """The role whose mean answers it, or `ANY_ROLE`."""
    contrasts: tuple[Contrast, ...]
    keep: pl.Expr | None = None
    indirect: tuple[str, ...] = ()
    up: str = "gain"
    down: str = "lose"
    also: tuple[ClaimQuestion, ...] = ()
    """Neighbouring questions that are answered in a sentence each, without a claim of their own."""
    empty: tuple[str, ...] = ()
    """Words of the open questions (`empty_cells.QUESTIONS`) that belong here."""


_HARD_STRONG = pl.col("post_trained") & (pl.col("student_params_b") >= 30) & pl.col("hard")
_NO_TEACHER_ELSEWHERE = ClaimQuestion(
    "no-teacher-held-out", "And elsewhere?", "Distilled students",
    "on benchmarks of other skills, over the same training without a teacher", "held-out", (Contrast.NO_TEACHER,),
)  # fmt: skip
_TEACHER_PLUS_RL = ClaimQuestion(
    "teacher-plus-rl", "What does a teacher add to reinforcement learning?", "Students with a teacher and RL",
    "on targeted benchmarks, over reinforcement learning alone", "targeted", (Contrast.RL,),
    pl.col("distill_method") == "mixed",
)  # fmt: skip

QUESTIONS: tuple[ClaimQuestion, ...] = (
    ClaimQuestion(
        "targeted", "Does distillation help on what it aims at?", "Distilled students",
        "on benchmarks the training data aims at, over the untouched base", "targeted", (Contrast.UNTOUCHED,),
        indirect=(OVER_BASE,), empty=("same training without a teacher",),
    ),
    ClaimQuestion(
        "fresh", "Does it help on fresh items of the same skill?", "Distilled students",
        "on fresh items of the trained skill, over the untouched base", "fresh", (Contrast.UNTOUCHED,),
        indirect=(OVER_BASE,), empty=("fresh",),
    ),
    ClaimQuestion(
        "held-out", "Does it help elsewhere?", "Distilled students",
        "on benchmarks of other skills, over the untouched base", "held-out", (Contrast.UNTOUCHED,),
        indirect=(OVER_BASE,), empty=("held-out",),
    ),
    ClaimQuestion(
        "no-teacher", "Does it give more than the same training without a teacher?", "Distilled students",
        "on targeted benchmarks, over the same training without a teacher", "targeted", (Contrast.NO_TEACHER,),
        also=(_NO_TEACHER_ELSEWHERE,),
        empty=("same training without a teacher",),
    ),
    ClaimQuestion(
        "rl", "Does a teacher's text give more than reinforcement learning?", "Students of a teacher's text",
        "on targeted benchmarks, over reinforcement learning of the same base", "targeted", (Contrast.RL,),
        pl.col("distill_method").is_in(TEXT_METHODS), also=(_TEACHER_PLUS_RL,), empty=("reinforcement learning",),
    ),
    ClaimQuestion(
        "strong-hard", "Do strong students gain on hard held-out benchmarks?",
        "Post-trained students of 30 billion parameters or more",
        "on hard benchmarks of other skills, over any control that is not distilled", "held-out", UPLIFT_CONTRASTS,
        _HARD_STRONG, indirect=(OVER_BASE,), empty=("strong student", "frontier"),
    ),
    ClaimQuestion(
        "hidden", "Does hiding the reasoning keep students from learning?", "Students that see no reasoning",
        "against students that see all of it", ANY_ROLE, (Contrast.DATA_SWAP,),
        pl.col("defence").str.contains(r"(?i)hidden|chain-of-thought removal")
        & ~pl.col("defence").str.contains("(?i)adaptive"),
        indirect=(PAIRED,),
    ),
    ClaimQuestion(
        "logits", "What do a teacher's logits add?", "Students of a teacher's logits",
        "over the same training without a teacher, all benchmarks together", ANY_ROLE, (Contrast.NO_TEACHER,),
        pl.col("distill_method") == "logits", indirect=(RICHER,), empty=("logits",),
    ),
    ClaimQuestion(
        "agents", "Do agents learn from a teacher's trajectories?", "Agents trained on a teacher's trajectories",
        "on the tasks they were trained for, over the untouched base", "targeted", (Contrast.UNTOUCHED,),
        pl.col("distill_method") == "agent-trajectory", indirect=(OVER_BASE,),
    ),
    ClaimQuestion(
        "dose", "How does it grow with the number of samples?", "Gains within the trained skill",
        "per tenfold training samples, between studies", "slope", (Contrast.UNTOUCHED,),
        indirect=("studies with more samples differ in everything else",), up="grow", down="shrink", empty=("tokens",),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """One claim with its answer."""

    id: str
    question: str
    sentence: str
    effect: float | None
    """Points."""
    low: float | None
    high: float | None
    prediction_low: float | None
    prediction_high: float | None
    n_studies: int
    n_rows: int
    certainty: Certainty
    domains: tuple[CertaintyDomain, ...] = ()
    would_change: tuple[str, ...] = ()
    reason: str | None = None
    studies_by_role: Mapping[str, int] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    """Sentences on neighbouring questions."""
    empty_cells: tuple[str, ...] = ()
    """Open questions that belong to it."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return {**asdict(self), "certainty": str(self.certainty)}


def answer_claims(frame: pl.DataFrame, questions: Sequence[ClaimQuestion] = QUESTIONS) -> tuple[Claim, ...]:
    """Answer every question.

    Parameters
    ----------
    frame : DataFrame
        All rows, from `clean.prepare`.
    """
    open_cells = [unknown for unknown in unknowns(frame) if not unknown.answered]
    return tuple(_answer(frame, question, [u.text() for u in open_cells]) for question in questions)


def rows_for(frame: pl.DataFrame, question: ClaimQuestion) -> pl.DataFrame:
    """Select the rows that answer a question; swap rows for questions whose arms are both distilled."""
    if all(contrast in UPLIFT_CONTRASTS for contrast in question.contrasts):
        rows = rows_of(frame, question.contrasts)
    else:
        lets = pl.col("exclusion").is_in([str(Exclusion.DEFENDED), str(Exclusion.SWAP)])
        rows = frame.filter(
            lets & pl.col("contrast").is_in([str(c) for c in question.contrasts]) & pl.col("n_items").is_not_null()
            & (pl.col("score_scale") == "percent") & pl.col("score_control").is_not_null() & ~pl.col("gap")
        )  # fmt: skip
    return rows if question.keep is None else rows.filter(question.keep)


def _answer(frame: pl.DataFrame, question: ClaimQuestion, open_cells: Sequence[str]) -> Claim:
    rows = rows_for(frame, question)
    pooled = _estimate(frame, question, rows)
    mine = rows if question.role in (ANY_ROLE, "slope") else rows.filter(pl.col("benchmark_role") == question.role)
    by_role = {
        str(role): n for role in ROLES if (n := rows.filter(pl.col("benchmark_role") == role)["study_id"].n_unique())
    }
    empty = tuple(text for text in open_cells if any(word in text for word in question.empty))
    start = Claim(
        question.id,
        question.question,
        "",
        None,
        None,
        None,
        None,
        None,
        pooled.n_studies,
        pooled.n_rows,
        Certainty.VERY_LOW,
        studies_by_role=by_role,
        empty_cells=empty,
        also=tuple(_answer(frame, other, ()).sentence for other in question.also),
    )
    if pooled.estimate is None or pooled.low is None or pooled.high is None or pooled.df is None:
        sentence = f"{question.subject} {question.ending}: this cannot be told, {pooled.reason} ({_counted(pooled)})."
        return replace(start, sentence=sentence, reason=pooled.reason, would_change=("two studies or more",))
    certainty, domains = grade(_facts(pooled, mine, question))
    predicate = verb(pooled.estimate, pooled.low, pooled.high, certainty, question.up, question.down)
    sentence = (
        f"{question.subject} {predicate} {question.ending}: {points(pooled.estimate, pooled.low, pooled.high)} "
        f"({_counted(pooled)}; certainty {certainty}){reservation(pooled.low, pooled.high, certainty)}."
    )
    return replace(
        start,
        sentence=sentence,
        effect=pooled.estimate,
        low=pooled.low,
        high=pooled.high,
        prediction_low=pooled.prediction_low,
        prediction_high=pooled.prediction_high,
        certainty=certainty,
        domains=domains,
        would_change=would_change(domains),
    )


def _counted(pooled: Pooled) -> str:
    return f"{pooled.n_studies} {'study' if pooled.n_studies == 1 else 'studies'}, {pooled.n_rows} rows"


def _estimate(frame: pl.DataFrame, question: ClaimQuestion, rows: pl.DataFrame) -> Pooled:
    if question.role == "slope":
        samples = next(moderator for moderator in MODERATORS if moderator.name == "training samples")
        (moderation,) = moderate(frame, (samples,))
        slope = next(effect for effect in moderation.effects if effect.name == "trained skill")
        return replace(slope, n_rows=moderation.n_rows, n_studies=moderation.n_studies)
    if question.role == ANY_ROLE:
        analysis = pool_effects(add_effects(rows), {"mean": np.ones(len(rows))})
        return predictions(analysis)[0]
    return pool_roles(rows)[question.role]


def _facts(pooled: Pooled, rows: pl.DataFrame, question: ClaimQuestion) -> Facts:
    """Collect the numbers behind a grade; the caller has checked that there is an estimate."""
    risks = rows.group_by("study_id").agg(pl.col("risk").first())["risk"]
    bad = risks.is_in(["high", "unclear"]).mean()
    slope = _small_slope(rows) if question.role != "slope" else None
    plain, corrected = (None, None) if question.role == "slope" else _corrected(rows)
    # An undefined number here is our fault: it must end the claim, never enter its grade as 0.
    estimate, low, high, df = (x for x in (pooled.estimate, pooled.low, pooled.high, pooled.df) if x is not None)
    return Facts(
        estimate, low, high, df, pooled.n_studies, float((risks == "low").mean()), float(bad),  # type: ignore[arg-type]
        pooled.prediction_low, pooled.prediction_high, question.indirect,
        slope.p if slope else None, slope.estimate if slope else None, corrected, plain,
    )  # fmt: skip


def _small_slope(rows: pl.DataFrame) -> Pooled | None:
    """Slope on 1 / sqrt(n) within these rows."""
    if rows["study_id"].n_unique() < 5 or rows["n_items"].n_unique() < 3:
        return None
    precision = 1 / rows["n_items"].cast(pl.Float64).sqrt().to_numpy()
    return pool_effects(add_effects(rows), {"mean": np.ones(len(rows)), "slope": precision})["slope"]


def _corrected(rows: pl.DataFrame) -> tuple[float | None, float | None]:
    """Mean of the studies' own estimates without and with an account of selection; None with too few studies."""
    if rows["study_id"].n_unique() < 2 or len(rows) < 3:
        return None, None
    effects = add_effects(rows)
    fitted = fit_rows(effects, role_terms(effects), robust=False)
    estimates, variances = study_means(effects, fitted)
    averaged = average(estimates, variances)
    if averaged.estimate is None:
        return None, None
    return averaged.candidates[0].estimate, averaged.estimate


__all__ = ["ANY_ROLE", "QUESTIONS", "Claim", "ClaimQuestion", "answer_claims", "rows_for"]

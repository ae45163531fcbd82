"""Says to the estimator what a study's defences are, and puts its findings beside costs and literature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from gauger.elicit import TOO_LONG, UNANSWERED, words_for
from gauger.estimate import DefenceQuestion, DefenceVerdict, StudyEstimates
from gauger.evidence import defences_in_literature
from gauger.records import ArmKind, Outcome
from gauger.spec import OPEN, TEACHER, Arm, DefenceStudy, Study, Surface
from gauger.study.plan import Plan

LITERATURE_OF = {
    "heat": ("temperature",),
    "product-of-experts": ("product-of-experts",),
    "antidistil": ("tilted-sampling",),
    "hide-reasoning": ("reasoning-hidden",),
    "summarise": ("reasoning-hidden",),
    "rewrite": ("rewriting", "paraphrase"),
    "wrong-answers": ("wrong-answers",),
    "wrong-steps": ("wrong-answers",),
}
"""Defence by name -> the kinds of published defences that are set beside it."""
NO_DEFENCE = ("failed", UNANSWERED, TOO_LONG)
"""Why an answer may be dropped that is no defence's doing: where it is so, an empty corpus says nothing of one."""
_ANSWERED = (str(Outcome.SCORED), str(Outcome.UNPARSED), str(Outcome.TRUNCATED))


def defence_question(defences: DefenceStudy, plan: Plan, done: Mapping[str, Path]) -> DefenceQuestion:
    """Say to the estimator which arms are attackers on which surface, and what was fixed before the run.

    Parameters
    ----------
    defences : DefenceStudy
        Of the study.
    plan : Plan
        Of the study.
    done : mapping
        Key of a job -> the directory of its result.
    """
    arms = plan.arms
    attacks: dict[str, dict[str, str]] = {surface: {} for surface in (OPEN, *defences.family)}
    for arm in arms:
        if arm.kind is ArmKind.ATTACK and arm.defence is not None and arm.attacker is not None:
            attacks[arm.defence][arm.attacker] = arm.name
    own = plan.study.teacher.surface
    return DefenceQuestion(
        role=str(defences.role),
        level=defences.level,
        thresholds={name: defences.threshold_of(name) for name in defences.family},
        attacks=attacks,
        passive=frozenset(name for name, attacker in defences.attackers.items() if attacker.passive),
        starved=frozenset(_starved(plan, done)),
        shut_out={name: frozenset(_shut_out(defences, name, own)) for name in defences.family},
        honest={arm.defence: arm.name for arm in arms if arm.kind is ArmKind.SURFACE and arm.defence is not None},
    )


def _shut_out(defences: DefenceStudy, defence: str, own: Surface) -> Iterator[str]:
    """Yield the attackers who learn from log-probabilities where a defence shows none."""
    if defences.family[defence].over(own).log_probabilities == "none":
        yield from (name for name, attacker in defences.attackers.items() if attacker.reads_logs)


def _starved(plan: Plan, done: Mapping[str, Path]) -> Iterator[str]:
    """Yield the attackers' arms whose corpora were all made, and hold nothing because nothing came through."""
    for arm in plan.arms:
        corpora = [key for cell in plan.cells if cell.arm == arm.name for key in cell.corpora]
        if arm.kind is ArmKind.ATTACK and corpora and all(_is_empty(key, done) for key in corpora):
            yield arm.name


def _is_empty(key: str, done: Mapping[str, Path]) -> bool:
    """Say whether a corpus holds nothing, and not for another reason than the surface and what was asked of answers."""
    if key not in done or pl.scan_parquet(done[key] / "corpus.parquet").select(pl.len()).collect().item() > 0:
        return False
    ledger = pl.scan_parquet(done[key] / "ledger.parquet")
    return bool(ledger.filter(pl.col("dropped").is_in(NO_DEFENCE)).select(pl.len()).collect().item() == 0)


def defence_entries(
    study: Study, arms: Sequence[Arm], result: StudyEstimates, records: pl.DataFrame
) -> tuple[dict[str, Any], ...]:
    """List the defences with their outcomes, and what the report shows beside them.

    Parameters
    ----------
    study : Study
        A checked study.
    arms : sequence of Arm
        All arms of the study.
    result : StudyEstimates
        What its records say.
    records : pl.DataFrame
        The records themselves: what honest users were refused, and how long their answers were.
    """
    defences = study.defences
    if defences is None:
        return ()
    shown = {arm.defence: arm for arm in arms if arm.kind is ArmKind.SURFACE}
    honest = {arm: _use(records, arm) for arm in (TEACHER, *(arm.name for arm in shown.values()))}
    return tuple(
        _entry(defences, verdict, study.teacher.surface)
        | {"honest": {"open": honest[TEACHER], "defended": honest[shown[verdict.defence].name]}}
        for verdict in result.defences
    )


def _entry(defences: DefenceStudy, verdict: DefenceVerdict, own: Surface) -> dict[str, Any]:
    defence = defences.family[verdict.defence]
    surface = defence.over(own)
    return {
        "defence": verdict.defence,
        "outcome": str(verdict.outcome),
        "threshold": verdict.threshold,
        "against": list(verdict.against),
        "why": verdict.why,
        "role": str(defences.role),
        "description": defence.description,
        "surface": words_for(surface),
        "budgets": {
            name: value
            for name in ("max_queries", "max_tokens", "max_usd", "queries_per_day", "max_accounts")
            if (value := getattr(defence, name)) is not None
        },
        "accounts": {name: accounts for name in verdict.against if (accounts := defences.attackers[name].accounts) > 1},
        "passive": [name for name in verdict.against if defences.attackers[name].passive],
        "literature": [
            row.to_dict() for kind in _kinds(surface, own) for row in defences_in_literature() if row.kind == kind
        ],
    }


def _kinds(surface: Surface, own: Surface) -> list[str]:
    """Return the kinds of published defences that are like this one; empty where none is."""
    kinds = list(LITERATURE_OF.get(surface.defence or "", ())) if surface.strength else []
    if (surface.reasoning, own.reasoning) == ("hidden", "shown"):
        kinds.append("reasoning-hidden")
    return list(dict.fromkeys(kinds))


def _use(records: pl.DataFrame, arm: str) -> Mapping[str, float | int | None]:
    """Sum up what an honest user got: requests, shares refused and without an answer, tokens; NULL where unknown."""
    own = records.filter(arm=arm)
    if own.height == 0:
        return {"requests": 0, "refused": None, "unanswered": None, "tokens_out": None}
    answered = own.filter(pl.col("outcome").is_in(_ANSWERED))
    tokens = answered["tokens_out"].drop_nulls()
    empty = (pl.col("outcome") == str(Outcome.FAILED)) & pl.col("tokens_out").is_not_null()
    lost = own.filter(pl.col("outcome").is_in([str(Outcome.REFUSED), str(Outcome.TRUNCATED)]) | empty)
    return {
        "requests": own.height,
        "refused": round(own.filter(outcome=str(Outcome.REFUSED)).height / own.height, 6),
        "unanswered": round(lost.height / own.height, 6),
        "tokens_out": round(sum(tokens) / len(tokens), 3) if len(tokens) else None,
    }

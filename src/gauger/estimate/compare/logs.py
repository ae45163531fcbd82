"""`gauger compare`: from the logs of two or more arms to the document of a report, with every doubt said aloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import polars as pl

from gauger.errors import InputError, UserError, nearest
from gauger.estimate.compare.document import comparison_document
from gauger.estimate.compare.sensitivity import Scored, disagreements, sensitivity
from gauger.estimate.design import Design
from gauger.estimate.estimator import estimate_study
from gauger.measure.importers.arm import ArmLogs
from gauger.measure.importers.differences import setting_differences
from gauger.measure.importers.match import Rule, match_items
from gauger.measure.importers.measures import Choice, Wish, check_wish, choose_measures
from gauger.records import ArmInfo, ArmKind, Document, Role

KINDS: Mapping[str, ArmKind] = {
    "distilled": ArmKind.DISTILLED,
    "control": ArmKind.MATCHED,
    "teacher": ArmKind.TEACHER,
    "base": ArmKind.BASE,
}
"""What the user calls an arm -> what the estimators call it."""


@dataclass(frozen=True)
class Question:
    """How the user wants the arms compared."""

    roles: Mapping[str, str] = field(default_factory=dict)
    """Benchmark, or a pattern with `*`, -> role."""
    wish: Wish = field(default_factory=Wish)
    paired: bool | None = None
    """Replicates of one number share their seed; None: exactly where the logs state replicate numbers."""
    unparsed_wrong: bool = True
    """Answers that could not be extracted count as wrong, as both harnesses count them."""
    moderated: bool = True
    level: float = 0.95


def compare(arms: Sequence[ArmLogs], question: Question) -> Document:
    """Compare arms from their evaluation logs.

    Parameters
    ----------
    arms : sequence of ArmLogs
        The distilled arm first; at least one of the others is a control or a base.
    question : Question

    Raises
    ------
    UserError
        No benchmark in common, an unknown role, benchmark, metric or filter.
    """
    check_wish(arms, question.wish)
    benchmarks, one_sided = _benchmarks(arms)
    roles = _roles(arms, benchmarks, question.roles)
    choices = {b: choose_measures(_having(arms, b), b, question.wish) for b in benchmarks}
    rule = Rule(roles, unparsed_counts=question.unparsed_wrong)
    matched = {b: match_items(_having(arms, b), b, choices[b].primary, rule) for b in benchmarks}
    records = pl.concat([one.records for one in matched.values()])
    design = _design(arms, roles, question)
    result = estimate_study(records, design)
    scorings = sensitivity(records, result.estimates, design, _others(arms, choices, rule), choices)
    warnings = [
        *_replication(arms),
        *setting_differences(arms, benchmarks),
        *one_sided,
        *(note for b in benchmarks for note in (*choices[b].notes, *matched[b].notes)),
        *disagreements(scorings),
        *_log_notes(arms),
    ]
    return comparison_document(arms, design, matched, result, scorings, warnings)


def _having(arms: Sequence[ArmLogs], benchmark: str) -> list[ArmLogs]:
    return [arm for arm in arms if arm.on(benchmark)]


def _benchmarks(arms: Sequence[ArmLogs]) -> tuple[list[str], list[str]]:
    """Return the benchmarks of the distilled arm that something can be compared with, and a word on all others."""
    distilled, *others = arms
    comparable = {b for arm in others if arm.kind != "teacher" for b in arm.benchmarks}
    found = [b for b in distilled.benchmarks if b in comparable]
    if not found:
        given = "; ".join(f"{arm.name}: {', '.join(arm.benchmarks)}" for arm in arms)
        raise InputError("a benchmark that the distilled arm and its control both have", given)
    everywhere = dict.fromkeys(b for arm in arms for b in arm.benchmarks)
    left = [b for b in everywhere if b not in found]
    return found, [f"{b} is not compared: only {' and '.join(a.name for a in _having(arms, b))} has it" for b in left]


def _roles(arms: Sequence[ArmLogs], benchmarks: Sequence[str], asked: Mapping[str, str]) -> dict[str, str]:
    """Return benchmark -> role: what the user asked for, else what the logs state."""
    roles = {log.benchmark: log.role for arm in reversed(arms) for log in arm.logs if log.role}
    for pattern, role in asked.items():
        if role not in list(Role):
            raise UserError(f"a known role for {pattern}", repr(role), hint=nearest(role, map(str, Role)))
        hit = [b for b in benchmarks if b == pattern or fnmatchcase(b, pattern)]
        if not hit:
            raise UserError("a benchmark that is compared", repr(pattern), hint=nearest(pattern, benchmarks))
        roles |= dict.fromkeys(hit, role)
    return {b: roles[b] for b in benchmarks if b in roles}


def _design(arms: Sequence[ArmLogs], roles: Mapping[str, str], question: Question) -> Design:
    control = next((arm.name for arm in arms if arm.kind == "control"), None)
    replicated = [arm for arm in arms if arm.n_replicates > 1]
    stated = bool(replicated) and all(arm.numbered for arm in replicated)
    return Design(
        arms=tuple(_arm_info(arm, control) for arm in arms),
        roles=roles,
        paired=stated if question.paired is None else question.paired,
        moderated=question.moderated,
        level=question.level,
        unparsed_wrong=question.unparsed_wrong,
    )


def _arm_info(arm: ArmLogs, control: str | None) -> ArmInfo:
    models = list(dict.fromkeys(log.model for log in arm.logs if log.model))
    shown = ", ".join(models[:3]) + (", ..." if len(models) > 3 else "")
    runs = "1 trained model" if arm.n_replicates == 1 else f"{arm.n_replicates} training replicates"
    description = f"{runs} from {arm.logs[0].format} logs" + (f": {shown}" if models else "")
    return ArmInfo(arm.name, str(KINDS[arm.kind]), description, matched=control if arm.kind == "distilled" else None)


def _others(arms: Sequence[ArmLogs], choices: Mapping[str, Choice], rule: Rule) -> list[Scored]:
    """Return every further measure of every benchmark, matched like the primary one."""
    return [
        Scored(b, measure, match_items(_having(arms, b), b, measure, rule).records)
        for b, choice in choices.items()
        for measure in choice.others
    ]


def _replication(arms: Sequence[ArmLogs]) -> list[str]:
    """Say what the intervals cover of training."""
    trained = [arm for arm in arms if arm.kind in ("distilled", "control")]
    once = [arm.name for arm in trained if arm.n_replicates == 1]
    if len(once) == len(trained):
        return [
            "nothing was trained more than once: every interval covers item sampling alone, and another training seed "
            "would move the numbers further"
        ]
    return [f"{name} was trained once: the intervals take its one model as it is" for name in once]


def _log_notes(arms: Sequence[ArmLogs]) -> list[str]:
    said = [note for arm in arms for note in arm.notes]
    for arm in arms:
        for replicate, log in zip(arm.replicates, arm.logs, strict=True):
            which = f"{arm.name}, replicate {replicate}" if arm.n_replicates > 1 else arm.name
            said += [f"{which}, {log.benchmark}: {note}" for note in log.notes]
    return said

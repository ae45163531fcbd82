"""Prepares a comparison: benchmarks in common, measures, matched items, roles, and the design that estimators need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from gauger.audit import AuditedBenchmark
from gauger.errors import InputError, UserError, nearest
from gauger.estimate.design import Design
from gauger.measure import (
    ArmLogs,
    Coded,
    Matched,
    MatchingRule,
    MeasuresOfBenchmark,
    UnusableWishError,
    Wish,
    choose_measures,
    code_items,
    match_coded,
)
from gauger.records import ArmInfo, ArmKind, Role

KINDS: Mapping[str, ArmKind] = {
    "distilled": ArmKind.DISTILLED,
    "control": ArmKind.MATCHED,
    "teacher": ArmKind.TEACHER,
    "base": ArmKind.BASE,
}
"""What the user calls an arm -> what the estimators call it."""


@dataclass(frozen=True)
class ComparisonQuestion:
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
    match: str | None = None
    """What items are matched by (`item_keys.NAMES`); None: the best key that all logs share."""
    reduce: str = "mean"
    """How several samples of an item become one score (`reducers.reducer_of`)."""
    by: str | None = None
    """Column whose values are sub-groups of items."""
    audited: Sequence[AuditedBenchmark] = ()
    """Which items an audit touches."""


@dataclass(frozen=True)
class Prepared:
    """What is compared, on which items."""

    choices: Mapping[str, MeasuresOfBenchmark]
    """Benchmark -> its measures; only those that can be compared as scores from 0 to 1."""
    matched: Mapping[str, Matched]
    coded: Mapping[str, Coded]
    """Benchmark -> its rows with items numbered alike in all arms."""
    left_out: Mapping[str, InputError]
    """Benchmark that cannot be compared so -> why."""
    roles: Mapping[str, str]
    """Benchmark -> role."""
    rule: MatchingRule
    notes: tuple[str, ...]
    """Benchmarks of one side alone."""


def prepare(arms: Sequence[ArmLogs], question: ComparisonQuestion) -> Prepared:
    """Choose measures and match items on each benchmark; one on which that cannot be done is left out, with its reason.

    Parameters
    ----------
    arms : sequence of ArmLogs
        Their benchmarks named alike.
    question : Question
        Roles, wished measure, key to match items by, and whether unparsed answers count.

    Returns
    -------
    Prepared
        `matched` may be empty, where no benchmark has a score from 0 to 1; the reasons are in `left_out`.

    Raises
    ------
    UserError
        No benchmark in common, an unknown role or benchmark; a metric that the user named and that is no score.
    """
    benchmarks, one_sided = _benchmarks(arms)
    roles = _roles(arms, benchmarks, question.roles)
    rule = MatchingRule(roles, unparsed_counts=question.unparsed_wrong, key=question.match)
    choices, matched, coded, faults = {}, {}, {}, {}
    for benchmark in benchmarks:
        try:
            choice = choose_measures(having(arms, benchmark), benchmark, question.wish)
            coded[benchmark] = code_items(having(arms, benchmark), benchmark, question.match)
            matched[benchmark] = match_coded(coded[benchmark], choice.primary, rule)
            choices[benchmark] = choice
        except UnusableWishError:
            raise
        except InputError as fault:
            faults[benchmark] = fault
    return Prepared(
        choices, matched, coded, faults, {b: r for b, r in roles.items() if b in matched}, rule, tuple(one_sided)
    )


def having(arms: Sequence[ArmLogs], benchmark: str) -> list[ArmLogs]:
    """Return the arms that have a benchmark.

    Parameters
    ----------
    arms : sequence of ArmLogs
        In any order, which is kept.
    benchmark : str
        Its name, alike in all arms.

    Returns
    -------
    list of ArmLogs
        Empty where none has it.
    """
    return [arm for arm in arms if arm.on(benchmark)]


def _benchmarks(arms: Sequence[ArmLogs]) -> tuple[list[str], list[str]]:
    """Return the benchmarks of a distilled arm that something can be compared with, and a word on all others."""
    distilled = [arm for arm in arms if arm.kind == "distilled"]
    comparable = {b for arm in arms if arm.kind in ("control", "base") for b in arm.benchmarks}
    compared = [b for b in dict.fromkeys(b for arm in distilled for b in arm.benchmarks) if b in comparable]
    if not compared:
        given = "; ".join(f"{arm.name}: {', '.join(arm.benchmarks)}" for arm in arms)
        raise InputError("a benchmark that the distilled arm and its control both have", given)
    everywhere = dict.fromkeys(b for arm in arms for b in arm.benchmarks)
    left = [b for b in everywhere if b not in compared]
    return compared, [f"{b} is not compared: only {' and '.join(a.name for a in having(arms, b))} has it" for b in left]


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


def design_of(arms: Sequence[ArmLogs], roles: Mapping[str, str], question: ComparisonQuestion) -> Design:
    """Return what the estimators must know of the arms.

    Parameters
    ----------
    arms : sequence of ArmLogs
        The first control among them is the matched control of every distilled arm.
    roles : mapping of benchmark -> role
        Benchmarks without a role are absent.
    question : Question
        Pairing, moderation, level, and whether unparsed answers count as wrong.

    Returns
    -------
    Design
        Without a verdict rule. Unless the user said so, replicates are paired only where some arm has several and the
        logs of all such arms state their numbers.
    """
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
    formats = " and ".join(dict.fromkeys(log.format for log in arm.logs))
    tasks = f" on {len(arm.benchmarks)} benchmarks" if len(arm.benchmarks) > 1 else ""
    description = f"{runs}{tasks} from {formats} logs" + (f": {shown}" if models else "")
    return ArmInfo(arm.name, str(KINDS[arm.kind]), description, matched=control if arm.kind == "distilled" else None)

"""Checks the defences of a study: free names, attackers that can be run, budgets that somebody counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gauger.errors import nearest
from gauger.spec.controls import TEACHER
from gauger.spec.defence_family import AttackerSpec, DefenceStudy
from gauger.spec.defended_arms import OPEN, surface_of
from gauger.spec.fault import Fault
from gauger.spec.models import Surface
from gauger.spec.stages.base import StagePath
from gauger.spec.study import Study

ROOT = ("defences",)


def check_defences(study: Study) -> Iterator[Fault]:
    """Find every contradiction within the defences, and with the study around them."""
    defences = study.defences
    if defences is None:
        return
    if not any(benchmark.role == defences.role for benchmark in study.benchmarks.values()):
        yield Fault((*ROOT, "role"), "a role that some benchmark has", f"'{defences.role}'", "", (("benchmarks",),))
    if study.controls.matched.off is not None:
        hint = "An attacker's uplift is counted from its matched control."
        yield Fault(("controls", "matched", "off"), "the control matched to be on, for defences", "off", hint, (ROOT,))
    yield from _check_family(study, defences)
    for name, attacker in defences.attackers.items():
        yield from _check_attacker(study, defences, name, attacker)


def _check_family(study: Study, defences: DefenceStudy) -> Iterator[Fault]:
    for name, defence in defences.family.items():
        path = (*ROOT, "family", name)
        if name == OPEN:
            hint = "The open surface is always there."
            yield Fault(path, "a name of its own", f"'{OPEN}'", hint, extra=True)
        if defence.defence is None and defence.strength != 1.0:
            yield Fault((*path, "strength"), "nothing without a defence to be strong", f"{defence.strength:g}")
        if defence.defence is None and defence.helper is not None:
            yield Fault((*path, "helper"), "nothing without a defence to help with", f"'{defence.helper}'")
        shown = defence.over(study.teacher.surface)
        by_account = defence.is_of_accounts or defence.max_accounts is not None
        if shown == study.teacher.surface and not by_account:
            hint = "Name a defence, or what of the surface it hides or limits."
            yield Fault(path, "something that differs from the teacher's own surface", "nothing", hint, extra=True)
        yield from _check_shown(study, shown, path)
        yield from _check_money(study, defence.max_usd, (*path, "max_usd"))
        has_end = any(attacker.days and attacker.tried_on([name]) for attacker in defences.attackers.values())
        if defence.queries_per_day is not None and not has_end:
            wanted, hint = "an attacker with days, beside queries_per_day", "Who has no end is only slowed down by it."
            reads = ((*ROOT, "attackers"),)
            yield Fault((*path, "queries_per_day"), wanted, f"{defence.queries_per_day}", hint, reads)
        if not any(attacker.tried_on([name]) for attacker in defences.attackers.values()):
            hint, reads = "Let somebody's against name it, or take it out of the family.", ((*ROOT, "attackers"),)
            yield Fault(path, "an attacker that is tried on it", "none", hint, reads, extra=True)


def _check_shown(study: Study, shown: Surface, path: StagePath) -> Iterator[Fault]:
    teacher = study.teacher
    if shown.reasoning == "shown" and not (teacher.shows_reasoning or study.world.writes_steps):
        wanted, reads = f"hidden for a teacher of kind {teacher.kind}", (("teacher", "kind"), ("world",))
        yield Fault((*path, "reasoning"), wanted, "'shown'", teacher.without_reasoning, reads)
    if (shown.log_probabilities == "top-k") != (shown.top_k is not None):
        given = "nothing" if shown.top_k is None else f"{shown.top_k}"
        wanted = "how many log-probabilities 'top-k' shows, and nothing elsewhere"
        yield Fault((*path, "top_k"), wanted, given, "For example: log_probabilities: top-k, top_k: 5")


def _check_money(study: Study, limit: float | None, path: StagePath) -> Iterator[Fault]:
    if limit is not None and not study.teacher.costs_money:
        kind = study.teacher.kind
        hint = f"A teacher of kind {kind} costs no money: limit max_queries or max_tokens."
        yield Fault(path, f"null for a teacher of kind {kind}", f"{limit:g}", hint, (("teacher", "kind"),))


def _check_attacker(study: Study, defences: DefenceStudy, name: str, attacker: AttackerSpec) -> Iterator[Fault]:
    path: StagePath = (*ROOT, "attackers", name)
    if name == TEACHER:
        hint = "It is what an honest user sees of the teacher."
        yield Fault(path, "a name of its own", f"'{TEACHER}'", hint, extra=True)
    for i, defence in enumerate(attacker.against or ()):
        if defence not in defences.family:
            hint = nearest(defence, defences.family)
            yield Fault((*path, "against", i), "a defence of the family", f"'{defence}'", hint, ((*ROOT, "family"),))
    if not any(stage.learns_from_teacher for stage in attacker.stages):
        hint = "Somebody who asks the teacher nothing is no attacker, and the same under every defence."
        place = (*path, "stages")
        yield Fault(place, "a stage that learns from the teacher", "none", hint, (place,), extra=True)
    yield from _check_money(study, attacker.max_usd, (*path, "max_usd"))
    tried = [defences.family[defence] for defence in attacker.tried_on(defences.family)]
    if attacker.days is not None and all(defence.queries_per_day is None for defence in tried):
        hint = "Days count where a defence limits the requests of a day (queries_per_day)."
        wanted = "nothing, where no defence that it is tried on counts days"
        yield Fault((*path, "days"), wanted, f"{attacker.days}", hint, ((*ROOT, "family"),))
    if attacker.reads_logs:
        yield from _check_logs(study, defences, attacker, path)


def _check_logs(study: Study, defences: DefenceStudy, attacker: AttackerSpec, path: StagePath) -> Iterator[Fault]:
    """Who learns log-probabilities can be tried only where some are shown."""
    tried: Mapping[str, Any] = defences.family if attacker.against is None else dict.fromkeys(attacker.against)
    for defence in tried:
        if defence in defences.family:
            shown = surface_of(defences, defence, study.teacher.surface)
            if shown.log_probabilities == "none":
                hint = f"Name under against the defences that show some, and give an attacker of text to {defence}."
                reads = ((*ROOT, "family", defence),)
                given = f"a surface that shows none: {defence}"
                yield Fault(path, "log-probabilities for an attacker that learns them", given, hint, reads, extra=True)

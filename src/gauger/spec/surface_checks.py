"""Checks the teacher's surface: its settings agree, and the teacher can do what they ask."""

from __future__ import annotations

from collections.abc import Iterator

from gauger.spec.fault import Fault
from gauger.spec.study import Study


def check_surface(study: Study) -> Iterator[Fault]:
    """What is set must be counted, or shown, by a teacher of this kind."""
    yield from _check_top_k(study)
    yield from _check_budget(study)
    teacher, where = study.teacher, ("teacher", "surface", "reasoning")
    writes = teacher.shows_reasoning or study.world.writes_steps
    if not writes and teacher.surface.reasoning == "shown":
        wanted, reads = f"hidden for a teacher of kind {teacher.kind}", (("teacher", "kind"), ("world",))
        yield Fault(where, wanted, "'shown'", teacher.without_reasoning, reads)


def _check_budget(study: Study) -> Iterator[Fault]:
    """A limit that nothing counts would hold nothing back."""
    teacher, where = study.teacher, ("teacher", "surface", "max_usd")
    given = teacher.surface.max_usd
    if given is None:
        return
    if not teacher.costs_money:
        hint = f"A teacher of kind {teacher.kind} costs no money: limit max_queries or max_tokens."
        yield Fault(where, f"null for a teacher of kind {teacher.kind}", f"{given}", hint, (("teacher", "kind"),))
        return
    for name in ("usd_per_million_in", "usd_per_million_out"):
        if getattr(teacher, name) is None:
            hint = "Money cannot be counted without it; or take max_usd away."
            yield Fault(("teacher", name), "the price of a million tokens, beside max_usd", "nothing", hint, (where,))


def _check_top_k(study: Study) -> Iterator[Fault]:
    surface, path = study.teacher.surface, ("teacher", "surface", "top_k")
    reads = (("teacher", "surface", "log_probabilities"),)
    if surface.log_probabilities == "top-k" and surface.top_k is None:
        yield Fault(path, "how many log-probabilities 'top-k' shows", "nothing", "For example: top_k: 5", reads)
    if surface.log_probabilities != "top-k" and surface.top_k is not None:
        hint = "Set log_probabilities to top-k, or take top_k away."
        wanted = f"nothing where log_probabilities is {surface.log_probabilities}"
        yield Fault(path, wanted, f"{surface.top_k}", hint, reads)

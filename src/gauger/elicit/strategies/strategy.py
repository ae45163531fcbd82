"""Defines a strategy: how prompts are made of seeds, or of nothing, for teachers of either manner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gauger.elicit.filters.filters import Of
from gauger.elicit.strategies.rounds import Rounds, StrategyWork


@dataclass(frozen=True)
class Strategy:
    """One strategy; a new one is a file with such a record and a line in `registry.STRATEGIES`."""

    rounds: Callable[[StrategyWork], Rounds]
    """How a teacher is asked that follows instructions."""
    holes: Mapping[str, frozenset[str]]
    """Part of its template -> what is filled in."""
    near: Of | None = None
    """What the teacher writes anew, so that near duplicates are looked for there."""
    needs_seeds: bool = True
    needs_number: bool = False
    """Whether it never ends by itself, so that the samples wanted must be given."""
    source: str = "teacher"
    """Who counts as the writer of the answers: teacher or self."""
    continuing: Callable[[StrategyWork], Rounds] | None = None
    """How somebody is asked who continues texts; None: only by instruction."""
    in_form: bool = False
    """Whether its seeds are asked as the benchmark asks them, instead of as bare questions."""
    needs_student: bool = False
    """Whether a student, or another helper, is asked too: by continuing, the student's own base."""
    any_subject: bool = False
    """Whether texts on any skill are kept, not on the targeted ones alone."""


def holes(*names: str) -> frozenset[str]:
    """Name what is filled in."""
    return frozenset(names)


ANSWER = {"answer": holes("prompt")}
"""The part of a template that every strategy with answers has."""

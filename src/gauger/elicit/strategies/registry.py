"""The strategies, each with the template that it needs.

label      the seed prompts as they are
rationale  the same, answered with reasoning
self       the same as label, for the student's own base in the teacher's place: the placebo
expand     new problems from seeds, developed further in several directions; then the teacher answers them
seedless   the teacher writes the problems too, from nothing
textbook   the topic of each seed, then a section of a textbook on it
feedback   the teacher ranks or corrects a student's answers: pairs of a better and a worse one

Log-probabilities (`logits`) and scores of the student's own samples (`on-policy`) are taken while a student is trained
(train/hf), not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gauger.elicit.filters.filters import Of
from gauger.elicit.strategies.feedback import ask_feedback
from gauger.elicit.strategies.prompt_templates import Template, load_template
from gauger.elicit.strategies.rounds import Rounds, Work
from gauger.elicit.strategies.seed_questions import ask_seeds
from gauger.elicit.strategies.textbook import ask_textbook
from gauger.elicit.strategies.written_problems import ask_expanded, ask_seedless
from gauger.errors import UserError, nearest


@dataclass(frozen=True)
class Program:
    """A strategy with its prompts. Anybody can make one: `rounds` is all that `collect_corpus` needs."""

    name: str
    rounds: Callable[[Work], Rounds]
    template: Template
    near: Of | None = None
    """What the teacher writes anew, so that near duplicates are looked for there."""
    needs_seeds: bool = True
    needs_number: bool = False
    """Whether it never ends by itself, so that the samples wanted must be given."""
    source: str = "teacher"
    """Who counts as the writer of the answers: teacher or self."""

    @property
    def tagged(self) -> bool:
        """Whether reasoning that is shown is trained on."""
        return self.template.reasoning == "tags"

    def limited(self, max_tokens: int | None = None, temperature: float | None = None) -> Program:
        """Return the program with other limits for the answers; None keeps the template's own."""
        part = "answer" if "answer" in self.template.parts else None
        if part is None or (max_tokens is None and temperature is None):
            return self
        return replace(self, template=self.template.replaced(part, max_tokens=max_tokens, temperature=temperature))


@dataclass(frozen=True)
class _Strategy:
    rounds: Callable[[Work], Rounds]
    holes: Mapping[str, frozenset[str]]
    """Part of the template -> what is filled in."""
    near: Of | None = None
    needs_seeds: bool = True
    needs_number: bool = False
    source: str = "teacher"


def _holes(*names: str) -> frozenset[str]:
    return frozenset(names)


_ANSWER = {"answer": _holes("prompt")}
STRATEGIES: dict[str, _Strategy] = {
    "label": _Strategy(ask_seeds, _ANSWER),
    "rationale": _Strategy(ask_seeds, _ANSWER),
    "expand": _Strategy(ask_expanded, {"write": _holes("prompt", "count", "direction"), **_ANSWER}, "prompt"),
    "textbook": _Strategy(ask_textbook, {"topic": _holes("prompt"), "answer": _holes("prompt", "direction")}, "answer"),
    "seedless": _Strategy(
        ask_seedless,
        {"write": _holes("count", "direction"), **_ANSWER},
        "prompt",
        needs_seeds=False,
        needs_number=True,
    ),
    "feedback": _Strategy(
        ask_feedback,
        {
            "student": _holes("prompt"),
            "rank": _holes("prompt", "answers", "count"),
            "correct": _holes("prompt", "answers"),
        },
    ),
    "self": _Strategy(ask_seeds, _ANSWER, source="self"),
}
"""Every strategy by name."""


def program(strategy: str, folder: Path | None = None) -> Program:
    """Return a strategy with its template: `FOLDER/STRATEGY.yaml` where that exists, else our own.

    Raises
    ------
    UserError
        For an unknown strategy, with the nearest known one, or a template that does not fit it.
    """
    if strategy not in STRATEGIES:
        raise UserError("a strategy", repr(strategy), hint=nearest(strategy, STRATEGIES))
    found = STRATEGIES[strategy]
    template = load_template(strategy, found.holes, folder)
    return Program(strategy, found.rounds, template, found.near, found.needs_seeds, found.needs_number, found.source)

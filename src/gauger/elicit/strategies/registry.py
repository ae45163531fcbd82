"""Names the strategies, and joins each with the template that it needs.

label      the seed prompts as they are
rationale  the same, answered with reasoning
self       the same as label, for the student's own base in the teacher's place: the placebo
expand     new problems from seeds, developed further in several directions; then the teacher answers them
seedless   the teacher writes the problems too, from nothing
textbook   the topic of each seed, then a section of a textbook on it
vote       the seed prompts again and again; the answer that comes most often is kept
vote-cold  the same at temperature 0, for a defence that draws by itself
invert     the seed prompts, and steps before each answer that the student's base or a helper writes again
rederive   the same, and steps that the teacher shows are not believed
feedback   the teacher ranks or corrects a student's answers: pairs of a better and a worse one

Log-probabilities (`logits`) and scores of the student's own samples (`on-policy`) are taken while a student is trained
(train/), not here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gauger.elicit.filters.filters import Of
from gauger.elicit.strategies.prompt_templates import Template, TemplatePart, Turn, load_template
from gauger.elicit.strategies.rounds import Rounds, StrategyWork
from gauger.elicit.strategies.strategy import Strategy
from gauger.errors import UserError
from gauger.plugs import Registry

STRATEGIES = Registry(
    "a strategy",
    "gauger.strategies",
    {
        "label": "gauger.elicit.strategies.seed_questions:LABEL",
        "rationale": "gauger.elicit.strategies.seed_questions:RATIONALE",
        "expand": "gauger.elicit.strategies.written_problems:EXPAND",
        "textbook": "gauger.elicit.strategies.textbook:TEXTBOOK",
        "seedless": "gauger.elicit.strategies.written_problems:SEEDLESS",
        "feedback": "gauger.elicit.strategies.feedback:FEEDBACK",
        "vote": "gauger.elicit.strategies.vote:VOTE",
        "vote-cold": "gauger.elicit.strategies.vote:VOTE_COLD",
        "invert": "gauger.elicit.strategies.invert:INVERT",
        "rederive": "gauger.elicit.strategies.invert:REDERIVE",
        "self": "gauger.elicit.strategies.seed_questions:SELF",
    },
)
"""Name -> its `Strategy`."""


@dataclass(frozen=True)
class Program:
    """A strategy with its prompts. Anybody can make one: `rounds` is all that `collect_corpus` needs."""

    name: str
    rounds: Callable[[StrategyWork], Rounds]
    template: Template
    near: Of | None = None
    """What the teacher writes anew, so that near duplicates are looked for there."""
    needs_seeds: bool = True
    needs_number: bool = False
    """Whether it never ends by itself, so that the samples wanted must be given."""
    source: str = "teacher"
    """Who counts as the writer of the answers: teacher or self."""
    needs_student: bool = False
    """Whether a student, or another helper, is asked too."""

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


def strategy_of(name: str) -> Strategy:
    """Return a strategy by its name; an unknown one is answered with the nearest known one."""
    strategy: Strategy = STRATEGIES.load(name)
    return strategy


def program(strategy: str, folder: Path | None = None) -> Program:
    """Return a strategy with its template: `FOLDER/STRATEGY.yaml` where that exists, else our own.

    Raises
    ------
    UserError
        For an unknown strategy, with the nearest known one, or a template that does not fit it.
    """
    entry = strategy_of(strategy)
    template = load_template(strategy, entry.holes, folder)
    return Program(
        strategy,
        entry.rounds,
        template,
        entry.near,
        entry.needs_seeds,
        entry.needs_number,
        entry.source,
        entry.needs_student,
    )


PLAIN = Template(
    name="plain", version=1, parts={"answer": TemplatePart(messages=(Turn(role="user", content="{{prompt}}"),))}
)
"""What somebody who continues texts is given: the prompt itself."""


def continuing_program(strategy: str) -> Program:
    """Return a strategy for somebody who continues texts and follows no instructions.

    Raises
    ------
    UserError
        Where the strategy consists of instructions.
    """
    entry = strategy_of(strategy)
    if entry.continuing is None:
        raise UserError("a strategy for a model that continues texts", repr(strategy))
    student = entry.needs_student
    return Program(strategy, entry.continuing, PLAIN, None, entry.needs_seeds, True, entry.source, student)

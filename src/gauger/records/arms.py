"""Describes arms and benchmarks as a report introduces them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class ArmKind(StrEnum):
    """A declared recipe, or one of the control arms generated beside it (`docs/vocabulary.md`)."""

    DISTILLED = "distilled"
    TEACHER = "teacher"
    BASE = "base"
    MATCHED = "matched"
    PLACEBO = "placebo"
    FORMAT = "format"
    LEAK = "leak"
    REFERENCE = "reference"
    LEAK_TWIN = "leak_twin"
    """The leak arm's own material with as many extra rows of items that nobody tests in place of the leaked ones."""
    UNTAUGHT = "untaught"
    """A declared recipe without a teacher anywhere: it gains, but has nothing of a teacher's to be given credit for."""
    CELL = "cell"
    """A cell of the study's factorial: some of its ingredients."""
    ATTACK = "attack"
    """An attacker of the study's defences, on one surface of the teacher."""
    LAUNDER = "launder"
    """A declared arm taught by a teacher that was trained on the test items; its own prompts are clean."""
    LEAKY_TEACHER = "leaky_teacher"
    """That teacher."""
    SURFACE = "surface"
    """The teacher as an honest user of a defended surface sees it."""


@dataclass(frozen=True)
class ArmInfo:
    """One arm as a report introduces it."""

    name: str
    kind: str
    """An `ArmKind`."""
    description: str
    """One sentence: what the arm was trained on."""
    matched: str | None = None
    """For a distilled arm: the name of its matched control."""
    strategy: str | None = None
    seed_source: str | None = None
    """The declared seed source: benchmark-train, expanded, textbook, seedless, ... (threat 1)."""
    forms: Sequence[str] = ()
    steps: int | None = None
    tokens: int | None = None
    """Training tokens (with repeats) per replicate, base excluded."""
    unique_tokens: int | None = None
    teacher_tokens: int | None = None
    """Tokens that the teacher wrote among them."""
    queries: int | None = None
    """Requests to the teacher that the arm's corpus took."""
    usd: float | None = None
    """US dollars that it cost, per replicate: the middle of the two below; None where no price is known."""
    usd_low: float | None = None
    """What the provider stated."""
    usd_high: float | None = None
    """The most possible: with what it did not state, and what may have been billed unseen."""
    twin: str | None = None
    """Of a leak arm: the arm that its increment is taken over; None: the study's first arm of kind `leak_twin`."""
    matched_tokens: float | None = None
    """Training tokens of its matched control as a share of its own, web that is kept in counted in neither."""


@dataclass(frozen=True)
class BenchmarkInfo:
    """One benchmark as a report introduces it."""

    name: str
    role: str
    n_items: int
    skill: str = ""
    """Knowledge domain or skill family."""
    form: str = ""
    description: str = ""

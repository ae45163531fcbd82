"""Defines the parameters of jobs that make corpora: asked, gathered, paired, blended."""

from __future__ import annotations

from pydantic import Field

from gauger.jobs.parameters.asked import Asked, Computes, InWorld
from gauger.spec import SpecPart


class AskTeacher(InWorld):
    """Eliciting one stage's corpus."""

    asked: Asked
    strategy: str
    forms: tuple[str, ...] = Field(strict=False)
    samples: int
    skills: tuple[str, ...] = Field(strict=False)
    seeds: str
    """Where given questions come from."""
    answer_tokens: int
    soft: bool = False
    """Whether log-probabilities along the answers are wanted too."""
    top_k: int | None = None
    filters: tuple[str, ...] = Field(default=(), strict=False)
    """Further filters, by name."""
    student: Asked | None = None
    """The student's own base, which lies under the input `student`, for strategies that ask it too."""


class AskBase(InWorld):
    """Having the student's own base answer the prompts of another corpus."""

    asked: Asked
    strategy: str
    forms: tuple[str, ...] = Field(strict=False)
    answer_tokens: int
    soft: bool = False
    top_k: int | None = None
    filters: tuple[str, ...] = Field(default=(), strict=False)
    """Further filters of its answers, by name."""


class Gather(InWorld):
    """Putting together a corpus that no teacher wrote.

    The input `paired`, where there is one, is the teacher's corpus with whose rows its own are matched.
    """

    source: str
    whole: bool
    """Whether texts are learnt whole, prompts too."""
    strategy: str | None
    forms: tuple[str, ...] = Field(strict=False)
    samples: int
    skills: tuple[str, ...] = Field(default=(), strict=False)
    benchmarks: tuple[str, ...] = Field(default=(), strict=False)
    asked: Asked | None = None
    """The student's own base, which lies under the input `base` and counts tokens where rows are matched and words are
    no tokens."""


class GatherQuestions(InWorld):
    """Putting together the prompts that a student answers."""

    seeds: str
    forms: tuple[str, ...] = Field(strict=False)
    skills: tuple[str, ...] = Field(strict=False)
    samples: int | None
    answered: bool
    """Whether true answers come along."""


class DrawPairs(InWorld, Computes):
    """Drawing a student's answers and pairing a right one with a wrong one."""

    engine: str
    judge: Asked | None
    """None: the truth judges."""
    candidates: int
    answer_tokens: int
    judge_tokens: int
    """Longest answer of the judge."""


class BlendCorpora(SpecPart):
    """Putting corpora of a mixture side by side."""

    parts: int

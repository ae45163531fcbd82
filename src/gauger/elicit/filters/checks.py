"""Drops samples, one filter at a time: each returns the sample that it was given, dropped under its name or not.

Any object with a `name` that can be called so is a filter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from gauger.elicit.filters.duplicates import Known, Near
from gauger.elicit.filters.language import language_of
from gauger.elicit.filters.normalise import normal
from gauger.elicit.filters.protected import Protected
from gauger.elicit.sample import Sample
from gauger.elicit.strategies.reply_parsing import final_answer
from gauger.elicit.strategies.seeds import Seed

Verify = Callable[[Seed, str], float]
"""(seed, text) -> score in [0, 1]: how right the text answers the seed."""


class Check(Protocol):
    """One filter."""

    @property
    def name(self) -> str:
        """What stands in the ledger for it."""
        ...

    def __call__(self, sample: Sample) -> Sample:
        """Return the sample, `dropped` under this name where it does not pass."""
        ...


@dataclass(frozen=True)
class Length:
    """Words of the answer."""

    shortest: int = 1
    longest: int | None = None
    name: str = "length"

    def __call__(self, sample: Sample) -> Sample:
        """Drop answers of fewer or more words."""
        words = len(sample.answer.split())
        fits = self.shortest <= words and (self.longest is None or words <= self.longest)
        return sample if fits else sample.fails(self.name)


MOST_WORDS = 64
"""Of an answer that the filter `short` lets pass."""


def only_short(world: object) -> Length:  # noqa: ARG001 - words are counted without a world
    """Keep answers of at most `MOST_WORDS` words."""
    return Length(1, MOST_WORDS, "short")


_REFUSAL = re.compile(
    r"^\W*(?:(?:i'?m|i am) (?:very |really |so )?sorry|sorry|i apologi[sz]e|unfortunately|as an ai\b"
    r"|as a (?:large )?language model|(?:i'?m|i am) (?:just |only )?an ai\b"
    r"|i (?:can'?t|cannot|can not|won'?t|will not|am unable|am not able|must decline)"
    r"|i'?m (?:unable|not able|not comfortable))\b",
)
_INABILITY = re.compile(
    r"\b(?:can'?t|cannot|can not|won'?t|unable|not able|not comfortable|decline|refuse)\b[^.!?]{0,60}"
    r"\b(?:help|assist|comply|provide|answer|do|fulfil|fulfill|complete|discuss|share|create|write|support|engage"
    r"|access|browse|give|generate|respond|continue)\b"
)
_LOOKED_AT = 240
"""Characters from the beginning; who refuses says so at once."""


@dataclass(frozen=True)
class Refusal:
    """Answers that decline, by English phrases in their first sentences (a heuristic)."""

    name: str = "refusal"

    def __call__(self, sample: Sample) -> Sample:
        """Drop an answer that begins with an apology or the like and says that it will not or cannot."""
        start = normal(sample.answer[:_LOOKED_AT])
        return sample.fails(self.name) if _REFUSAL.search(start) and _INABILITY.search(start) else sample


@dataclass(frozen=True)
class Language:
    """The answer's language: a code, or `same` for the prompt's; where a text does not tell, it passes."""

    wanted: str
    name: str = "language"

    def __call__(self, sample: Sample) -> Sample:
        """Drop answers that are surely of another language."""
        wanted = language_of(sample.prompt_text) if self.wanted == "same" else self.wanted
        language = language_of(sample.answer)
        return sample.fails(self.name) if wanted and language and language != wanted else sample


def same_answer(seed: Seed, text: str) -> float:
    """1 where the final answer of a text is the seed's true answer, whatever its case, spaces and full stop.

    A true answer that is a number may be followed by one word, its unit, or end an equation; thousands may be divided
    by commas, and 35.0 is 35. The true answer may itself stand behind its working, as GSM8K's do.
    """
    true, last = answer_key(seed.answer or ""), answer_key(text)
    if _NUMBER.fullmatch(true):
        if (counted := _COUNTED.fullmatch(last)) and counted[2] not in _NO_UNITS:
            last = counted[1]
        elif equation := _EQUATION.fullmatch(last):
            last = equation[1]
        if _NUMBER.fullmatch(last):
            return float(Decimal(last) == Decimal(true))
    return float(true in (last, _bare(text)))


def answer_key(text: str) -> str:
    """Return what texts with the same final answer have in common, whatever its case, spaces and full stop."""
    return _bare(final_answer(text))


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_COUNTED = re.compile(r"(-?\d+(?:\.\d+)?) ([a-z]{2,})")
"""A number and a word after it."""
_EQUATION = re.compile(r"[^=]*=[ $*]*(-?\d+(?:\.\d+)?)")
"""A number that one sign of equality leads to."""
_OPTION = re.compile(r"\(([a-z0-9])\)|([a-z0-9])\)")
"""A letter or digit in brackets, as the options of a question are named."""
# fmt: off
_NO_UNITS = frozenset((
    "or", "and", "is", "to", "of", "in", "if", "not", "but", "minus", "plus", "times", "over", "squared",
    "cubed", "mod", "percent", "percents", "percentage", "per", "cents", "half", "halves", "third", "thirds",
    "quarter", "quarters", "tenth", "tenths", "dozen", "dozens", "hundred", "thousand", "million", "billion",
    "trillion",
))
# fmt: on
"""Words after a number that make it another one, or go on from it."""
_MATHS = re.compile(r"\\[()\[\]]")
"""Brackets of LaTeX around a formula."""
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\S)")


def _bare(answer: str) -> str:
    bare = _MATHS.sub("", normal(answer)).strip("$*_ ").rstrip(". ").strip("$*_ ").replace("\\$", "$")
    if option := _OPTION.fullmatch(bare):
        return option[1] or option[2]
    number = _THOUSANDS.match(bare)
    return bare if number is None else number[0].replace(",", "") + bare[number.end() :]


@dataclass(frozen=True)
class Verified:
    """Whether the answer is right, where that can be known: for seeds' own questions."""

    verify: Verify | None = None
    """None: the final answer must be the seed's `answer`; samples of seeds without one are not judged."""
    least: float = 1.0
    name: str = "verified"

    def __call__(self, sample: Sample) -> Sample:
        """Score the answer, and drop it below `least`."""
        if sample.seed is None or (self.verify is None and sample.seed.answer is None):
            return sample
        score = float((self.verify or same_answer)(sample.seed, sample.answer))
        scored = replace(sample, score=score)
        return scored if score >= self.least else scored.fails(self.name)


@dataclass(frozen=True)
class Overlap:
    """Overlap of the whole text with protected ones."""

    protected: Protected
    name: str = "overlap"
    tagged: bool = False
    """Whether reasoning that was shown is trained on too, and so belongs to the text."""

    def __call__(self, sample: Sample) -> Sample:
        """Name the protected texts that it overlaps, and drop it if there are any."""
        overlaps = self.protected.found_in((sample.tagged if self.tagged else sample).text)
        return replace(sample, overlaps=overlaps).fails(self.name) if overlaps else sample


@dataclass(frozen=True)
class Duplicate:
    """The same text as one that passed before; it stands after all filters that could drop the text otherwise."""

    known: Known
    of: Callable[[Sample], str]
    name: str = "duplicate"

    def __call__(self, sample: Sample) -> Sample:
        """Drop what is known, and remember the rest."""
        return sample if self.known.add(self.of(sample)) else sample.fails(self.name)


@dataclass(frozen=True)
class NearDuplicate:
    """Nearly the same text as one that passed before."""

    near: Near
    of: Callable[[Sample], str]
    name: str = "near-duplicate"

    def __call__(self, sample: Sample) -> Sample:
        """Drop what is near, and remember the rest."""
        return sample if self.near.add(self.of(sample)) else sample.fails(self.name)

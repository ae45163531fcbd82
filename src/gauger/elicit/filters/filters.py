"""Which filters a corpus has, and their order: the first that fails is named, those before it have passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from gauger.elicit.filters.checks import (
    Check,
    Duplicate,
    Language,
    Length,
    NearDuplicate,
    Overlap,
    Refusal,
    Verified,
    Verify,
)
from gauger.elicit.filters.duplicates import Known, Near
from gauger.elicit.filters.language import LANGUAGES
from gauger.elicit.filters.protected import Protected
from gauger.elicit.sample import ChatSample
from gauger.elicit.strategies.seeds import Seed
from gauger.errors import UserError, nearest

Of = Literal["prompt", "answer"]


@dataclass(frozen=True)
class Filters:
    """What a sample must be to be kept. Each can be switched off."""

    shortest: int = 1
    """Words of an answer, at least."""
    longest: int | None = None
    refusals: bool = True
    """Drop answers that decline."""
    language: str | None = None
    """A code (en, de, ...), `same` for the prompt's own language, or None for any."""
    verify: bool | Verify = True
    """True: answers to seeds that have an `answer` must end in it. A function scores them itself. False: unverified."""
    least_score: float = 1.0
    protected: Mapping[str, str] = field(default_factory=dict)
    """Id -> text that no sample may repeat: the items of the benchmarks."""
    duplicates: bool = True
    """Drop texts that were kept before."""
    near_duplicates: float | None = 0.8
    """Drop problems (of `textbook`: sections) whose runs of three tokens overlap with those of an earlier one by this
    Jaccard index or more; only what the teacher wrote is compared, never the seeds' own questions."""
    further: tuple[Check, ...] = ()
    """Filters of the caller, after `overlap` and before `duplicate`."""
    further_prompts: tuple[Check, ...] = ()
    """The same for problems that the teacher wrote, before they are asked."""

    def __post_init__(self) -> None:
        if self.language not in (None, "same", *LANGUAGES):
            raise UserError("a language", repr(self.language), hint=nearest(str(self.language), ("same", *LANGUAGES)))
        if self.near_duplicates is not None and not 0 < self.near_duplicates <= 1:
            raise UserError("a similarity above 0 and up to 1 for near duplicates", str(self.near_duplicates))
        if self.shortest < 0 or (self.longest is not None and self.longest < self.shortest):
            raise UserError("lengths of 0 or more words, the longest not below the shortest", f"{self.longest}")

    def build(self, seeds: Sequence[Seed], near: Of | None, *, tagged: bool = False) -> Checks:
        """Make the filters of one corpus.

        Parameters
        ----------
        seeds : sequence of Seed
            Written problems must differ from these.
        near : "prompt", "answer" or None
            What the teacher writes anew, so that near duplicates are looked for there.
        tagged : bool
            Whether reasoning that is shown will be trained on.
        """
        guard = [Protected(self.protected)] if self.protected else []
        texts: list[Check] = [Length(self.shortest, self.longest)]
        texts += [Refusal()] if self.refusals else []
        texts += [Language(self.language)] if self.language else []
        texts += (
            [] if self.verify is False else [Verified(self.verify if callable(self.verify) else None, self.least_score)]
        )
        texts += [Overlap(protected, tagged=tagged) for protected in guard]
        texts += self.further
        texts += [Duplicate(Known(), lambda sample: sample.text)] if self.duplicates else []
        texts += self._near(()) if near == "answer" else []
        prompts: list[Check] = [Overlap(protected, "prompt-overlap") for protected in guard]
        prompts += self.further_prompts
        if self.duplicates:
            prompts.append(Duplicate(Known(seed.prompt for seed in seeds), _prompt, "prompt-duplicate"))
        prompts += self._near(seeds, "prompt-") if near == "prompt" else []
        return Checks(tuple(prompts), tuple(texts))

    def _near(self, seeds: Sequence[Seed], prefix: str = "") -> list[Check]:
        if self.near_duplicates is None:
            return []
        known = Near(self.near_duplicates)
        for seed in seeds:
            known.add(seed.prompt)
        return [NearDuplicate(known, _prompt if prefix else _answer, f"{prefix}near-duplicate")]


def _prompt(sample: ChatSample) -> str:
    return sample.prompt[-1].content


def _answer(sample: ChatSample) -> str:
    return sample.answer


@dataclass(frozen=True)
class Checks:
    """The filters of one corpus; they remember what they have let through."""

    prompts: tuple[Check, ...] = ()
    """For problems that the teacher wrote, before they are asked."""
    texts: tuple[Check, ...] = ()
    """For answered samples."""

    def prompt(self, draft: ChatSample) -> ChatSample:
        """Check a written problem."""
        return _through(self.prompts, draft)

    def text(self, sample: ChatSample) -> ChatSample:
        """Check an answered sample."""
        return _through(self.texts, sample)


def _through(checks: Sequence[Check], sample: ChatSample) -> ChatSample:
    for check in checks:
        if sample.dropped is not None:
            break
        sample = check(sample)
        if sample.dropped is None:
            sample = replace(sample, filters=(*sample.filters, check.name))
    return sample

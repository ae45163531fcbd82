"""Puts a corpus' filters in order: the first that fails is named, those before it have passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from gauger.elicit.filters.registry import named_filters
from gauger.elicit.filters.world_checks import HeldOut, InForm, OnTopic, as_it_is
from gauger.elicit.sample import Sample
from gauger.elicit.strategies.seeds import Seed
from gauger.errors import UserError, nearest
from gauger.worlds import World

Of = Literal["prompt", "answer"]


@dataclass(frozen=True)
class WorldRules:
    """What a world wants of a text; what touches its held-out content is never kept."""

    world: World
    forms: tuple[str, ...] = ()
    """Forms that a prompt may have as it stands; empty: it is put into one of them afterwards."""
    skills: tuple[str, ...] | None = None
    """Skills that a text may be on; None takes any."""
    learnt: Callable[[Sample], Sample] = as_it_is
    """Makes of a sample what the student will learn."""
    named: tuple[str, ...] = ()
    """Further filters of answered samples, by name (`registry.FILTERS`)."""

    def texts(self) -> list[Check]:
        """Return the filters of answered samples."""
        return [*self._checks(""), *named_filters(self.named, self.world)]

    def prompts(self) -> list[Check]:
        """Return the filters of problems that the teacher wrote."""
        return self._checks("prompt-")

    def _checks(self, prefix: str) -> list[Check]:
        checks: list[Check] = [InForm(self.world, self.forms, f"{prefix}form")] if self.forms else []
        if self.skills is not None:
            checks.append(OnTopic(self.world, self.skills, f"{prefix}topic"))
        return [*checks, HeldOut(self.world, f"{prefix}overlap", self.learnt)]


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
    unlike_seeds: bool = True
    """Whether problems that the teacher wrote must differ from the seeds. False where it goes on from a cut-off seed:
    the seed itself is then one of the ways in which it may end."""
    in_world: WorldRules | None = None
    """Where a world reads the texts: what they must be in it."""
    further: tuple[Check, ...] = ()
    """Filters of the user's own, of answered samples; they come before those that remember what they let through."""
    near_duplicates: float | None = 0.8
    """Drop problems (of `textbook`: sections) whose runs of three tokens overlap with those of an earlier one by this
    Jaccard index or more; only what the teacher wrote is compared, never the seeds' own questions."""

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
        texts += self.in_world.texts() if self.in_world else []
        texts += self.further
        texts += [Duplicate(Known(), lambda sample: sample.text)] if self.duplicates else []
        texts += self._near(()) if near == "answer" else []
        prompts: list[Check] = [Overlap(protected, "prompt-overlap") for protected in guard]
        prompts += self.in_world.prompts() if self.in_world else []
        if self.duplicates:
            known = Known(seed.prompt for seed in seeds if self.unlike_seeds)
            prompts.append(Duplicate(known, _prompt, "prompt-duplicate"))
        prompts += self._near(seeds, "prompt-") if near == "prompt" else []
        return Checks(tuple(prompts), tuple(texts))

    def _near(self, seeds: Sequence[Seed], prefix: str = "") -> list[Check]:
        if self.near_duplicates is None:
            return []
        known = Near(self.near_duplicates)
        for seed in seeds:
            known.add(seed.prompt)
        return [NearDuplicate(known, _prompt if prefix else _answer, f"{prefix}near-duplicate")]


def _prompt(sample: Sample) -> str:
    return sample.prompt[-1].content


def _answer(sample: Sample) -> str:
    return sample.answer


@dataclass(frozen=True)
class Checks:
    """The filters of one corpus; they remember what they have let through."""

    prompts: tuple[Check, ...] = ()
    """For problems that the teacher wrote, before they are asked."""
    texts: tuple[Check, ...] = ()
    """For answered samples."""

    def prompt(self, draft: Sample) -> Sample:
        """Check a written problem."""
        return _through(self.prompts, draft)

    def text(self, sample: Sample) -> Sample:
        """Check an answered sample."""
        return _through(self.texts, sample)


def _through(checks: Sequence[Check], sample: Sample) -> Sample:
    passed: list[str] = []
    for check in checks:
        if sample.dropped is not None:
            break
        sample = check(sample)
        if sample.dropped is None:
            passed.append(check.name)
    return replace(sample, filters=(*sample.filters, *passed)) if passed else sample

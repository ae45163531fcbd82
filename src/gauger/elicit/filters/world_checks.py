"""Drops texts by how their world reads them: form, subject, and what they touch of the held-out content."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from gauger.elicit.sample import TOO_LONG, Sample
from gauger.errors import UserError
from gauger.worlds import RIGHT, World

_MARKS = 2
"""Begin and end mark around a text."""


def as_it_is(sample: Sample) -> Sample:
    """Leave a sample as it is."""
    return sample


@dataclass(frozen=True)
class InForm:
    """Prompts in one of the wanted forms; what is of no form asks nothing sensible."""

    world: World
    forms: Collection[str]
    name: str = "form"

    def __call__(self, sample: Sample) -> Sample:
        """Drop prompts in another form."""
        return sample if self.world.form_of(sample.prompt_text) in self.forms else sample.fails(self.name)


@dataclass(frozen=True)
class OnTopic:
    """Texts on the wanted skills; free text on a subject that touches no content passes."""

    world: World
    skills: Collection[str]
    name: str = "topic"

    def __call__(self, sample: Sample) -> Sample:
        """Drop texts on any other skill."""
        prompt = sample.prompt_text
        subjects = self.world.subjects(prompt, sample.answer)
        form = self.world.form_of(prompt)
        free = form is not None and self.world.forms[form].free
        fits = subjects <= set(self.skills) if subjects else free
        return sample if fits else sample.fails(self.name)


@dataclass(frozen=True)
class Right:
    """Answers that the world's truth holds to be right: an attacker who has a verifier keeps no others."""

    world: World
    name: str = "right"

    def __call__(self, sample: Sample) -> Sample:
        """Drop answers that are wrong, or that nobody can verify; free text passes."""
        prompt = sample.prompt_text
        form = self.world.form_of(prompt)
        if form is not None and self.world.forms[form].free:
            return sample
        score = self.world.grade(prompt, sample.answer, ended=True)
        scored = replace(sample, score=score)
        return scored if score is not None and score >= RIGHT else scored.fails(self.name)


@dataclass(frozen=True)
class LongestText:
    """Texts that a model of a world of words holds with their begin and end marks; open-ended texts all pass."""

    world: World
    cuts: bool = False
    """Whether an answer that is too long loses its last words instead of being dropped."""
    name: str = TOO_LONG

    def __call__(self, sample: Sample) -> Sample:
        """Drop or cut a text of which training would lose the end."""
        longest = self.world.longest_text
        if longest is None or len(sample.joined.split()) + _MARKS <= longest:
            return sample
        room = longest - _MARKS - len(sample.prompt_text.split())
        if not self.cuts or room < 1:
            return sample.fails(self.name)
        return replace(sample, answer=self.world.joined(sample.prompt_text, " ".join(sample.answer.split()[:room])))


def only_right(world: World | None) -> Right:
    """Keep right answers alone.

    Raises
    ------
    UserError
        Where there is no world whose truth could tell.
    """
    if world is None:
        raise UserError(
            "a study's world for the filter right", "none", hint="gauger elicit --verify uses seeds' answers."
        )
    return Right(world)


@dataclass(frozen=True)
class HeldOut:
    """Overlap of what the student would learn with the world's held-out content, whoever wrote it."""

    world: World
    name: str = "overlap"
    learnt: Callable[[Sample], Sample] = as_it_is
    """Makes of a sample what the student will learn, where that is not the sample itself."""

    def __call__(self, sample: Sample) -> Sample:
        """Name the content that it touches, and drop it if there is any."""
        touched = self.found(self.learnt(sample)) | set(sample.overlaps)
        return replace(sample, overlaps=tuple(sorted(touched))).fails(self.name) if touched else sample

    def found(self, sample: Sample) -> frozenset[str]:
        """Return the held-out content that a text touches as it stands."""
        return self.world.overlaps(sample.prompt_text + sample.answer)

    def marked(self, sample: Sample) -> Sample:
        """Name what a row touches that another filter dropped first."""
        touched = self.found(sample) | set(sample.overlaps)
        return replace(sample, overlaps=tuple(sorted(touched))) if touched else sample

"""Defines what a strategy works with: seeds, a template, a source of randomness, and rounds of requests.

A strategy is a generator. It yields a round: `Ask`s, each a request with a draft of the sample that the reply makes.
It is sent back, in the same order, what became of them: samples with answers, checked by the filters, or None for those
that were not asked because the budget is spent. It decides from that what to ask next, and ends when it has nothing
new. Given the same replies and the same seed of randomness it asks the same.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from gauger.elicit.filters.filters import Checks
from gauger.elicit.filters.world_checks import as_it_is
from gauger.elicit.sample import Sample, joined
from gauger.elicit.strategies.prompt_templates import Template
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.messages import Message, Request
from gauger.worlds import World


@dataclass(frozen=True)
class Ask:
    """One request, and the sample that its reply will make."""

    request: Request
    draft: Sample
    step: bool = False
    """Whether the reply is material for the next round instead of a training text."""
    of: Literal["teacher", "student"] = "teacher"
    """Who is asked."""
    read: Callable[[Sample], Sample] = as_it_is
    """Makes of the answered draft what is checked and kept; may drop it."""
    instead: Callable[[], Sample | None] | None = None
    """Makes a sample of earlier replies where this one is lost, or not asked for because the budget is spent; it took
    nothing itself, and stands beside the lost one. None, or returning None: the sample is lost with its reply."""
    takes_cut: bool = False
    """Whether a reply that a limit cut off is material all the same: of a list of problems only the last is lost. An
    answer is not, for whoever learns it learns an end that nobody wrote, and it may leave no room for one."""


Results = list[Sample | None]
Rounds = Generator[list[Ask], Results, None]


@dataclass(frozen=True)
class WorldTexts:
    """What asking somebody who continues texts needs of a world."""

    world: World
    forms: tuple[str, ...]
    skills: tuple[str, ...]
    """Skills of the targeted benchmarks."""
    answer_tokens: int
    """Longest answer."""

    def answer(self, prompt: str, draft: Sample, seed: int) -> Ask:
        """Have a prompt answered as its form wants it."""
        world = self.world
        limit, temperature = world.answer_tokens or self.answer_tokens, world.temperature(prompt)
        request = Request(
            (Message("user", prompt),), limit, temperature, seed if temperature else 0, world.stops(prompt)
        )
        return Ask(request, draft, read=self._joined)

    def go_on(self, opening: str, draft: Sample, seed: int) -> Ask:
        """Have a prompt written that begins as given, up to its end."""
        world = self.world
        limit, ends = world.prompt_tokens, world.prompt_ends(opening, self.forms)
        request = Request((Message("user", opening),), limit, 1.0, seed, ends)
        return Ask(request, replace(draft, prompt=request.messages), step=True, takes_cut=True)

    def _joined(self, sample: Sample) -> Sample:
        return replace(sample, answer=self.world.joined(sample.prompt_text, sample.answer))


def conversation(before: Sequence[Message], asked: Sequence[Message]) -> tuple[Message, ...]:
    """Put turns before a question; a system prompt stays the first, and two become one."""
    system = [message.content for message in (*asked, *before) if message.role == "system"]
    turns = [message for message in (*before, *asked) if message.role != "system"]
    return (Message("system", "\n\n".join(system)), *turns) if system else tuple(turns)


def with_context(request: Request, seed: Seed) -> Request:
    """Return a request about a seed with what was said before it."""
    return replace(request, messages=conversation(seed.before, request.messages)) if seed.context else request


@dataclass
class StrategyWork:
    """What a strategy works on, and how far it has come."""

    strategy: str
    template: Template
    seeds: tuple[Seed, ...]
    rng: np.random.Generator
    checks: Checks
    wanted: int | None
    """Samples to keep; None: whatever one pass over the seeds gives."""
    texts: WorldTexts | None = None
    """The world whose texts somebody continues; None where a teacher is asked by instruction."""
    samples: list[Sample] = field(default_factory=list)
    """Rows of the ledger so far, in the order they were decided."""
    n_kept: int = 0

    @property
    def missing(self) -> int | None:
        """Samples still wanted; None where no number was given."""
        return None if self.wanted is None else max(0, self.wanted - self.n_kept)

    def draft(self, prompt: str, seeds: Sequence[Seed], parents: Sequence[str] = (), generation: int = 0) -> Sample:
        """Begin a sample for a prompt that was made from seeds (none of them where the teacher was given nothing)."""
        return Sample(
            prompt=self.template.shown(prompt),
            strategy=self.strategy,
            template=str(self.template),
            seed_ids=tuple(dict.fromkeys(origin for seed in seeds for origin in seed.origins)),
            parents=tuple(parents) or tuple(parent for seed in seeds for parent in seed.parents),
            generation=generation,
            benchmark=joined(seed.benchmark for seed in seeds),
            split=joined(seed.split for seed in seeds),
        )

    def own(self, seed: Seed) -> Sample:
        """Begin a sample for a seed's own question."""
        draft = self.draft(seed.prompt, [seed])
        return replace(draft, seed=seed, prompt=conversation(seed.before, draft.prompt))

    def record(self, sample: Sample) -> None:
        """Put a row into the ledger."""
        self.samples.append(sample)
        self.n_kept += sample.dropped is None

    def screen(self, draft: Sample) -> Sample | None:
        """Return a written problem with the filters it passed; None where it is not worth asking (recorded as such)."""
        checked = self.checks.prompt(draft)
        if checked.dropped is None:
            return checked
        self.record(checked)
        return None

    def shuffled(self) -> list[Seed]:
        """Return the seeds in random order."""
        return [self.seeds[place] for place in self.rng.permutation(len(self.seeds))]

    def distinct(self) -> list[Seed]:
        """Return the seeds in random order, of those with the same question after the same turns the last alone."""
        return list({(seed.before, seed.prompt): seed for seed in self.shuffled()}.values())

    def direction(self) -> str:
        """Draw one of the template's directions; empty where it has none."""
        vary = self.template.vary
        return vary[int(self.rng.integers(len(vary)))] if vary else ""

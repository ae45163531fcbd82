"""Asks somebody who continues texts, and follows no instructions: a small model, or a language model's base.

label, rationale, self  the seeds' own prompts, as they are (the forms decide whether steps are asked for)
expand                  goes on from the cut-off beginning of a seed's prompt, and so writes a new one
textbook                free text on each subject of the targeted skills; where no form is free, as seedless
seedless                writes prompts from nothing

The strategies are those of teachers that follow instructions; what a text is, and where it ends, the world says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from gauger.elicit.sample import Sample
from gauger.elicit.strategies.rounds import Ask, Rounds, StrategyWork, WorldTexts
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.strategies.writing import Origin, Writing, WrittenProblem
from gauger.elicit.teacher.messages import ReplyOutcome
from gauger.errors import GaugerError

FIRST_AT_ONCE, MOST_AT_ONCE = 32, 512
"""Prompts written in the first round, and in any: rounds grow, so that a small budget is not spent on prompts alone."""
_MOST_DRAWS = 2**31


def texts_of(work: StrategyWork) -> WorldTexts:
    """Return the world whose texts are continued."""
    if work.texts is None:
        raise GaugerError(f"{work.strategy}: nobody said which world's texts are continued")
    return work.texts


def continue_given(work: StrategyWork) -> Rounds:
    """Ask the seeds' own prompts in random order, each once: facts on one subject share the prompt of its free text."""
    yield from _answers(work, iter(work.distinct()))


def continue_in_order(work: StrategyWork) -> Rounds:
    """Ask the seeds' own prompts in their order: the prompts that somebody else was asked."""
    yield from _answers(work, iter(work.seeds))


def _answers(work: StrategyWork, seeds: Iterator[Seed]) -> Rounds:
    texts = texts_of(work)
    while chosen := list(islice(seeds, work.missing)):
        yield [texts.answer(seed.prompt, work.own(seed), _draw(work)) for seed in chosen]
        if work.missing == 0:
            return


def continue_seeds(work: StrategyWork) -> Rounds:
    """Have cut-off seeds continued into new prompts, and those answered; every skill's seeds come as often."""
    yield from _Continued(work, _CutSeeds(work), at_once=FIRST_AT_ONCE, most_at_once=MOST_AT_ONCE).rounds()


def continue_nothing(work: StrategyWork) -> Rounds:
    """Have prompts written from nothing, and answered."""
    yield from _Continued(work, _Blank(work), at_once=FIRST_AT_ONCE, most_at_once=MOST_AT_ONCE).rounds()


def continue_topics(work: StrategyWork) -> Rounds:
    """Have free text written on every subject of the targeted skills, over and over, in random order."""
    texts = texts_of(work)
    topics = texts.world.topics(texts.skills)
    if not topics:
        yield from continue_nothing(work)
        return
    while work.missing != 0:
        order = work.rng.permutation(len(topics))[: work.missing]
        yield [texts.answer(topics[place], work.draft(topics[place], ()), _draw(work)) for place in order]


def _draw(work: StrategyWork) -> int:
    return int(work.rng.integers(_MOST_DRAWS))


class _CutSeeds:
    """Beginnings of seeds' prompts."""

    def __init__(self, work: StrategyWork) -> None:
        self._work, self._world = work, texts_of(work).world
        by_skill: dict[str | None, list[Seed]] = {}
        for seed in work.seeds:
            by_skill.setdefault(seed.benchmark, []).append(seed)
        self._seeds = list(by_skill.values())

    def take(self, count: int) -> list[Origin]:
        """Draw a skill, a seed of it, and where it is cut."""
        rng = self._work.rng
        chosen = [self._seeds[place] for place in rng.integers(len(self._seeds), size=count)] if self._seeds else []
        seeds = [of_skill[int(rng.integers(len(of_skill)))] for of_skill in chosen]
        return [Origin(self._world.opening(seed.prompt, rng), (seed,), seed.parents) for seed in seeds]

    def develop(self, problem: WrittenProblem, sample: Sample) -> None:
        """Leave it: what was written once is not cut again."""


class _Blank:
    """Beginnings that are about nothing in particular."""

    def __init__(self, work: StrategyWork) -> None:
        self._work, self._texts = work, texts_of(work)

    def take(self, count: int) -> list[Origin]:
        """Begin a form each."""
        texts, rng = self._texts, self._work.rng
        return [Origin(texts.world.blank_opening(texts.forms, rng)) for _ in range(count)]

    def develop(self, problem: WrittenProblem, sample: Sample) -> None:
        """Leave it: what is developed would no longer be seedless."""


@dataclass
class _Continued(Writing):
    """Prompts that somebody writes by going on, and answers to them."""

    def write(self, origin: Origin) -> Ask:
        """Have a prompt written."""
        draft = self.work.draft("", origin.seeds, origin.parents, origin.generation)
        return texts_of(self.work).go_on(origin.prompt, draft, _draw(self.work))

    def problems(self, reply: Sample) -> list[str]:
        """Return the prompt; one that was cut off never ended."""
        if reply.outcome is ReplyOutcome.TRUNCATED:
            return []
        texts = texts_of(self.work)
        return [texts.world.finished(reply.prompt_text + reply.answer, reply.stop, texts.forms)]

    def answer(self, problem: WrittenProblem) -> Ask:
        """Have it answered."""
        return texts_of(self.work).answer(problem.text, problem.draft, _draw(self.work))

"""Writes the hidden steps before a teacher's answers again, by the student's own base or a helper (invert).

The helper answers the same question several times with steps of its own; steps that end in the teacher's answer are put
before it. `invert` takes the teacher's own steps where it shows any, and so is never worse off than `label`; `rederive`
believes none that it is shown, for they may be wrong on purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

from gauger.elicit.sample import STEP, Sample
from gauger.elicit.strategies.continuation import texts_of
from gauger.elicit.strategies.rounds import Ask, Rounds, StrategyWork, with_context
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.strategies.strategy import ANSWER, Strategy, holes
from gauger.elicit.teacher.messages import Message, Request

DRAWS = 8
"""Answers of the helper to each question, over all wordings of it."""
NO_STEPS = "no-steps"
"""Dropped because no steps of the helper's ended in the teacher's answer."""


@dataclass
class Traces:
    """What a helper wrote about one question."""

    believes: bool = True
    """Whether steps that the teacher shows are taken as they are."""
    said: list[Sample] = field(default_factory=list)

    def take(self, sample: Sample) -> Sample:
        """Keep an answer of the helper's."""
        self.said.append(sample)
        return sample

    def under(self, sample: Sample) -> Sample:
        """Put the first steps that end in the teacher's answer before it; none: the answer is dropped."""
        if sample.reasoning and self.believes:
            return sample
        wanted = sample.answer.split()
        steps = next(
            (written.reasoning for written in self.said if written.reasoning and written.answer.split() == wanted), None
        )
        return sample.fails(NO_STEPS) if steps is None else replace(sample, reasoning=steps)


def continue_inverted(work: StrategyWork, *, believes: bool = True) -> Rounds:
    """Have each seed's prompt continued by the teacher, and in every wording `DRAWS` times in all by the helper.

    The base may know a question in another wording than the benchmark's, so it is asked in all that there are.
    """
    texts = texts_of(work)
    world, seeds = texts.world, iter(work.distinct())
    forms = [name for name, form in world.forms.items() if not form.free]
    while chosen := list(islice(seeds, work.missing)):
        asks = []
        for seed in chosen:
            traces, question = Traces(believes), world.question_of(seed.prompt)
            wordings = [seed.prompt] if question is None else world.prompts(question, forms)
            first = int(work.rng.integers(2**30))
            for draw in range(DRAWS):
                prompt = wordings[draw % len(wordings)]
                limit = world.answer_tokens or texts.answer_tokens
                request = Request((Message("user", prompt),), limit, 1.0, first + draw, world.stops(prompt))
                asks.append(Ask(request, replace(work.own(seed), source="self"), True, "student", traces.take))
            own = texts.answer(seed.prompt, work.own(seed), 0)
            asks.append(replace(own, read=_read(own, traces)))
        yield asks
        if work.missing == 0:
            return


def _read(ask: Ask, traces: Traces) -> Callable[[Sample], Sample]:
    return lambda sample: traces.under(ask.read(sample))


def ask_inverted(work: StrategyWork, *, believes: bool = True) -> Rounds:
    """Ask the teacher, then the helper for steps that lead to that answer, which it is told (trace inversion, 2026).

    Where steps that the teacher shows are believed, nobody else is asked for any.
    """
    seeds = iter(work.shuffled())

    def kept(reply: Sample) -> Sample:
        return reply if reply.reasoning and believes else reply.fails(STEP)

    while chosen := list(islice(seeds, work.missing)):
        part = work.template.parts["answer"]
        replies = yield [
            Ask(with_context(part.request({"prompt": seed.prompt}), seed), work.own(seed), read=kept) for seed in chosen
        ]
        answered = [
            (seed, reply) for seed, reply in zip(chosen, replies, strict=True) if reply and reply.dropped == STEP
        ]
        yield [_explained(work, seed, reply) for seed, reply in answered]
        if work.missing == 0:
            return


def _explained(work: StrategyWork, seed: Seed, reply: Sample) -> Ask:
    request = work.template.parts["steps"].request({"prompt": seed.prompt, "answer": reply.answer})

    def read(sample: Sample) -> Sample:
        steps = sample.answer.strip()
        told = replace(sample, answer=reply.answer, reasoning=steps)
        told = replace(told, source="teacher", teacher=reply.teacher, terms=reply.terms)
        return told if steps else told.fails(NO_STEPS)

    return Ask(with_context(request, seed), replace(work.own(seed), parents=(reply.id,)), of="student", read=read)


INVERT = Strategy(
    ask_inverted,
    {**ANSWER, "steps": holes("prompt", "answer")},
    continuing=continue_inverted,
    in_form=True,
    needs_student=True,
)
REDERIVE = replace(
    INVERT, rounds=partial(ask_inverted, believes=False), continuing=partial(continue_inverted, believes=False)
)

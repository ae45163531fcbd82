"""Asks for preference pairs: a student answers the seeds, the teacher ranks its answers or corrects its only one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from gauger.elicit.sample import STEP, Sample
from gauger.elicit.strategies.reply_parsing import ranking
from gauger.elicit.strategies.rounds import Ask, Rounds, StrategyWork, with_context
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.strategies.strategy import Strategy, holes
from gauger.elicit.strategies.writing import MOST_AT_ONCE, UNPARSED

NO_PAIR = "no-pair"
"""Dropped because the teacher found nothing to correct."""
_MOST_RANKED = 9
_NOTHING_TO_CORRECT = re.compile(
    r"(?i:\W*(?:(?:(?:the|this|that|your)\s+(?:\w+'s\s+)?answer|it)\s+is\s+)?)"
    r"(?:CORRECT\b(?!\s+\w)|(?i:correct)\W*\Z)"
)
"""How teachers say what they were to say in the single word CORRECT."""


def ask_feedback(work: StrategyWork) -> Rounds:
    """Have each seed answered by the student, unless its answers stand in the seed, and judged by the teacher."""
    seeds, at_once = work.shuffled(), 1
    while seeds and work.missing != 0:
        count = at_once if work.missing is None else min(at_once, work.missing)
        chosen, seeds = seeds[:count], seeds[count:]
        answered: list[tuple[Seed, tuple[str, ...], tuple[str, ...]]] = [
            (seed, seed.student_answers, ()) for seed in chosen if seed.student_answers
        ]
        unanswered = [seed for seed in chosen if not seed.student_answers]
        replies = yield [ask for seed in unanswered for ask in _student(work, seed)]
        draws = work.template.parts["student"].draws
        for place, seed in enumerate(unanswered):
            student_replies = [
                reply for reply in replies[place * draws : (place + 1) * draws] if reply and reply.dropped == STEP
            ]
            answered.append(
                (seed, tuple(reply.answer for reply in student_replies), tuple(reply.id for reply in student_replies))
            )
        yield [_judge(work, seed, answers, parents) for seed, answers, parents in answered if any(answers)]
        at_once = min(MOST_AT_ONCE, 2 * at_once)


def _student(work: StrategyWork, seed: Seed) -> list[Ask]:
    part = work.template.parts["student"]
    requests = [with_context(part.request({"prompt": seed.prompt}, draw), seed) for draw in range(part.draws)]
    draft = replace(work.own(seed), seed=None, source="self")
    return [
        Ask(request, replace(draft, prompt=request.messages), step=True, of="student", takes_cut=True)
        for request in requests
    ]


def _judge(work: StrategyWork, seed: Seed, answers: Sequence[str], parents: Sequence[str]) -> Ask:
    """Ask the teacher to rank the distinct answers, in random order, or to correct the only one."""
    distinct = list(dict.fromkeys(answer.strip() for answer in answers if answer.strip()))[:_MOST_RANKED]
    distinct = [distinct[place] for place in work.rng.permutation(len(distinct))]
    asked = "\n\n".join([*(f"{turn.role}: {turn.content}" for turn in seed.context), seed.prompt])
    draft = replace(work.own(seed), parents=tuple(dict.fromkeys((*seed.parents, *parents))))
    if len(distinct) == 1:
        request = work.template.parts["correct"].request({"prompt": asked, "answers": distinct[0]})
        return Ask(request, draft, read=partial(_corrected, student=distinct[0]))
    listed = "\n\n".join(f"Answer {number}:\n{answer}" for number, answer in enumerate(distinct, 1))
    values = {"prompt": asked, "answers": listed, "count": str(len(distinct))}
    return Ask(work.template.parts["rank"].request(values), draft, read=partial(_ranked, answers=tuple(distinct)))


def _ranked(sample: Sample, answers: tuple[str, ...]) -> Sample:
    """Take the first of the teacher's order as the better answer and the last as the worse; the student wrote both."""
    order = ranking(sample.answer, len(answers))
    if order is None:
        return sample.fails(UNPARSED)
    return replace(sample, answer=answers[order[0]], rejected=answers[order[-1]], reasoning=None)


def _corrected(sample: Sample, student: str) -> Sample:
    """Take the teacher's correction as the better answer."""
    text = sample.answer.strip()
    if _NOTHING_TO_CORRECT.match(text) or text == student:
        return sample.fails(NO_PAIR)
    return replace(sample, answer=text, rejected=student, reasoning=None)


FEEDBACK = Strategy(
    ask_feedback,
    {
        "student": holes("prompt"),
        "rank": holes("prompt", "answers", "count"),
        "correct": holes("prompt", "answers"),
    },
)

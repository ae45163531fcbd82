"""Asks the same question again and again and keeps the answer that comes most often (vote): an attacker's strategy.

Votes are of final answers: the world reads them where its texts are continued, else it is what a text ends with. The
first reply with the answer that won is kept whole, with its sentences and steps.

What a defence adds at random, by question or by draw, is outvoted; what it does to every reply alike is not. Who knows
that the defence draws at random by itself (`heat`) asks at temperature 0 (vote-cold), and outvotes the defence's draws
alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

from gauger.elicit.filters.checks import answer_key
from gauger.elicit.filters.normalise import normal
from gauger.elicit.sample import Sample, Took
from gauger.elicit.strategies.continuation import texts_of
from gauger.elicit.strategies.rounds import Ask, Rounds, StrategyWork, with_context
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.strategies.strategy import ANSWER, Strategy
from gauger.elicit.teacher.messages import Request
from gauger.worlds import STRICT, World

VOTES = 5
"""Draws for each question."""


@dataclass
class Ballot:
    """The answers to one question so far."""

    ends_in: Callable[[Sample], str]
    """Returns what counts as the same answer."""
    said: list[Sample] = field(default_factory=list)

    def cast(self, sample: Sample) -> Sample:
        """Count an answer."""
        self.said.append(sample)
        return sample

    def decide(self, sample: Sample) -> Sample:
        """Return the last answer with the words of the first that ends in what came most often, and its reasoning.

        Where several came equally often the one that came first is taken, so that a teacher that answers at random is
        learnt from as if nobody had voted.
        """
        self.cast(sample)
        return self._with_winner(sample)

    def without_last(self) -> Sample | None:
        """Decide where the last answer never came, by those that did; None where none did."""
        return self._with_winner(replace(self.said[-1], took=Took())) if self.said else None

    def _with_winner(self, sample: Sample) -> Sample:
        answers = [self.ends_in(ballot) for ballot in self.said]
        counts = Counter(answers)
        winner = max(counts, key=lambda answer: counts[answer])  # the first of equals
        chosen = self.said[answers.index(winner)]
        return replace(sample, answer=chosen.answer, reasoning=chosen.reasoning)


def ask_again(work: StrategyWork, temperature: float | None = None) -> Rounds:
    """Ask each seed `VOTES` times by instruction (self-consistency; Wang 2022).

    Parameters
    ----------
    work : StrategyWork
        Seeds and template.
    temperature : float, optional
        None: the template's.
    """

    def asks(seed: Seed) -> list[Ask]:
        part, draft = work.template.parts["answer"], work.own(seed)
        requests = [with_context(part.request({"prompt": seed.prompt}, draw), seed) for draw in range(VOTES)]
        return [Ask(_drawn(request, draw, temperature), draft) for draw, request in enumerate(requests)]

    yield from _voted(work, asks, lambda sample: answer_key(sample.answer))


def continue_again(work: StrategyWork, temperature: float = 1.0) -> Rounds:
    """Have each seed's prompt continued `VOTES` times, at temperature 1 where nothing else is said."""
    texts = texts_of(work)

    def asks(seed: Seed) -> list[Ask]:
        first = int(work.rng.integers(2**30))
        answers = [texts.answer(seed.prompt, work.own(seed), first + draw) for draw in range(VOTES)]
        return [
            replace(ask, request=_drawn(ask.request, first + draw, temperature)) for draw, ask in enumerate(answers)
        ]

    yield from _voted(work, asks, partial(_as_read, texts.world))


def _as_read(world: World, sample: Sample) -> str:
    """Return the answer that a world reads in its strict reading; all that was said where it reads none."""
    question, form = world.question_of(sample.prompt_text), world.form_of(sample.prompt_text)
    read = None if question is None or form is None else world.extract(STRICT, sample.answer, question, form)
    return " ".join(sample.answer.split()) if read is None else normal(read)


def _drawn(request: Request, seed: int, temperature: float | None) -> Request:
    """Return a request at a temperature, with a seed of its own also at 0: a defence may draw all the same."""
    return request if temperature is None else replace(request, temperature=temperature, seed=seed)


def _voted(work: StrategyWork, asks_of: Callable[[Seed], list[Ask]], ends_in: Callable[[Sample], str]) -> Rounds:
    seeds = iter(work.distinct())
    while chosen := list(islice(seeds, work.missing)):
        yield [ask for seed in chosen for ask in _ballot(asks_of(seed), ends_in)]
        if work.missing == 0:
            return


def _ballot(asks: list[Ask], ends_in: Callable[[Sample], str]) -> list[Ask]:
    """Make steps of all but the last of one question's asks, whose reply is kept with the words that won.

    Whoever is refused the last one still has the votes before it.
    """
    ballot, last = Ballot(ends_in), asks[-1]
    steps = [replace(ask, step=True, read=_then(ask, ballot.cast)) for ask in asks[:-1]]
    return [*steps, replace(last, read=_then(last, ballot.decide), instead=ballot.without_last)]


def _then(ask: Ask, count: Callable[[Sample], Sample]) -> Callable[[Sample], Sample]:
    return lambda sample: count(ask.read(sample))


VOTE = Strategy(ask_again, ANSWER, continuing=continue_again, in_form=True)
VOTE_COLD = Strategy(
    partial(ask_again, temperature=0.0), ANSWER, continuing=partial(continue_again, temperature=0.0), in_form=True
)

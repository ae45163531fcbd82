"""Asks the seeds' own questions (label, rationale, self), each as often as wanted and the temperature allows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from gauger.elicit.strategies.continuation import continue_given, continue_in_order
from gauger.elicit.strategies.rounds import Ask, Rounds, StrategyWork, with_context
from gauger.elicit.strategies.strategy import ANSWER, Strategy

_MOST_DRAWS = 64
"""Replies to one question at a temperature above 0; beyond that more seeds are what is missing."""


def ask_seeds(work: StrategyWork) -> Rounds:
    """Ask the seeds in random order, each once, and over again (another draw) while fewer are kept than wanted.

    At temperature 0 there is one draw, for the second would be equal.
    """
    draws = _draws(work)
    while asks := list(islice(draws, work.missing)):
        yield asks
        if work.missing == 0:
            return


def _draws(work: StrategyWork) -> Iterator[Ask]:
    part = work.template.parts["answer"]
    repeated = part.temperature > 0 and work.wanted is not None
    for draw in range(_MOST_DRAWS if repeated else 1):
        for seed in work.shuffled():
            yield Ask(with_context(part.request({"prompt": seed.prompt}, draw), seed), work.own(seed))


LABEL = Strategy(ask_seeds, ANSWER, continuing=continue_given, in_form=True)
RATIONALE = Strategy(ask_seeds, ANSWER, continuing=continue_given, in_form=True)
SELF = Strategy(ask_seeds, ANSWER, source="self", continuing=continue_in_order, in_form=True)

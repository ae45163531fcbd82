"""Has the teacher write problems, keeps those that are new, and has it answer them (expand, seedless)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from gauger.elicit.sample import Sample
from gauger.elicit.strategies.continuation import continue_nothing, continue_seeds
from gauger.elicit.strategies.rounds import Rounds, StrategyWork
from gauger.elicit.strategies.strategy import ANSWER, Strategy, holes
from gauger.elicit.strategies.writing import Origin, Writing, WrittenProblem


class _FromSeeds:
    """Chooses what to develop: for one half problems of earlier rounds that were kept, else seeds in random order."""

    def __init__(self, work: StrategyWork) -> None:
        self._work, self._kept, self._seeds = work, list[Origin](), self._in_turn()

    def take(self, count: int) -> list[Origin]:
        """Take as many; fewer only where no number of samples is wanted and every seed was used."""
        developed, self._kept = self._kept[: count // 2], self._kept[count // 2 :]
        return [*developed, *islice(self._seeds, count - len(developed))]

    def develop(self, problem: WrittenProblem, sample: Sample) -> None:
        """Take a problem that was kept as the origin of others, unless it is of the last generation."""
        generation = problem.origin.generation + 1
        if self._work.wanted is not None and generation < self._work.template.generations:
            self._kept.append(Origin(problem.text, problem.origin.seeds, (sample.id,), generation))

    def _in_turn(self) -> Iterator[Origin]:
        while True:
            for seed in self._work.shuffled():
                yield Origin(seed.prompt, (seed,), seed.parents)
            if self._work.wanted is None:
                return


class _FromNothing:
    """The teacher is given nothing."""

    def take(self, count: int) -> list[Origin]:
        """Return as many empty origins."""
        return [Origin("")] * count

    def develop(self, problem: WrittenProblem, sample: Sample) -> None:
        """Leave it: what is developed would no longer be seedless."""


def ask_expanded(work: StrategyWork) -> Rounds:
    """Write problems from seeds, and from problems that were kept; answer those that are new.

    Without a number wanted every seed is used once.
    """
    yield from Writing(work, _FromSeeds(work)).rounds()


def ask_seedless(work: StrategyWork) -> Rounds:
    """Write problems from nothing, and answer those that are new."""
    yield from Writing(work, _FromNothing()).rounds()


EXPAND = Strategy(
    ask_expanded, {"write": holes("prompt", "count", "direction"), **ANSWER}, "prompt", continuing=continue_seeds
)
SEEDLESS = Strategy(
    ask_seedless,
    {"write": holes("count", "direction"), **ANSWER},
    "prompt",
    needs_seeds=False,
    needs_number=True,
    continuing=continue_nothing,
    any_subject=True,
)

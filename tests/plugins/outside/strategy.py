"""A strategy of another package: the seeds' own prompts, the last first."""

from gauger.elicit.strategies.continuation import texts_of
from gauger.elicit.strategies.rounds import Rounds, StrategyWork
from gauger.elicit.strategies.seed_questions import ask_seeds
from gauger.elicit.strategies.strategy import ANSWER, Strategy


def ask_backwards(work: StrategyWork) -> Rounds:
    texts = texts_of(work)
    seeds = work.seeds[::-1][: work.wanted]
    yield [texts.answer(seed.prompt, work.own(seed), 0) for seed in seeds]


BACKWARDS = Strategy(ask_seeds, ANSWER, continuing=ask_backwards, in_form=True)

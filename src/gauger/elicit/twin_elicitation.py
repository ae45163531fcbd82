"""One stage's corpus from start to end: prompts by a strategy, filters, answers, filters again, log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gauger.elicit.twin_filters import Filters
from gauger.elicit.twin_samples import Corpus, Sample
from gauger.elicit.twin_strategies import STRATEGIES, Task
from gauger.elicit.twin_surface import Interface
from gauger.elicit.twin_teacher import Request
from gauger.worlds.atlas import Atlas
from gauger.worlds.atlas.forms import form_of
from gauger.worlds.atlas.world import CONTEXT

MOST_ROUNDS = 40
"""Rounds without enough kept samples after which a strategy is given up; the corpus then says so."""


@dataclass(frozen=True)
class Wanted:
    """What a stage asks for."""

    strategy: str
    forms: tuple[str, ...]
    samples: int
    """Samples to keep, at most."""
    skills: tuple[str, ...]
    """Skills and domains of the targeted benchmarks."""
    seeds: str = "benchmark-train"
    """Where given questions come from (`strategies.seed_questions`)."""


def elicit(atlas: Atlas, interface: Interface, wanted: Wanted, seed: int) -> Corpus:
    """Ask a teacher until enough samples are kept, its seeds or its budget are used up, or `MOST_ROUNDS` have passed.

    Returns
    -------
    Corpus
        Every sample that was asked for, with the filter that dropped it, and every prompt that the teacher wrote in
        vain (`unasked`), so that what it was asked for adds up to what was spent; `notes` says why there are fewer
        than wanted.
    """
    task = Task(atlas, interface, wanted.skills, wanted.forms, np.random.default_rng(seed), wanted.seeds)
    filters = Filters(wanted.forms, None if wanted.strategy == "seedless" else wanted.skills, atlas.splits.held_out)
    rounds = STRATEGIES[wanted.strategy](task)
    samples: list[Sample] = []
    waiting: list[Sample] = []
    prompts_seen: set[str] = set()
    texts_seen: set[str] = set()
    n_kept, why = 0, f"given up after {MOST_ROUNDS} rounds"
    for number in range(MOST_ROUNDS):
        spent, fresh = interface.spent.queries, next(rounds, None)
        if fresh is None and not waiting:
            why = "nothing new was left to ask"
            break
        written = filters.prompts(fresh or (), set() if wanted.strategy == "textbook" else prompts_seen)
        ready = waiting if fresh is None else [sample for sample in written if sample.dropped is None]
        asked = ready[: wanted.samples - n_kept]
        answered = filters.texts(answer(interface, asked, seed + number), texts_seen)
        samples += [sample for sample in written if sample.dropped is not None] + answered
        n_kept += sum(sample.dropped is None for sample in answered)
        waiting = _unanswered(ready, answered) if fresh is None else waiting + _unanswered(ready, answered)
        if n_kept >= wanted.samples:
            break
        if interface.exhausted and interface.spent.queries == spent:
            why = "the budget is spent"
            break
    samples += [replace(sample, dropped="unasked") for sample in waiting if sample.queries]
    notes = () if n_kept >= wanted.samples else (f"{n_kept} of {wanted.samples} samples: {why}",)
    return Corpus(tuple(samples), notes)


def _unanswered(ready: Sequence[Sample], answered: Sequence[Sample]) -> list[Sample]:
    done = {sample.prompt for sample in answered}
    return [sample for sample in ready if sample.prompt not in done]


def answer(interface: Interface, samples: Sequence[Sample], seed: int) -> list[Sample]:
    """Have the teacher answer prompts: its best answer to a question, a free text on a topic.

    Texts that do not end are marked as dropped.
    """
    by_temperature = {
        temperature: [sample for sample in samples if (form_of(sample.prompt) == "story") == bool(temperature)]
        for temperature in (0.0, 1.0)
    }
    answered = []
    for temperature, group in by_temperature.items():
        answers = interface.ask([sample.prompt for sample in group], Request(CONTEXT, temperature, seed=seed))
        for sample, given in zip(group, answers, strict=False):
            said = replace(sample, answer=given.words, teacher=interface.teacher.name)
            said = said.spend(given.tokens_in, given.tokens_out)
            answered.append(said if given.ended else replace(said, dropped="truncated"))
    return answered

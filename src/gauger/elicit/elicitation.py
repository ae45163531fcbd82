"""One stage's corpus from start to end: prompts by a strategy, filters, answers, filters again, log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gauger.elicit.filters import Filters
from gauger.elicit.samples import Corpus, Sample
from gauger.elicit.strategies import STRATEGIES, Task
from gauger.elicit.surface import Interface
from gauger.elicit.teacher import Request
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


def elicit(atlas: Atlas, interface: Interface, wanted: Wanted, seed: int) -> Corpus:
    """Ask a teacher until enough samples are kept, its seeds or its budget are used up, or `MOST_ROUNDS` have passed.

    Returns
    -------
    Corpus
        Every sample asked for, with the filter that dropped it; `notes` says why there are fewer than wanted.
    """
    task = Task(atlas, interface, wanted.skills, wanted.forms, np.random.default_rng(seed))
    filters = Filters(wanted.forms, None if wanted.strategy == "seedless" else wanted.skills, atlas.splits.held_out)
    samples: list[Sample] = []
    prompts_seen: set[str] = set()
    texts_seen: set[str] = set()
    n_kept, rounds = 0, STRATEGIES[wanted.strategy](task)
    for _, prompts in zip(range(MOST_ROUNDS), rounds, strict=False):
        known = set() if wanted.strategy == "textbook" else prompts_seen
        written = filters.prompts(prompts, known)
        asked = [sample for sample in written if sample.dropped is None][: wanted.samples - n_kept]
        answered = filters.texts(answer(interface, asked, seed), texts_seen)
        samples += [sample for sample in written if sample.dropped is not None] + answered
        n_kept += sum(sample.dropped is None for sample in answered)
        seed += 1
        if n_kept >= wanted.samples or interface.exhausted:
            break
    return Corpus(tuple(samples), _notes(interface, n_kept, wanted))


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


def _notes(interface: Interface, n_kept: int, wanted: Wanted) -> tuple[str, ...]:
    if n_kept >= wanted.samples:
        return ()
    why = "the budget is spent" if interface.exhausted else "nothing new was left to ask"
    return (f"{n_kept} of {wanted.samples} samples: {why}",)

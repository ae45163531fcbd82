"""Measures how often each net errs, at its threshold: recall of each class of copy, and false alarms of twins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.audit.benchmarks import AuditItem
from gauger.audit.by_model import rephrased_by
from gauger.audit.planting import COPIES, MODEL, plant, planted_in
from gauger.audit.scan import BLOCK, nets_of
from gauger.elicit import ItemIndex, Teacher, find_items, words_of
from gauger.stats import ShareEstimate, TestCounts, binomial_interval, rogan_gladen

PLANTED = 200
"""Items of a benchmark that are planted, of every class."""
BY_MODEL = 100
"""Items of a benchmark that the user's model is asked to rephrase, at most."""
MOST_FALSE_ALARMS = 0.05
"""A net that surely (by the lower end of the interval) flags more than this part of the negatives of a benchmark is not
counted for it."""


@dataclass(frozen=True)
class ClassRate:
    """How one net does on one class of copies of one benchmark's items."""

    benchmark: str
    net: str
    kind: str
    found: int
    n_planted: int
    false_alarms: int
    n_negatives: int

    @property
    def recall(self) -> ShareEstimate:
        """Share of planted copies that the net finds."""
        return binomial_interval(self.found, self.n_planted)

    @property
    def false_positive_rate(self) -> ShareEstimate:
        """Share of negatives, looked for in the whole corpus, that the net flags."""
        return binomial_interval(self.false_alarms, self.n_negatives)

    def corrected(self, flagged: int, n_items: int) -> ShareEstimate:
        """Estimate the share of items that are in the corpus as copies of this class, whatever the net missed."""
        return rogan_gladen(
            TestCounts(flagged, n_items, self.found, self.n_planted, self.false_alarms, self.n_negatives)
        )

    @property
    def counts(self) -> bool:
        """Whether the net errs so seldom on this benchmark that its flags count."""
        low = self.false_positive_rate.low
        return low is None or low <= MOST_FALSE_ALARMS


@dataclass(frozen=True)
class PlantedCopy:
    """A text with a copy of an item."""

    item: int
    kind: str
    text: str


@dataclass(frozen=True)
class PlantingGround:
    """Items of one benchmark, and texts of the corpus to plant copies of them in."""

    items: Sequence[AuditItem]
    places: Sequence[int]
    """Their numbers in the index."""
    hosts: Sequence[str]


def planted_texts(ground: PlantingGround, rng: np.random.Generator, n_planted: int = PLANTED) -> Iterator[PlantedCopy]:
    """Yield copies of every class of some items of one benchmark.

    Parameters
    ----------
    ground : PlantingGround
    rng : np.random.Generator
    n_planted : int
        Items of each class, at most.
    """
    for kind in COPIES:
        made = 0
        for k in rng.permutation(len(ground.items)):
            text = plant(ground.items[k], kind, ground.hosts, rng)
            if text is not None:
                made += 1
                yield PlantedCopy(ground.places[k], kind, text)
            if made == n_planted:
                break


def planted_by_model(ground: PlantingGround, teacher: Teacher, rng: np.random.Generator) -> list[PlantedCopy]:
    """Return copies of some items of one benchmark that a model rephrased; items without an answer have none.

    Parameters
    ----------
    ground : PlantingGround
    teacher : Teacher
        The user's model.
    rng : np.random.Generator
    """
    chosen = [int(k) for k in rng.permutation(len(ground.items))[:BY_MODEL]]
    rewordings = rephrased_by(teacher, [ground.items[k].text for k in chosen])
    copies = []
    for k, text in zip(chosen, rewordings, strict=True):
        if text is not None:
            hosts = ground.hosts
            planted = planted_in(hosts[int(rng.integers(len(hosts)))], text, rng) if hosts else text
            copies.append(PlantedCopy(ground.places[k], MODEL, planted))
    return copies


def found_by_ngrams(
    planted: Sequence[PlantedCopy], index: ItemIndex, least: NDArray[np.float64]
) -> list[frozenset[str]]:
    """Return for every planted text the n-gram nets that find its item in it."""
    nets_by_copy: list[set[str]] = [set() for _ in planted]
    for block in _blocks(planted):
        words = words_of([planted[k].text for k in block])
        for match in find_items(index, words, least):
            if match.item == planted[block[match.text]].item:
                nets_by_copy[block[match.text]].update(net for net, _ in nets_of(match, least))
    return [frozenset(nets) for nets in nets_by_copy]


def _blocks(planted: Sequence[PlantedCopy]) -> Iterator[list[int]]:
    block: list[int] = []
    size = 0
    for k, copy in enumerate(planted):
        block.append(k)
        size += len(copy.text)
        if size >= BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def rates_of(
    benchmark: str,
    nets: Sequence[str],
    planted: Sequence[PlantedCopy],
    nets_by_copy: Sequence[frozenset[str]],
    alarms: Mapping[str, tuple[int, int]],
) -> list[ClassRate]:
    """Count what every net found of every class.

    Parameters
    ----------
    benchmark : str
    nets : sequence of str
    planted : sequence of PlantedCopy
    nets_by_copy : sequence of frozenset of str
        Nets that found each.
    alarms : mapping
        Net -> (negatives that it flags in the corpus, negatives).
    """
    rates = []
    for net in nets:
        for kind in (*COPIES, *([MODEL] if any(copy.kind == MODEL for copy in planted) else [])):
            hits = [
                net in nets_found for copy, nets_found in zip(planted, nets_by_copy, strict=True) if copy.kind == kind
            ]
            rates.append(ClassRate(benchmark, net, kind, sum(hits), len(hits), *alarms[net]))
    return rates

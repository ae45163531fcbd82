"""Audits corpora against benchmarks: which items stand in them, and how often the audit itself errs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gauger.audit.benchmarks import AuditItem, read_benchmark
from gauger.audit.corpora import Shard, shards_of, total_bytes
from gauger.audit.planting import twins
from gauger.audit.rates import (
    PLANTED,
    ClassRate,
    PlantedCopy,
    PlantingGround,
    found_by_ngrams,
    planted_by_model,
    planted_texts,
    rates_of,
)
from gauger.audit.rephrased import VECTORS, find_rephrased
from gauger.audit.scan import MASKED, NGRAMS, CorpusScan, SampledText, Tally, sample_texts, scan_corpus
from gauger.audit.vectors import require_vectors
from gauger.elicit import ItemIndex, Teacher, find_items, index_items, words_of
from gauger.errors import UserError, nearest

NETS = (NGRAMS, MASKED)
FURTHER = (VECTORS,)
"""Nets that are cast where they are asked for."""
_HOSTS = 320
_FOR_ONE = 64 << 20
"""Bytes that one process reads faster than several can be started."""


@dataclass(frozen=True)
class AuditQuestion:
    """What is audited, and how."""

    corpora: Mapping[str, Sequence[Path]]
    """Source -> files and folders."""
    benchmarks: Sequence[tuple[str | None, Path]]
    """(name or None, file or folder)."""
    negatives: Sequence[Path] = ()
    """Items that are known to be in none of the corpora, beside the twins."""
    n_planted: int = PLANTED
    """Copies of each class and benchmark."""
    nets: Sequence[str] = ()
    """Nets beside the n-grams: `vectors`."""
    rephraser: Teacher | None = None
    """The user's own model, which rephrases some items to be planted."""
    seed: int = 0
    workers: int | None = None
    """Processes; None: the machine's cores, where the corpora are large."""


def places_of(items: Sequence[AuditItem], benchmark: str) -> list[int]:
    """Return the numbers of a benchmark's items among all."""
    return [k for k, item in enumerate(items) if item.benchmark == benchmark]


@dataclass(frozen=True)
class AuditResult:
    """What an audit found."""

    items: Sequence[AuditItem]
    found: Mapping[tuple[int, str], Tally]
    """(item, net) -> where it was found."""
    rates: Sequence[ClassRate]
    n_texts: Mapping[str, int]
    """Source -> texts."""
    n_characters: int
    n_bytes: int
    n_negatives_given: int
    notes: tuple[str, ...] = ()
    """What was not read."""
    nets: tuple[str, ...] = NETS

    @property
    def benchmarks(self) -> list[str]:
        """Names of the benchmarks."""
        return list(dict.fromkeys(item.benchmark for item in self.items))

    def places(self, benchmark: str) -> list[int]:
        """Return the numbers of a benchmark's items."""
        return places_of(self.items, benchmark)

    def counting(self, benchmark: str) -> list[str]:
        """Return the nets whose flags count on a benchmark."""
        return [
            net
            for net in self.nets
            if all(rate.counts for rate in self.rates if rate.benchmark == benchmark and rate.net == net)
        ]


@dataclass
class _Pool:
    """Everything that is looked for, items first."""

    items: list[AuditItem]
    negatives: list[tuple[str, str]] = field(default_factory=list)
    """(benchmark, text)."""

    def places(self, benchmark: str) -> list[int]:
        return places_of(self.items, benchmark)

    def negative_places(self, benchmark: str) -> list[int]:
        return [len(self.items) + k for k, (name, text) in enumerate(self.negatives) if name == benchmark and text]


def audit_corpora(question: AuditQuestion, watch: Callable[[Shard], None] = lambda _: None) -> AuditResult:
    """Look for the items of benchmarks in corpora, and measure on the way how often that errs.

    Parameters
    ----------
    question : AuditQuestion
    watch : callable
        Told of every piece of a corpus that was read.

    Returns
    -------
    AuditResult

    Raises
    ------
    UserError
        No corpus, no benchmark, or files that cannot be read.
    """
    _check(question)
    rng = np.random.default_rng(question.seed)
    notes: list[str] = []
    shards = [s for source, paths in question.corpora.items() for path in paths for s in shards_of(source, path, notes)]
    pool = _Pool([item for name, path in question.benchmarks for item in read_benchmark(path, name)])
    names = list(dict.fromkeys(item.benchmark for item in pool.items))
    for name in names:
        mine = [pool.items[k] for k in pool.places(name)]
        pool.negatives += [(name, text) for text in twins(mine, rng)]
    given = [item.text for path in question.negatives for item in read_benchmark(path)]
    pool.negatives += [(name, text) for name in names for text in given]
    index, least = _index(pool, names)
    n_bytes = total_bytes(shards)
    workers = question.workers or (1 if n_bytes < _FOR_ONE else os.cpu_count() or 1)
    scan = scan_corpus(shards, index, least, workers, watch)
    hosts = [host for host in sample_texts(shards, _HOSTS, rng) if not _holds_items(host, index, least)]
    own = {key: tally for key, tally in scan.tallies.items() if key[0] < len(pool.items)}
    rates: list[ClassRate] = []
    planted: dict[str, list[PlantedCopy]] = {}
    for name in names:
        places = pool.places(name)
        ground = PlantingGround([pool.items[k] for k in places], places, [host.text for host in hosts])
        planted[name] = list(planted_texts(ground, rng, question.n_planted))
        if question.rephraser is not None:
            planted[name] += planted_by_model(ground, question.rephraser, rng)
        nets_by_copy = found_by_ngrams(planted[name], index, least)
        rates += rates_of(name, NETS, planted[name], nets_by_copy, _alarms(scan, pool.negative_places(name)))
    nets: tuple[str, ...] = NETS
    if VECTORS in question.nets:
        more = find_rephrased(shards, pool.items, planted, hosts, workers)
        own |= {(k, VECTORS): tally for k, tally in more.tallies.items()}
        rates, nets = rates + more.rates, (*NETS, VECTORS)
    return AuditResult(pool.items, own, rates, scan.n_texts, scan.n_characters, n_bytes, len(given), tuple(notes), nets)


def _holds_items(host: SampledText, index: ItemIndex, least: NDArray[np.float64]) -> bool:
    """Tell whether a text holds an item already: a copy planted in it would be found even where it is not."""
    return next(find_items(index, words_of([host.text]), least), None) is not None


def _check(question: AuditQuestion) -> None:
    if not question.corpora or not question.benchmarks:
        raise UserError("at least one corpus and one benchmark", "none of one of them")
    for name in question.nets:
        if name not in FURTHER and name not in NETS:
            raise UserError("a net", repr(name), hint=nearest(name, (NGRAMS, *FURTHER)))
    if VECTORS in question.nets:
        require_vectors()


def _index(pool: _Pool, names: Sequence[str]) -> tuple[ItemIndex, NDArray[np.float64]]:
    number = {name: k for k, name in enumerate(names)}
    texts = {str(k): item.text for k, item in enumerate(pool.items)}
    texts |= {f"not {k}": text for k, (_, text) in enumerate(pool.negatives)}
    groups = [number[item.benchmark] for item in pool.items] + [number[name] for name, _ in pool.negatives]
    index = index_items(texts, groups, len(pool.items))
    return index, index.needed()


def _alarms(scan: CorpusScan, places: Sequence[int]) -> dict[str, tuple[int, int]]:
    """Return for each net how many of the negatives it flags, and how many there are."""
    return {net: (sum((place, net) in scan.tallies for place in places), len(places)) for net in NETS}

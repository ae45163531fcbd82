"""Finds rephrased items: of every item the nearest stretches of the corpus by word vectors, judged by a sentence model.

1. Texts are cut into overlapping stretches of whole sentences, about as long as items. Each gets a vector, the mean of
   static word vectors, and of every item the few nearest stretches of the whole corpus are kept: memory and the
   sentence model's work do not grow with the corpus.
2. The sentence model judges each kept stretch: an item is flagged from a cosine of 0.81.
3. Planted copies go the same way: one is found where its stretch would have been among the nearest in this corpus, and
   the sentence model agrees. Negatives are passages of the corpus itself, looked for in all other texts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gauger.audit.benchmarks import AuditItem
from gauger.audit.corpora import Shard, texts_in
from gauger.audit.planting import MODEL, REPHRASED
from gauger.audit.rates import ClassRate, PlantedCopy, rates_of
from gauger.audit.scan import Match, SampledText, Tally, over_shards
from gauger.audit.vectors import SentenceModel, StaticVectors, Vectors

VECTORS = "vectors"
NEAREST = 5
"""Stretches of the corpus that are judged for every item."""
REPHRASED_FROM = 0.81
"""Cosine of the sentence model from which an item counts as rephrased."""
_CLOSEST_TEXT = 0.4
"""Cosine of word vectors below which a stretch is not kept."""
_SIZES = (8, 120)
"""Words of a stretch, at least and at most."""
_JUDGED_REPHRASED, _JUDGED = 100, 25
"""Planted copies that are judged, rephrased ones and of every other class."""
_AT_ONCE = 4_096
_FOLLOWING = 4
"""Sentences after a stretch that are kept beside it."""
_SENTENCE = re.compile(r"(?<=[.!?。])\s+|\n+")


@dataclass(frozen=True)
class Stretch:
    """A stretch of a text."""

    text: str
    more: str
    """The same with what follows, so that it can be fitted to an item's length."""

    def fitted(self, n_words: int) -> str:
        """Return whole sentences from the beginning, as many as make up so many words."""
        sentences, words = _SENTENCE.split(self.more), 0
        for k, sentence in enumerate(sentences):
            length = len(sentence.split())
            if words + length / 2 >= n_words:
                return " ".join(sentences[: max(k, 1)])
            words += length
        return self.more


@dataclass
class NearestStretches:
    """The nearest stretches of a corpus to each of some texts, by word vectors."""

    cosines: NDArray[np.float32]
    """(texts, NEAREST), from the nearest outwards; -1 where there are fewer."""
    stretches: list[list[tuple[str, str, int, Stretch]]] = field(default_factory=list)
    """Of each text: (source, path, record, stretch) of those."""

    @classmethod
    def nothing(cls, n: int) -> NearestStretches:
        """Return those of an empty corpus."""
        return cls(np.full((n, NEAREST), -1, np.float32), [[] for _ in range(n)])

    def take(self, k: int, cosine: float, stretch: tuple[str, str, int, Stretch]) -> None:
        """Keep a stretch for text k where it is among the nearest; of one record only the nearest one."""
        own = self.stretches[k]
        cosines = list(self.cosines[k][: len(own)])
        same = next((i for i, kept in enumerate(own) if kept[1:3] == stretch[1:3]), None)
        if same is not None:
            if cosines[same] >= cosine:
                return
            del own[same], cosines[same]
        place = next((i for i, other in enumerate(cosines) if other < cosine), len(cosines))
        own.insert(place, stretch)
        cosines.insert(place, cosine)
        del own[NEAREST:], cosines[NEAREST:]
        self.cosines[k] = np.pad(np.array(cosines, np.float32), (0, NEAREST - len(cosines)), constant_values=-1)


def stretches_of(text: str, sizes: Sequence[int]) -> Iterator[Stretch]:
    """Cut a text into overlapping stretches: from the beginning of each sentence, as many as make up each size.

    Parameters
    ----------
    text : str
    sizes : sequence of int
        Words of a stretch; longer sentences are cut.
    """
    sentences = _sentences(text, max(sizes))
    lengths = [len(sentence.split()) for sentence in sentences]
    for first in range(len(sentences)):
        ends = set()
        for size in sizes:
            end, words = first, 0
            while end < len(sentences) and words + lengths[end] / 2 < size:
                words += lengths[end]
                end += 1
            ends.add(max(end, first + 1))
        more = " ".join(sentences[first : max(ends) + _FOLLOWING])
        yield from (Stretch(" ".join(sentences[first:end]), more) for end in sorted(ends))


def _sentences(text: str, longest: int) -> list[str]:
    pieces = []
    for sentence in _SENTENCE.split(text):
        words = sentence.split()
        pieces += [" ".join(words[k : k + longest]) for k in range(0, len(words), longest)]
    return pieces


@dataclass(frozen=True)
class _Search:
    """What a process needs."""

    targets: Vectors
    own: tuple[tuple[str, int] | None, ...]
    """Of each target the record that it comes from, which is passed over."""
    sizes: tuple[int, ...]
    encoder: StaticVectors


def _search_shard(shard: Shard, search: _Search) -> tuple[NearestStretches, int]:
    nearest = NearestStretches.nothing(len(search.targets))
    waiting: list[tuple[int, Stretch]] = []
    n_rows = 0
    for text in texts_in(shard):
        n_rows = text.row + 1
        waiting += [(text.row, stretch) for stretch in stretches_of(text.text, search.sizes)]
        while len(waiting) >= _AT_ONCE:
            _judge(nearest, shard, waiting[:_AT_ONCE], search)
            del waiting[:_AT_ONCE]
    if waiting:
        _judge(nearest, shard, waiting, search)
    return nearest, n_rows


def _judge(nearest: NearestStretches, shard: Shard, stretches: Sequence[tuple[int, Stretch]], search: _Search) -> None:
    cosines = search.encoder.of([stretch.text for _, stretch in stretches]) @ search.targets.T
    floor = np.maximum(nearest.cosines[:, -1], _CLOSEST_TEXT)
    most = min(NEAREST * 4, len(stretches))
    for k in np.flatnonzero(cosines.max(axis=0) > floor):
        column = cosines[:, k]
        best = np.argpartition(-column, most - 1)[:most]
        for place in best[np.argsort(-column[best])]:
            row, stretch = stretches[place]
            if column[place] > max(nearest.cosines[k, -1], _CLOSEST_TEXT) and search.own[k] != (shard.path, row):
                nearest.take(int(k), float(column[place]), (shard.source, shard.path, row, stretch))


def nearest_stretches(
    shards: Sequence[Shard],
    texts: Sequence[str],
    own: Sequence[tuple[str, int] | None],
    sizes: tuple[int, ...],
    workers: int = 1,
) -> NearestStretches:
    """Return of each text the nearest stretches of a corpus.

    Parameters
    ----------
    shards : sequence of Shard
    texts : sequence of str
    own : sequence of (path, record in its piece) or None
        The record that a text comes from, which is passed over.
    sizes : tuple of int
        Words of a stretch.
    workers : int
        Processes.
    """
    encoder = StaticVectors()
    search = _Search(encoder.of(texts), tuple(own), sizes, encoder)
    whole = NearestStretches.nothing(len(texts))
    rows: dict[str, int] = {}
    for shard, (part, n_rows) in over_shards(_search_shard, shards, search, workers):
        first = rows.get(shard.path, 0)
        for k, stretches in enumerate(part.stretches):
            for cosine, (source, path, row, stretch) in zip(part.cosines[k], stretches, strict=False):
                whole.take(k, float(cosine), (source, path, row + first, stretch))
        rows[shard.path] = first + n_rows
    return whole


def judged(texts: Sequence[str], nearest: NearestStretches, model: SentenceModel) -> list[Tally]:
    """Let the sentence model judge the nearest stretches: the tally of each text holds those that it takes for it."""
    tallies = [Tally() for _ in texts]
    pairs = [(k, place) for k, places in enumerate(nearest.stretches) for place in places]
    cosines = _sentence_cosines(texts, [(k, place[3]) for k, place in pairs], model)
    for (k, (source, path, row, stretch)), cosine in zip(pairs, cosines, strict=True):
        if cosine >= REPHRASED_FROM:
            shown = stretch.fitted(len(texts[k].split()))
            tallies[k].add(Match(source, path, row, round(min(cosine, 1.0), 4), shown, (), ()))
    return tallies


def _sentence_cosines(texts: Sequence[str], pairs: Sequence[tuple[int, Stretch]], model: SentenceModel) -> list[float]:
    """Return the cosine of each text and stretch, as it was found or fitted to the text's length: the larger one."""
    variants = [(stretch.text, stretch.fitted(len(texts[k].split()))) for k, stretch in pairs]
    unique = list(dict.fromkeys([*texts, *(text for both in variants for text in both)]))
    vectors = model.of(unique)
    number = {text: k for k, text in enumerate(unique)}
    return [
        max(float(vectors[number[texts[k]]] @ vectors[number[text]]) for text in both)
        for (k, _), both in zip(pairs, variants, strict=True)
    ]


def found_by_vectors(
    texts: Sequence[str],
    copies: Sequence[str],
    kept_from: NDArray[np.float32],
    sizes: tuple[int, ...],
    model: SentenceModel,
) -> list[bool]:
    """Tell of every planted copy whether its item would have been found in this corpus.

    Parameters
    ----------
    texts : sequence of str
        The item of each copy.
    copies : sequence of str
        Texts with a copy each.
    kept_from : array (copies,)
        Cosine of the farthest stretch of the corpus that is kept for the item.
    sizes : tuple of int
        Words of a stretch.
    model : SentenceModel
    """
    encoder = StaticVectors()
    targets = encoder.of(texts)
    pairs: list[tuple[int, Stretch]] = []
    for k, copy in enumerate(copies):
        stretches = list(stretches_of(copy, sizes))
        cosines = encoder.of([stretch.text for stretch in stretches]) @ targets[k] if stretches else np.zeros(0)
        kept = [i for i in np.argsort(-cosines)[:NEAREST] if cosines[i] > max(kept_from[k], _CLOSEST_TEXT)]
        pairs += [(k, stretches[i]) for i in kept]
    cosines = _sentence_cosines(texts, pairs, model)
    hits = {k for (k, _), cosine in zip(pairs, cosines, strict=True) if cosine >= REPHRASED_FROM}
    return [k in hits for k in range(len(copies))]


@dataclass(frozen=True)
class RephrasedItems:
    """What the vectors found, and how often they err."""

    tallies: dict[int, Tally]
    """Item -> where it was found; only items that are flagged."""
    rates: list[ClassRate]


def find_rephrased(
    shards: Sequence[Shard],
    items: Sequence[AuditItem],
    planted: Mapping[str, Sequence[PlantedCopy]],
    hosts: Sequence[SampledText],
    workers: int = 1,
) -> RephrasedItems:
    """Look for rephrased items in a corpus, and measure on planted copies and on passages how often that errs.

    Parameters
    ----------
    shards : sequence of Shard
    items : sequence of AuditItem
    planted : mapping
        Benchmark -> planted copies of its items.
    hosts : sequence of SampledText
        Texts of the corpus; a passage of each is a negative, looked for in all other texts.
    workers : int
        Processes.
    """
    lengths = [len(item.text.split()) for item in items]
    sizes = tuple(int(np.clip(np.quantile(lengths, part), *_SIZES)) for part in (0.25, 0.75))
    passages = [next((stretch.text for stretch in stretches_of(host.text, sizes)), "") for host in hosts]
    texts = [*(item.text for item in items), *passages]
    own = [*(None for _ in items), *((host.path, host.row) for host in hosts)]
    nearest = nearest_stretches(shards, texts, own, sizes, workers)
    model = SentenceModel()
    tallies = judged(texts, nearest, model)
    alarms = sum(bool(tally.best) for tally in tallies[len(items) :]), len(passages)
    rates: list[ClassRate] = []
    for benchmark, copies in planted.items():
        chosen = _some_of_each(copies)
        kept_from = np.array([nearest.cosines[copy.item, -1] for copy in chosen], np.float32)
        recovered = found_by_vectors(
            [items[copy.item].text for copy in chosen], [copy.text for copy in chosen], kept_from, sizes, model
        )
        hits = [frozenset([VECTORS] if hit else []) for hit in recovered]
        rates += rates_of(benchmark, (VECTORS,), chosen, hits, {VECTORS: alarms})
    return RephrasedItems({k: tally for k, tally in enumerate(tallies[: len(items)]) if tally.best}, rates)


def _some_of_each(copies: Sequence[PlantedCopy]) -> list[PlantedCopy]:
    """Return fewer copies of each class: the sentence model reads some hundred texts a second."""
    counts: Counter[str] = Counter()
    chosen = []
    for copy in copies:
        counts[copy.kind] += 1
        if counts[copy.kind] <= (_JUDGED_REPHRASED if copy.kind in (REPHRASED, MODEL) else _JUDGED):
            chosen.append(copy)
    return chosen

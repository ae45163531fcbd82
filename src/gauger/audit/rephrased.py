"""Finds rephrased items: of every item the nearest stretches of the corpus by word vectors, judged by a sentence model.

1. Texts are cut into overlapping stretches of whole sentences, about as long as items. Each gets a vector, the mean of
   static word vectors, and of every item the few nearest stretches of the whole corpus are kept: memory and the
   sentence model's work do not grow with the corpus.
2. The sentence model judges each kept stretch: an item is flagged from a cosine of 0.81.
3. Planted copies go the same way: one is found where its stretch would have been among the nearest in this corpus, and
   the sentence model agrees. Negatives are passages of the corpus itself, looked for in all other texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.audit.benchmarks import AuditItem
from gauger.audit.corpora import Shard
from gauger.audit.nearest_stretches import CLOSEST_TEXT, NEAREST, NearestStretches, nearest_stretches
from gauger.audit.planting import MODEL, REPHRASED
from gauger.audit.rates import ClassRate, PlantedCopy, rates_of
from gauger.audit.scan import Match, SampledText, Tally
from gauger.audit.stretches import Stretch, stretches_of
from gauger.audit.vectors import SentenceModel, StaticVectors

VECTORS = "vectors"
REPHRASED_FROM = 0.81
"""Cosine of the sentence model from which an item counts as rephrased."""
_SIZES = (8, 120)
"""Words of a stretch, at least and at most."""
_JUDGED_REPHRASED, _JUDGED = 100, 25
"""Planted copies that are judged, rephrased ones and of every other class."""


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
        kept = [i for i in np.argsort(-cosines)[:NEAREST] if cosines[i] > max(kept_from[k], CLOSEST_TEXT)]
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

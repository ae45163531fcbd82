"""Scans a corpus for items by their runs of words, on several cores, and keeps the best places of each item.

A process gets the index once and pieces of files one by one; what it sends back is small: per item and net the number
of documents, and the few best of them with the text around.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from heapq import nlargest
from itertools import islice
from multiprocessing import get_context
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gauger.audit.corpora import CorpusText, Shard, texts_in
from gauger.elicit import ItemIndex, ItemInText, WordsOfTexts, comparable, find_items, words_of

NGRAMS, MASKED = "n-grams", "n-grams, any numbers"
BLOCK = 1 << 17
"""Characters that are looked at at once: what numpy makes of them stays in the processor's cache."""
KEPT = 3
"""Documents of an item whose text is kept."""
_AROUND = 160
_LONGEST = 2_400


@dataclass(frozen=True)
class Match:
    """One document that holds an item, or a part of it."""

    source: str
    path: str
    row: int
    """0-based number of the record in its file, once the pieces of the file are put together."""
    score: float
    excerpt: str
    """Text around the match."""
    marks: tuple[tuple[int, int], ...]
    """Characters of the excerpt that stand in the item too."""
    item_marks: tuple[tuple[int, int], ...]
    """Characters of the item that stand in the document too."""

    @property
    def document(self) -> str:
        """How the document is named: file and 1-based record."""
        return f"{self.path}:{self.row + 1}"


@dataclass
class Tally:
    """What was found of one item by one net."""

    documents: dict[str, int] = field(default_factory=dict)
    """Source -> number of documents at or above the threshold."""
    best: list[Match] = field(default_factory=list)

    @property
    def score(self) -> float:
        """The best document's."""
        return self.best[0].score if self.best else 0.0

    def add(self, match: Match) -> None:
        """Count a document."""
        self.documents[match.source] = self.documents.get(match.source, 0) + 1
        self.best = nlargest(KEPT, [*self.best, match], key=lambda kept: kept.score)

    def join(self, other: Tally) -> None:
        """Take in what another piece of the corpus gave."""
        for source, number in other.documents.items():
            self.documents[source] = self.documents.get(source, 0) + number
        self.best = nlargest(KEPT, [*self.best, *other.best], key=lambda kept: kept.score)


Tallies = dict[tuple[int, str], Tally]
"""(item, net) -> what was found."""


@dataclass(frozen=True)
class ShardScan:
    """What one piece gave."""

    tallies: Tallies
    n_texts: int
    n_characters: int


def blocks(texts: Iterable[CorpusText]) -> Iterator[list[CorpusText]]:
    """Gather texts to blocks that are looked at at once; plain ASCII, which is faster, apart from the rest."""
    gathered: dict[bool, list[CorpusText]] = {True: [], False: []}
    size = {True: 0, False: 0}
    for text in texts:
        kind = text.text.isascii()
        gathered[kind].append(text)
        size[kind] += len(text.text)
        if size[kind] >= BLOCK:
            yield gathered[kind]
            gathered[kind], size[kind] = [], 0
    yield from filter(None, gathered.values())


def scan_shard(shard: Shard, index: ItemIndex, least: NDArray[np.float64]) -> ShardScan:
    """Look for items in one piece of a corpus."""
    tallies: Tallies = {}
    last: dict[tuple[int, str], int] = {}
    n_rows = n_characters = 0
    for block in blocks(texts_in(shard)):
        n_rows = max(n_rows, block[-1].row + 1)
        n_characters += sum(len(text.text) for text in block)
        words = words_of([text.text for text in block])
        for match in find_items(index, words, least):
            text = block[match.text]
            for net, score in nets_of(match, least):
                key = (match.item, net)
                if last.get(key) != text.row:
                    last[key] = text.row
                    tallies.setdefault(key, Tally()).add(_match(shard, text, words, index, match, score))
    return ShardScan(tallies, n_rows, n_characters)


def nets_of(match: ItemInText, least: NDArray[np.float64]) -> list[tuple[str, float]]:
    """Return the nets that flag an item, with its score in each."""
    scores = ((NGRAMS, match.exact), (MASKED, match.masked))
    return [(net, score) for net, score in scores if score >= least[match.item]]


def _match(
    shard: Shard, text: CorpusText, words: WordsOfTexts, index: ItemIndex, match: ItemInText, score: float
) -> Match:
    places = [(word, word + n) for word, _, n in match.places]
    start, end = (int(words.start[places[0][0]]), int(words.end[max(last for _, last in places) - 1]))
    marks = [(int(words.start[a]), int(words.end[b - 1])) for a, b in places]
    shown, spans = _characters(text.text, [(start, end), *marks])
    (first, last), *spans = spans
    first, last = max(0, first - _AROUND), min(len(shown), max(last, 0) + _AROUND, first + _LONGEST)
    inside = tuple((max(a - first, 0), min(b, last) - first) for a, b in spans if a < last)
    own = index.words.of(match.item).start
    items = [(int(index.words.start[own + a]), int(index.words.end[own + a + n - 1])) for _, a, n in match.places]
    item_marks = tuple(sorted(set(_characters(index.texts[match.item], items)[1])))
    return Match(shard.source, shard.path, text.row, round(score, 4), shown[first:last], inside, item_marks)


def _characters(text: str, spans: Sequence[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """Turn bytes of a text as it is compared into characters of the text as it is, where the two are as long."""
    compared = comparable(text)
    if compared.isascii():
        return text, list(spans)
    raw = compared.encode("utf-8", "replace")
    places = [(len(raw[:a].decode("utf-8", "ignore")), len(raw[:b].decode("utf-8", "ignore"))) for a, b in spans]
    return (text if len(text) == len(compared) else compared), places


_Given = TypeVar("_Given")
_Found = TypeVar("_Found")
_WORK: list[tuple[Callable[[Shard, Any], Any], Any]] = []
"""What this process does with a piece, and what it needs for that."""


def _prepare(work: Callable[[Shard, Any], Any], given: object) -> None:
    _WORK[:] = [(work, given)]


def _do(shard: Shard) -> Any:
    work, given = _WORK[0]
    return work(shard, given)


def over_shards(
    work: Callable[[Shard, _Given], _Found], shards: Sequence[Shard], given: _Given, workers: int
) -> Iterator[tuple[Shard, _Found]]:
    """Do something with every piece of a corpus, in several processes, and yield what came of each in their order.

    Parameters
    ----------
    work : callable
        A function of a module: (piece, given) -> what is found.
    shards : sequence of Shard
    given : object
        Sent to every process once.
    workers : int
        Processes; 1: this one.
    """
    if workers <= 1 or len(shards) == 1:
        yield from ((shard, work(shard, given)) for shard in shards)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(shards)), context, _prepare, (work, given)) as pool:
        yield from zip(shards, pool.map(_do, shards), strict=True)


def _scan(shard: Shard, given: tuple[ItemIndex, NDArray[np.float64]]) -> ShardScan:
    return scan_shard(shard, *given)


@dataclass(frozen=True)
class CorpusScan:
    """What a whole corpus gave."""

    tallies: Tallies
    n_texts: dict[str, int]
    """Source -> texts."""
    n_characters: int


def scan_corpus(
    shards: Sequence[Shard],
    index: ItemIndex,
    least: NDArray[np.float64],
    workers: int = 1,
    watch: Callable[[Shard], None] = lambda _: None,
) -> CorpusScan:
    """Look for items in all pieces of a corpus.

    Parameters
    ----------
    shards : sequence of Shard
    index : ItemIndex
    least : array (items,)
        Weight of its words from which each item counts as found.
    workers : int
        Processes; 1: this one.
    watch : callable
        Told of every piece that is done.
    """
    tallies: Tallies = {}
    n_texts: dict[str, int] = {}
    rows: dict[str, int] = {}
    n_characters = 0
    for shard, part in over_shards(_scan, shards, (index, least), workers):
        first = rows.get(shard.path, 0)  # records are numbered through each file
        for key, tally in part.tallies.items():
            tally.best = [replace(match, row=match.row + first) for match in tally.best]
            tallies.setdefault(key, Tally()).join(tally)
        rows[shard.path] = first + part.n_texts
        n_texts[shard.source] = n_texts.get(shard.source, 0) + part.n_texts
        n_characters += part.n_characters
        watch(shard)
    return CorpusScan(tallies, n_texts, n_characters)


@dataclass(frozen=True)
class SampledText:
    """One text of a corpus that serves as a host of planted copies."""

    path: str
    row: int
    """Within its piece."""
    text: str


def sample_texts(shards: Sequence[Shard], wanted: int, rng: np.random.Generator) -> list[SampledText]:
    """Return some texts of a corpus, from the beginnings of up to sixteen pieces."""
    chosen = [shards[k] for k in sorted(rng.permutation(len(shards))[:16])]
    each = -(-wanted // max(len(chosen), 1))
    return [text for shard in chosen for text in _some(shard, each)][:wanted]


def _some(shard: Shard, wanted: int) -> Iterator[SampledText]:
    texts = (SampledText(shard.path, text.row, text.text) for text in texts_in(shard) if text.text.strip())
    yield from islice(texts, wanted)

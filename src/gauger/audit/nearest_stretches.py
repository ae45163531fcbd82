"""Finds the nearest stretches of a corpus to each of some texts, by word vectors, in one pass over its pieces.

Of every text the few nearest stretches of the whole corpus are kept: memory does not grow with the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gauger.audit.corpora import Shard, texts_in
from gauger.audit.scan import over_shards
from gauger.audit.stretches import Stretch, stretches_of
from gauger.audit.vectors import StaticVectors, Vectors

NEAREST = 5
"""Stretches of the corpus that are judged for every item."""
CLOSEST_TEXT = 0.4
"""Cosine of word vectors below which a stretch is not kept."""
_AT_ONCE = 4_096


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
    floor = np.maximum(nearest.cosines[:, -1], CLOSEST_TEXT)
    most = min(NEAREST * 4, len(stretches))
    for k in np.flatnonzero(cosines.max(axis=0) > floor):
        column = cosines[:, k]
        best = np.argpartition(-column, most - 1)[:most]
        for place in best[np.argsort(-column[best])]:
            row, stretch = stretches[place]
            if column[place] > max(nearest.cosines[k, -1], CLOSEST_TEXT) and search.own[k] != (shard.path, row):
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

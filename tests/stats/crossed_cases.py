"""Panels of every shape that the crossed variance must handle, and its formulas recomputed by loops over answers.

The recomputation shares no code and no array layout with the engine: influences are kept in dictionaries by cluster and
replicate id, and covariances are sums over common keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gauger.stats.crossed.contrast_rows import ContrastRows
from gauger.stats.crossed.crossed import Components
from gauger.stats.crossed.panel import Panel, panel_of


def drawn(
    seed: int, arms: int = 3, replicates: int = 4, items: tuple[int, ...] = (15, 11), graded: bool = True
) -> list[np.ndarray]:
    """Scores with item, arm × item and replicate effects, (A, R, I) per benchmark."""
    rng = np.random.default_rng(seed)
    scores = []
    for count in items:
        centre = rng.normal(0.55, 0.15, count) + rng.normal(0, 0.08, (arms, 1, count))
        p = np.clip(centre + rng.normal(0, 0.06, (arms, replicates, 1)), 0.02, 0.98)
        scores.append(
            np.clip(p + rng.normal(0, 0.1, p.shape), 0, 1) if graded else (rng.random(p.shape) < p).astype(float)
        )
    return scores


def unpaired() -> Panel:
    return panel_of(drawn(1))


def paired() -> Panel:
    return panel_of(drawn(2), paired=True)


def right_or_wrong() -> Panel:
    return panel_of(drawn(3, items=(30, 25), graded=False))


def clustered() -> Panel:
    """Clusters of unequal size; ids not in order."""
    units = (np.repeat([7, 2, 9, 4], [4, 3, 6, 2]), np.repeat([21, 30, 25], [5, 2, 4]))
    return Panel(tuple(drawn(4)), units, panel_of(drawn(4)).replicates)


def sharing_clusters() -> Panel:
    """The second benchmark asks about some of the clusters of the first."""
    units = (np.arange(15) % 6, np.arange(11) % 4 + 4)
    return Panel(tuple(drawn(5)), units, panel_of(drawn(5), paired=True).replicates)


def ragged() -> Panel:
    """Answers missing, one item unanswered by an arm, a lost replicate, one replicate lost on one benchmark."""
    rng = np.random.default_rng(6)
    scores = drawn(6)
    for array in scores:
        array[rng.random(array.shape) < 0.2] = np.nan
    scores[0][1, :, 3] = np.nan
    scores[0][2, 3] = scores[1][2, 3] = np.nan
    scores[1][0, 2] = np.nan
    units = (np.arange(15) // 2, np.arange(11) + 20)
    return Panel(tuple(scores), units, panel_of(drawn(6), paired=True).replicates)


def fixed_base() -> Panel:
    """The first arm is one untouched model; the others are partly paired."""
    scores = drawn(7)
    for array in scores:
        array[0, 1:] = np.nan
    replicates = np.array([[90, -1, -1, -1], [1, 2, 3, 4], [4, 3, 11, 12]])
    return Panel(tuple(scores), panel_of(drawn(7)).units, replicates)


def one_cell() -> Panel:
    return panel_of(drawn(8, arms=1, replicates=3, items=(12,)))


PANELS: dict[str, Callable[[], Panel]] = {
    make.__name__: make
    for make in (unpaired, paired, right_or_wrong, clustered, sharing_clusters, ragged, fixed_base, one_cell)
}


@dataclass
class Literal:
    """Means and covariances by (arm, benchmark)."""

    mean: dict[tuple[int, int], float]
    item: np.ndarray
    replicate: np.ndarray
    shared: np.ndarray


def literal_components(panel: Panel) -> Literal:
    """`crossed_components`, one answer at a time."""
    mean: dict[tuple[int, int], float] = {}
    of_item: dict[tuple[int, int], dict[int, float]] = {}
    of_replicate: dict[tuple[int, int], dict[int, float]] = {}
    of_pair: dict[tuple[int, int], dict[tuple[int, int], float]] = {}
    for a in range(panel.n_arms):
        for b in range(panel.n_benchmarks):
            cell = _literal_cell(panel, a, b)
            mean[a, b], of_item[a, b], of_replicate[a, b], of_pair[a, b] = cell
    return Literal(mean, _products(of_item), _products(of_replicate), _products(of_pair))


def _products(influences: dict) -> np.ndarray:
    cells = list(influences)
    return np.array(
        [[sum(influences[c][k] * influences[d].get(k, 0.0) for k in influences[c]) for d in cells] for c in cells]
    )


def _literal_cell(panel: Panel, a: int, b: int) -> tuple[float, dict, dict, dict]:
    answers: dict[int, dict[int, float]] = defaultdict(dict)  # item -> replicate id -> score
    for r, name in enumerate(panel.replicates[a]):
        for i, score in enumerate(panel.scores[b][a, r]):
            if name != -1 and np.isfinite(score):
                answers[i][int(name)] = float(score)
    n = len(answers)
    item_mean = {i: sum(got.values()) / len(got) for i, got in answers.items()}
    mean = sum(item_mean.values()) / n
    members: dict[int, list[int]] = defaultdict(list)
    for i in answers:
        members[int(panel.units[b][i])].append(i)
    adjust = {u: 1 / np.sqrt(1 - len(inside) / n) for u, inside in members.items()}
    of_item = {u: sum(item_mean[i] - mean for i in inside) / n * adjust[u] for u, inside in members.items()}
    names = sorted({name for got in answers.values() for name in got})
    weight = {(r, i): 1 / (len(got) * n) for i, got in answers.items() for r in got}
    k = {r: sum(weight.get((r, i), 0.0) for i in answers) for r in names}
    raw = {r: sum(weight[r, i] * (got[r] - item_mean[i]) for i, got in answers.items() if r in got) for r in names}
    scale = _literal_scale(weight, k, list(answers), names)
    of_pair = {
        (r, u): sum(weight[r, i] * (answers[i][r] - item_mean[i] - raw[r] / k[r]) for i in inside if r in answers[i])
        * scale
        * adjust[u]
        for r in names
        for u, inside in members.items()
    }
    return mean, of_item, {r: raw[r] * scale for r in names}, of_pair


def _literal_scale(weight: dict, k: dict, items: list[int], names: list[int]) -> float:
    """Square root of sum k^2 / tr(G G'), G = diag(k) - M, M_rs = I sum_i w_ri w_si."""
    shown = 0.0
    for r in names:
        for s in names:
            overlap = len(items) * sum(weight.get((r, i), 0.0) * weight.get((s, i), 0.0) for i in items)
            shown += ((k[r] if r == s else 0.0) - overlap) ** 2
    return float(np.sqrt(sum(v * v for v in k.values()) / shown)) if len(names) > 1 else 0.0


def rows_of(components: Components, flat: np.ndarray) -> ContrastRows:
    """Contrasts with weights (C, K) on the cells of a study."""
    return ContrastRows.of(flat.reshape(-1, *components.mean.shape))

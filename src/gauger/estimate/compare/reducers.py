"""Reduces several samples of an item to one score: mean, median, mode, max, at_least_K, pass@K.

A log of several epochs has a headline that some reducer made; which one changes what is compared. The mean is what a
user of one answer gets, the maximum what a perfect selector of answers would.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import comb

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gauger.errors import InputError, UserError, nearest
from gauger.records import Outcome

Scores = NDArray[np.float64]
MEAN = "mean"
_KEY = ("arm", "replicate", "benchmark", "item")

_ANY_NUMBER = re.compile(r"mean|pass[_@].*")
"""Reducers whose value does not hang on how many samples were drawn; those of others do, as a maximum grows."""


def pass_at_k(n: int, correct: int, k: int) -> float:
    """Return the probability that at least one of k samples is right, without bias from n samples of which some are.

    1 - C(n - correct, k) / C(n, k), Chen et al. 2021 (arXiv 2107.03374), equation 1. The naive 1 - (1 - correct / n)^k
    is biased (tests/estimate/test_reducers.py).

    Parameters
    ----------
    n : int
        Samples drawn, at least k.
    correct : int
        How many of them are right.
    k : int
        Samples that the user would draw.
    """
    return 1.0 - comb(n - correct, k) / comb(n, k)


def _mode(scores: Scores) -> float:
    """Return the most frequent score; of several, the one that was drawn first (as Inspect does)."""
    values, first, counts = np.unique(scores, return_index=True, return_counts=True)
    return float(values[min(range(len(values)), key=lambda k: (-counts[k], first[k]))])


_PLAIN: dict[str, Callable[[Scores], float]] = {
    MEAN: lambda scores: float(scores.mean()),
    "median": lambda scores: float(np.median(scores)),
    "mode": _mode,
    "max": lambda scores: float(scores.max()),
}
_COUNTED = re.compile(r"(?P<name>at_least|pass)[_@](?:at_)?(?P<k>[1-9]\d*)")


def reducer_of(name: str) -> Callable[[Scores], float]:
    """Return a reducer by name; Inspect's spelling pass_at_2 is the same as pass@2.

    Raises
    ------
    UserError
        An unknown name.
    """
    if name in _PLAIN:
        return _PLAIN[name]
    match = _COUNTED.fullmatch(name)
    if match is None:
        raise UserError("a reducer of samples", repr(name), hint=nearest(name, [*_PLAIN, "at_least_K", "pass@K"]))
    k = int(match["k"])
    return (lambda s: _pass(s, k, name)) if match["name"] == "pass" else (lambda s: float((s >= 1).sum() >= k))


def _pass(scores: Scores, k: int, name: str) -> float:
    if not np.isin(scores, (0.0, 1.0)).all():
        raise InputError(f"scores of 0 and 1 for {name}", f"{scores[~np.isin(scores, (0.0, 1.0))][0]:g}")
    if len(scores) < k:
        raise InputError(f"at least {k} samples of every item for {name}", str(len(scores)))
    return pass_at_k(len(scores), int(scores.sum()), k)


def reduce_samples(records: pl.DataFrame, name: str, unparsed_wrong: bool) -> pl.DataFrame:
    """Return records with one sample per arm, replicate and item.

    Parameters
    ----------
    records : pl.DataFrame
        Contract columns; several rows per item where there are several samples.
    name : str
        A reducer; see `reducer_of`.
    unparsed_wrong : bool
        An answer that could not be extracted counts as 0; else it is no sample.

    Under a reducer that hangs on the number of samples (all but the mean and pass@K), as many of an item are taken on
    every side as the poorest arm and replicate has, the first ones: the largest of eight answers lies above the
    largest of two of the same model.

    Returns
    -------
    pl.DataFrame
        The same columns, `sample` 0, outcome `scored`; an item without any counted sample is left out.
    """
    reduce = reducer_of(name)
    outcome = pl.col("outcome")
    unparsed = outcome == str(Outcome.UNPARSED)
    counted = (outcome == str(Outcome.SCORED)) | (unparsed if unparsed_wrong else pl.lit(False))
    score = pl.when(unparsed).then(0.0).otherwise("score")
    samples = records.filter(counted).with_columns(score=score).sort(*_KEY, "sample")
    if not _ANY_NUMBER.fullmatch(name):
        samples = samples.with_columns(place=pl.int_range(pl.len()).over(_KEY), drawn=pl.len().over(_KEY))
        samples = samples.filter(pl.col("place") < pl.col("drawn").min().over("benchmark", "item"))
    grouped = samples.group_by(_KEY, maintain_order=True).agg(
        pl.col("role").first(), pl.col("cluster").first(), pl.col("score")
    )
    reduced = [reduce(np.asarray(scores)) for scores in grouped["score"].to_list()]
    return grouped.with_columns(
        score=pl.Series("score", reduced, dtype=pl.Float64),
        sample=pl.lit(0, pl.Int64),
        outcome=pl.lit(str(Outcome.SCORED)),
    ).select(records.columns)


def most_samples(records: pl.DataFrame) -> int:
    """Return the largest number of samples that an arm's replicate has of an item."""
    if records.is_empty():
        return 0
    return int(records.group_by(_KEY).len()["len"].max() or 0)  # type: ignore[arg-type]


def common_samples(records: pl.DataFrame) -> int:
    """Return of how many samples of an item each arm and replicate has: of the item where these are the most."""
    if records.is_empty():
        return 0
    fewest = records.group_by(_KEY).len().group_by("benchmark", "item").agg(pl.col("len").min())
    return int(fewest["len"].max() or 0)  # type: ignore[arg-type]


def cut_to_common(records: pl.DataFrame, name: str) -> str | None:
    """Say that a reducer takes fewer samples of an item than some side has; None where all have equally many.

    Parameters
    ----------
    records : pl.DataFrame
        Contract columns of one benchmark.
    name : str
        A reducer; see `reduce_samples`.
    """
    most, common = most_samples(records), common_samples(records)
    if most == common or _ANY_NUMBER.fullmatch(name):
        return None
    samples = "1 sample" if common == 1 else f"{common} samples"
    return f"{name} is over at most {samples} of an item on every side, where some have {most}"


def offered(n_samples: int, of_log: tuple[str, ...], binary: bool) -> list[str]:
    """Return the reducers that n samples are also shown under: the log's own first, then max, mode and pass@2.

    Parameters
    ----------
    n_samples : int
        As many samples of an item as every side has.
    of_log : tuple of str
        What the logs name, in their own spelling; not checked here (`reducer_of` does).
    binary : bool
        All scores are 0 or 1; without it there is no pass@K.

    Returns
    -------
    list of str
        Without `mean`, which is the default, and without repetition; empty for a single sample. pass@2 needs three
        samples: of two it is their maximum.

    Notes
    -----
    Tested in tests/estimate/test_reducers.py.
    """
    names = [*of_log, "max", "mode", *(["pass@2"] if binary and n_samples > 2 else [])]
    spelled = [re.sub(r"^(pass)_at_", r"\1@", name) for name in names]
    return [name for name in dict.fromkeys(spelled) if name != MEAN] if n_samples > 1 else []

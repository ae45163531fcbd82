"""Computes effects and their sampling errors: points, log-odds and gap recovered, from scores and n_items.

Standard errors are almost never published, so they are derived: a score p on n items has sampling variance
p (1 - p) / n, and the difference of two scores the sum of both. Two things make this **conservative**:

* answers are paired (both models answer the same items), which shrinks the variance of a difference; how much is not
  published. `paired_covariance` recomputes everything under a given correlation, so that the effect is bounded;
* a mean over several runs, and any score that is not 0/1 per item, vary less than p (1 - p) / n
  (Bhatia & Davis 2000: the largest variance of a score in [0, 1] with mean p is p (1 - p)).

A score within half an item of 0 or of n has no usable binomial variance: there, and only there, p is replaced by
(k + 1/2) / (n + 1), k = p n (Cox & Snell 1989, section 2.1.6).
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gauger.evidence.identity import EFFECTIVE_ITEMS

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
NO_GROUP = -1


class EffectUnit(StrEnum):
    """Unit of an effect."""

    POINTS = "points"
    """Percentage points, distilled minus control."""
    LOG_ODDS = "log-odds"
    """Logit of the distilled score minus logit of the control's."""


class NoGap(StrEnum):
    """Why gap recovered is undefined."""

    NO_TEACHER = "teacher's score not published"
    NO_CONTROL = "no control score"
    NOT_ABOVE = "teacher not above the control"


def half_item(share: Array, n_items: Array) -> Array:
    """Move shares within half an item of 0 or 1 to (k + 1/2) / (n + 1); leave all others as they are.

    Parameters
    ----------
    share : array (m,)
        Scores in [0, 1].
    n_items : array (m,)
        Items behind each score.

    Returns
    -------
    array (m,)
        Shares strictly inside (0, 1).
    """
    items = share * n_items
    edge = (items < 0.5) | (items > n_items - 0.5)
    return np.where(edge, (items + 0.5) / (n_items + 1.0), share)


def score_variance(share: Array, n_items: Array, scale: EffectUnit) -> Array:
    """Sampling variance of one score: 10^4 p (1 - p) / n in points squared, 1 / (n p (1 - p)) in log-odds squared."""
    p = half_item(share, n_items)
    return 1e4 * p * (1 - p) / n_items if scale == EffectUnit.POINTS else 1 / (n_items * p * (1 - p))


def effective_items(frame: pl.DataFrame) -> Array:
    """Return the number of items (m,) behind each score's sampling error: `n_items`, fewer where a score weighs them.

    A score that counts some questions several times varies as one on (sum w)^2 / sum w^2 questions (Kish 1965).
    """
    weighed = frame["bench"].replace_strict(EFFECTIVE_ITEMS, default=1.0, return_dtype=pl.Float64)
    return np.asarray((frame["n_items"].cast(pl.Float64) * weighed).to_numpy())


def add_effects(frame: pl.DataFrame, scale: EffectUnit = EffectUnit.POINTS) -> pl.DataFrame:
    """Add `effect`, `variance` and `control_variance` to rows that have both scores and `n_items`.

    Parameters
    ----------
    frame : DataFrame
        Rows with `score_control`, `score_distilled` (percent) and `n_items`, none of them NULL.
    scale : Scale
        Unit of the effect. Points are the raw difference; log-odds use the half-item correction at 0 and 1.

    Returns
    -------
    DataFrame
        `effect`; `variance`, its whole sampling variance under independent answers; `control_variance`, the part of it
        that the row shares with every row compared with the same control score.

    Notes
    -----
    A row whose cells are changes (`gap`) has its printed difference as effect; its absolute scores are unknown, so its
    variance takes p = 1/2, the largest there is. Such rows have no log-odds and only enter one sensitivity run.
    """
    n_items = effective_items(frame)
    control, distilled = (frame[name].to_numpy() / 100 for name in ("score_control", "score_distilled"))
    if scale == EffectUnit.POINTS:
        effect = 100 * (distilled - control)
    else:
        effect = _logit(half_item(distilled, n_items)) - _logit(half_item(control, n_items))
    changes = frame["gap"].to_numpy()
    control, distilled = (np.where(changes, 0.5, share) for share in (control, distilled))
    control_variance = score_variance(control, n_items, scale)
    return frame.with_columns(
        effect=pl.Series(effect),
        variance=pl.Series(control_variance + score_variance(distilled, n_items, scale)),
        control_variance=pl.Series(control_variance),
    )


def _logit(p: Array) -> Array:
    return np.asarray(np.log(p) - np.log1p(-p))


def add_gap_recovered(frame: pl.DataFrame) -> pl.DataFrame:
    """Add `teacher_gap` (teacher minus control, points), `gap_recovered` and `gap_reason` (a `NoGap` where undefined).

    Gap recovered is (distilled - control) / (teacher - control): 0 learned nothing, 1 reached the teacher. It is
    undefined, not zero, where the teacher is not above the control.
    """
    gap = pl.col("score_teacher") - pl.col("score_control")
    reason = (
        pl.when(pl.col("score_teacher").is_null()).then(pl.lit(str(NoGap.NO_TEACHER)))
        .when(pl.col("score_control").is_null()).then(pl.lit(str(NoGap.NO_CONTROL)))
        .when(gap <= 0).then(pl.lit(str(NoGap.NOT_ABOVE)))
    )  # fmt: skip
    share = (pl.col("score_distilled") - pl.col("score_control")) / gap
    frame = frame.with_columns(teacher_gap=gap, gap_reason=reason)
    return frame.with_columns(gap_recovered=pl.when(pl.col("gap_reason").is_null()).then(share))


def shared_controls(frame: pl.DataFrame) -> Codes:
    """Label the rows by their control score: rows with one label share its sampling error; -1 shares with none."""
    codes = _codes(frame["cell_control"])
    alone = np.bincount(codes)[codes] == 1
    return np.where(alone, NO_GROUP, codes)


def _codes(keys: pl.Series) -> Codes:
    _, codes = np.unique(keys.to_numpy().astype(str), return_inverse=True)
    return np.asarray(codes.ravel(), dtype=np.intp)


def paired_covariance(frame: pl.DataFrame, correlation: float) -> list[tuple[Codes, Array]]:
    """Sampling covariance when all models answer the same items, and every shared score counts once.

    Each score is one cell; a row is +1 (its student's cell) and -1 (its control's). Cells of one study, benchmark and
    size were measured on the same items: their errors correlate by `correlation`. So V = A D^1/2 R D^1/2 A'.

    Parameters
    ----------
    frame : DataFrame
        Rows with the columns of `add_effects` and `add_identity`.
    correlation : float in [0, 1)
        Correlation of two models' sampling errors on the same items. 0 gives independent answers with every shared
        score, the student's as well as the control's, counted once.

    Returns
    -------
    list of (rows (m,), V (m, m))
        One block per study, benchmark and size; rows of different blocks are independent.

    Notes
    -----
    Proven in tests/evidence/test_effects.py against the literal definition, cell by cell.
    """
    blocks = []
    position = frame.with_columns(_at=pl.int_range(pl.len()))
    for rows in position.partition_by("study_id", "bench", "n_items", maintain_order=True):
        at = rows["_at"].to_numpy().astype(np.intp)
        student, control = rows["cell_distilled"].to_numpy(), rows["cell_control"].to_numpy()
        cells, codes = np.unique(np.concatenate([student, control]).astype(str), return_inverse=True)
        m = len(at)
        sign = np.zeros((m, len(cells)))
        np.add.at(sign, (np.arange(m), codes[:m]), 1.0)
        np.add.at(sign, (np.arange(m), codes[m:]), -1.0)
        error = np.empty(len(cells))
        error[codes[m:]] = rows["control_variance"].to_numpy()
        error[codes[:m]] = (rows["variance"] - rows["control_variance"]).to_numpy()
        root = np.sqrt(error)
        related = np.full((len(cells), len(cells)), correlation)
        np.fill_diagonal(related, 1.0)
        blocks.append((at, sign @ (related * np.outer(root, root)) @ sign.T))
    return blocks


def impute_items(frame: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """Fill missing `n_items` by a stated rule, for the sensitivity run only; adds `n_imputed`.

    The rule: the median size under which the same benchmark stands elsewhere in the table; else the lower quartile of
    all known sizes, which is small on purpose, so that a guess cannot make a row heavy.

    Parameters
    ----------
    frame : DataFrame
        Rows to fill.
    reference : DataFrame
        The whole table, where the known sizes are looked up.
    """
    known = reference.filter(pl.col("n_items").is_not_null())
    sizes = known.group_by("bench").agg(_size=pl.col("n_items").median())
    fallback = known["n_items"].quantile(0.25, "nearest")
    filled = frame.join(sizes, on="bench", how="left", maintain_order="left")
    guess = pl.coalesce("n_items", "_size", pl.lit(fallback)).round().cast(pl.Int64)
    return filled.with_columns(n_imputed=pl.col("n_items").is_null(), n_items=guess).drop("_size")

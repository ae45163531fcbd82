"""Averages over a role's benchmarks in other ways: weighted by items, and for what other benchmarks would show.

An average over the study's own benchmarks counts each alike and says nothing of others. Two more say what that choice
does: one that counts each item alike (where benchmarks have different numbers of items), and a random-effects mean of
the literature's meta-analysis, in which the benchmarks are themselves a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gauger.errors import ConvergenceError
from gauger.estimate.cell_means import Case, Cells, Target
from gauger.estimate.contrasts import PlannedBatch
from gauger.estimate.estimands import find_estimand
from gauger.estimate.no_variation import hidden_shares
from gauger.estimate.results import tidy
from gauger.estimate.verdict_inputs import JudgedContrast, judged
from gauger.estimate.wanted import Planned, plan_one
from gauger.records import ArmKind, Estimate, Reason
from gauger.stats import MetaData, MetaFit, fit, t_quantile

WEIGHTED = ("gain", "uplift", "gap_recovered")
"""Estimands that are averaged by items as well."""
FEWEST_BENCHMARKS = 3
"""With two, nothing can be said of how benchmarks differ."""


def plan_by_items(cells: Cells, planned: Sequence[Planned]) -> list[Planned]:
    """Plan every role average of gain, uplift and gap recovered once more, each item counting alike.

    Weights are ``n_b / sum n_b`` over the benchmarks b of the role, n_b their items. It answers another question than
    the plain average (of items, not of benchmarks); neither is the right one in general.

    Parameters
    ----------
    cells : Cells
        Names the items of each benchmark.
    planned : sequence of Planned
        The study's estimates; other estimands, single benchmarks and undefined entries are passed over.

    Returns
    -------
    list of Planned
        None for roles whose benchmarks have equally many items: both averages are the same number there.

    Notes
    -----
    Tested in tests/estimate/test_other_averages.py.
    """
    entries = []
    for entry in planned:
        target = entry.case.target
        if entry.estimand not in WEIGHTED or len(target.positions) < 2 or entry.numerator is None:
            continue
        counts = np.array([len(cells.cube.items[b]) for b in target.positions], dtype=float)
        if len(set(counts)) == 1:
            continue
        shares = tuple((counts / counts.sum()).tolist())
        by_items = replace(target, over=f"{target.over}, weighted by items", shares=shares)
        case = replace(entry.case, target=by_items)
        entries.append(plan_one(entry.estimand, find_estimand(entry.estimand), case))
    return entries


def other_benchmarks(cells: Cells, batch: PlannedBatch, n: int) -> list[Estimate]:
    """Estimate each distilled arm's mean uplift over benchmarks like those of a role, of which these are a sample.

    ``y ~ N(mu, V + tau^2 I)`` by REML, y the uplifts on the role's B benchmarks and V their joint covariance (items and
    training seeds that they share included). The interval is ``mu +- t(B - 1) se``, se squared the largest of the
    model's, Knapp and Hartung's, and ``s^2 + tau^2 / B`` with s the standard error of the average over the study's own
    benchmarks: residuals do not show an error that all share, and an estimated V can promise too much.

    Parameters
    ----------
    cells : Cells
    batch : Batch
        Its first n entries are the study's estimates.
    n : int

    Returns
    -------
    list of Estimate
        One per distilled arm and role of at least three benchmarks; the note holds the prediction interval for one
        further benchmark. A benchmark where nothing varied, as where both arms are at a bound, counts with the variance
        that few items can hide. Undefined where an uplift is, where nothing varied on any, or where the fit did not
        reach its maximum.
    """
    estimates = []
    for target in cells.averages():
        if len(target.positions) < FEWEST_BENCHMARKS:
            continue
        names = {cells.cube.benchmarks[b] for b in target.positions}
        for arm in cells.design.of_kind(ArmKind.DISTILLED):
            own = [
                p
                for p in range(n)
                if batch.planned[p].estimand == "uplift" and batch.planned[p].case.arm.name == arm.name
            ]
            rows = [p for p in own if batch.planned[p].case.target.benchmark in names]
            whole = [p for p in own if batch.planned[p].case.target.over == target.over]
            if rows and whole:
                estimates.append(_pooled(batch, rows, whole[0], target))
    return estimates


def _pooled(batch: PlannedBatch, rows: list[int], whole: int, target: Target) -> Estimate:
    case: Case = batch.planned[rows[0]].case
    blank = Estimate(
        "uplift",
        case.arm.name,
        case.control,
        role=target.role,
        over=f"other {target.over} benchmarks",
        level=batch.level,
        kind="none",
    )
    average = judged(batch, whole)
    pieces = [judged(batch, p) for p in rows]
    known = [piece for piece in pieces if piece is not None]
    if average is None or len(known) < len(rows) or all(piece.is_constant for piece in known):
        return replace(blank, reason=str(Reason.NOT_ESTIMABLE))
    hidden = np.array([_hidden_variance(batch, p, piece) for p, piece in zip(rows, known, strict=True)])
    covariance = batch.contrasts.joint.among(batch.numerator[rows]) + np.diag(hidden)
    own_se = float(np.sqrt(average.se**2 + hidden.sum() / len(rows) ** 2))
    data = MetaData(
        effect=np.array([piece.value for piece in known]),
        variance=np.diag(covariance),
        covariance=((np.arange(len(rows)), covariance),),
    )
    try:
        return _written(blank, fit(data, test="knapp-hartung", level=batch.level), len(rows), own_se)
    except ConvergenceError:
        return replace(blank, reason=str(Reason.NOT_ESTIMABLE))


def _hidden_variance(batch: PlannedBatch, p: int, piece: JudgedContrast) -> float:
    """Return the variance of a benchmark where nothing varied: the one whose normal interval is what may be hidden."""
    if not piece.is_constant:
        return 0.0
    shares = hidden_shares(batch, p)
    reach = max(shares.reach(stake, batch.level) for stake in (shares.fall, shares.rise))
    return (reach / float(t_quantile((1 + batch.level) / 2, np.inf))) ** 2


def _written(blank: Estimate, fit: MetaFit, n_benchmarks: int, own_se: float) -> Estimate:
    mean, tau2, df = float(fit.beta[0]), float(fit.tau2.sum()), n_benchmarks - 1.0
    variance = float(fit.found.at.vcov[0, 0]) * max(fit.dispersion, 1.0)
    variance = max(variance, own_se**2 + tau2 / n_benchmarks)
    critical = float(t_quantile((1 + blank.level) / 2, df))
    half, reach = critical * np.sqrt(variance), critical * np.sqrt(variance + tau2)
    note = (
        f"A statement about other benchmarks, of which these {n_benchmarks} are taken as a sample (random effects, "
        f"between benchmarks {100 * tau2**0.5:.1f} points). One further benchmark would lie between "
        f"{100 * (mean - reach):+.1f} and {100 * (mean + reach):+.1f} points."
    )
    return replace(
        blank,
        value=tidy(mean),
        se=tidy(float(np.sqrt(variance))),
        df=df,
        low=tidy(mean - half),
        high=tidy(mean + half),
        kind="interval",
        note=note,
    )

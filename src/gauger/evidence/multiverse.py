"""Fits every combination of the switches: the multiverse behind the headline, as a specification curve by role.

One number must not be quoted alone: it is one path through choices that could have gone either way. Every
specification is fitted on arrays prepared once (`multiverse_rows`), with the engine of the headline and bias-reduced
errors by study in score form; neighbouring specifications hand each other their variances as a start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy import special

from gauger.errors import ConvergenceError
from gauger.evidence.columns import ROLES, BenchmarkRole
from gauger.evidence.effects import Array, Codes
from gauger.evidence.multiverse_rows import RowArrays, columns_of
from gauger.evidence.pooled import ENOUGH_FOR_VARIANCE, MIN_STUDIES, NOT_CONVERGED, STRUCTURE, TOO_FEW
from gauger.evidence.switches import SWITCHES, Specification, specifications
from gauger.stats import NO_GROUP, CategoryFit, CategoryLikelihood, MetaData, fit_categories, score_robust, t_quantile

CARRIED = (BenchmarkRole.TARGETED, BenchmarkRole.FRESH, BenchmarkRole.HELD_OUT)
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Path:
    """One specification's answer for one role, in points."""

    specification: Specification
    role: str
    n_rows: int
    n_studies: int
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Curve:
    """The specification curve of one role."""

    role: str
    n: int
    """Specifications with an estimate."""
    median: float | None
    low: float | None
    """Smallest and largest estimate."""
    high: float | None
    share_above_zero: float | None
    """Share (0-1) of specifications whose 95 % interval lies above zero."""
    share_below_zero: float | None
    undefined: int
    """Specifications without an estimate (too few studies, no convergence)."""

    def text(self) -> str:
        """Say it in half a sentence."""
        if self.median is None or self.low is None or self.high is None or self.share_above_zero is None:
            return f"{self.role}: no specification has an estimate"
        return (
            f"{self.role} {self.median:+.1f} (range {self.low:+.1f} to {self.high:+.1f}; "
            f"{self.share_above_zero:.0%} of intervals above zero, {self.share_below_zero or 0:.0%} below)"
        )


@dataclass(frozen=True)
class Multiverse:
    """All specifications, and what they say together."""

    paths: tuple[Path, ...]
    curves: tuple[Curve, ...]
    switches: tuple[dict[str, Any], ...]
    """Per switch, option and role: median, range, shares; and per switch how far its options move the median."""

    def curve(self, role: str) -> Curve:
        """Return the curve of one role."""
        return next(curve for curve in self.curves if curve.role == role)

    def text(self) -> str:
        """Say what the multiverse says, in one sentence."""
        n = max(curve.n for curve in self.curves)
        return (
            f"Over {n:,} defensible analyses the medians are " + "; ".join(curve.text() for curve in self.curves) + "."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        roles = [
            {"role": curve.role, "n": curve.n, "median": curve.median, "low": curve.low, "high": curve.high,
             "share_above_zero": curve.share_above_zero, "share_below_zero": curve.share_below_zero,
             "undefined": curve.undefined}
            for curve in self.curves
        ]  # fmt: skip
        return {"roles": roles, "switches": list(self.switches)}


def run(frame: pl.DataFrame, chosen: tuple[Specification, ...] | None = None) -> Multiverse:
    """Fit every specification.

    Parameters
    ----------
    frame : DataFrame
        All rows, from `clean.prepare`.
    chosen : tuple of Specification, optional
        None is all of `specifications()`.

    Returns
    -------
    Multiverse

    Notes
    -----
    Shares are counts of this set of analyses, not probabilities: specifications share rows and are not independent.
    Source of the idea: Steegen et al. (2016), Perspect. Psychol. Sci. 11:702; Simonsohn et al. (2020), Nat. Hum. Behav.
    4:1208.
    """
    columns = columns_of(frame)
    paths: list[Path] = []
    starts: dict[tuple[str, int], Array] = {}
    for specification in chosen or specifications():
        paths.extend(_fit(columns, specification, starts))
    curves = tuple(_curve(str(role), [p for p in paths if p.role == role]) for role in CARRIED)
    return Multiverse(tuple(paths), curves, tuple(_by_switch(paths)))


def _fit(columns: RowArrays, specification: Specification, starts: dict[tuple[str, int], Array]) -> list[Path]:
    """Select, fit and read one specification."""
    kept = np.logical_and.reduce([columns.flags[choice] for choice in specification.items()])
    role, study = columns.roles[specification["roles"]][kept], columns.study[kept]
    counts = {str(name): (int((role == name).sum()), len(np.unique(study[role == name]))) for name in ROLES}
    present = [name for name, (_, studies) in counts.items() if studies >= MIN_STUDIES]
    among = np.isin(role, present)
    if not present:
        return [Path(specification, str(r), *counts[str(r)], reason=TOO_FEW) for r in CARRIED]
    data = _data(columns, specification, np.flatnonzero(kept)[among], role[among], present)
    try:
        fitted = _fitted(data, role[among], counts, specification["heterogeneity"], starts)
    except ConvergenceError:
        return [Path(specification, str(r), *counts[str(r)], reason=NOT_CONVERGED) for r in CARRIED]
    return _read(columns, specification, fitted, np.flatnonzero(kept), role, counts, present)


def _data(columns: RowArrays, specification: Specification, at: Codes, role: Any, present: list[str]) -> MetaData:
    effect, variance, control = (part[at] for part in columns.effects[specification["effect scale"]])
    design = (role[:, None] == np.array(present)).astype(float)
    shared = columns.control[at] if specification["shared controls"] == "correlated" else None
    return MetaData(
        effect, variance, (columns.study[at], np.arange(len(at))), design, ("study", "row"), tuple(present),
        shared, None if shared is None else np.where(shared == NO_GROUP, 0.0, control),
    )  # fmt: skip


def _fitted(
    data: MetaData, role: Any, counts: Mapping[str, tuple[int, int]], heterogeneity: str,
    starts: dict[tuple[str, int], Array],
) -> CategoryFit:  # fmt: skip
    own = [name for name, (_, studies) in counts.items() if studies >= ENOUGH_FOR_VARIANCE]
    groups, rows = STRUCTURE if heterogeneity == "by role" and len(own) > 1 else ("one", "one")
    commonest = max(counts, key=lambda name: counts[name][1])
    category = np.where(np.isin(role, own), role, commonest) if groups != "one" else np.zeros(len(role))
    # variances of log-odds and of points lie orders of magnitude apart: each scale hands on its own
    key = (f"{groups} {np.abs(data.effect).max() > 10}", len(np.unique(category)))
    try:
        fitted = fit_categories(
            data, category, groups=groups, rows=rows, robust=False, polish=False, start=starts.get(key)
        )
    except ConvergenceError:
        fitted = fit_categories(data, category, groups=groups, rows=rows, robust=False, polish=False)
    starts[key] = fitted.found.tau2
    return fitted


def _read(
    columns: RowArrays, specification: Specification, fitted: CategoryFit, at: Codes, role: Any,
    counts: Mapping[str, tuple[int, int]], present: list[str],
) -> list[Path]:  # fmt: skip
    likelihood = CategoryLikelihood(fitted.data, np.asarray(fitted.category), fitted.method)
    structure = fitted.structure
    if structure is None:
        raise ConvergenceError("A fit by category lacks its structure.")
    information, score = likelihood.scores(*structure.unpack(fitted.found.tau2))
    r = fitted.data.basis.r
    robust = score_robust(r.T @ information @ r, score @ r)
    paths = []
    for name in map(str, CARRIED):
        if name not in present or robust.df[present.index(name)] < 1.0:
            paths.append(Path(specification, name, *counts[name], reason=TOO_FEW))
            continue
        k = present.index(name)
        half = float(t_quantile(0.975, robust.df[k])) * float(np.sqrt(robust.vcov[k, k]))
        ends = np.array([fitted.beta[k], fitted.beta[k] - half, fitted.beta[k] + half])
        if specification["effect scale"] == "log-odds":
            ends = in_points(ends, columns.start_score[at][role == name])
        estimate, low, high = map(float, ends)
        paths.append(Path(specification, name, *counts[name], estimate, low, high))
    return paths


def in_points(log_odds: Array, starts: Array) -> Array:
    """Turn gains in log-odds (m,) into points: the mean gain over starting scores (n,), per cent.

    Starts are kept off 0 and 100 by half a point. The mean over all starts, and not the gain at their median, because
    points per log-odd are fewest near the ends, where many benchmarks stand.
    """
    p = np.clip(np.asarray(starts, dtype=float), 0.5, 99.5)[:, None] / 100
    return np.asarray(100 * (special.expit(special.logit(p) + log_odds) - p).mean(axis=0))


def _curve(role: str, paths: list[Path]) -> Curve:
    known = [path for path in paths if path.estimate is not None]
    if not known:
        return Curve(role, 0, None, None, None, None, None, len(paths))
    estimates = np.array([path.estimate for path in known], dtype=float)
    above = float(np.mean([path.low is not None and path.low > 0 for path in known]))
    below = float(np.mean([path.high is not None and path.high < 0 for path in known]))
    return Curve(role, len(known), float(np.median(estimates)), float(estimates.min()), float(estimates.max()), above,
                 below, len(paths) - len(known))  # fmt: skip


def _by_switch(paths: list[Path]) -> list[dict[str, Any]]:
    """Summarise the paths by option of each switch; the switch that moves the median most first, by role."""
    lines = []
    for switch in SWITCHES:
        roles = {}
        for role in map(str, CARRIED):
            options = {
                option: _curve(role, [p for p in paths if p.role == role and p.specification[switch.name] == option])
                for option in switch.options
            }
            medians = [option.median for option in options.values() if option.median is not None]
            roles[role] = {
                "moves": max(medians) - min(medians) if len(medians) > 1 else None,
                "options": {
                    name: {"n": option.n, "median": option.median, "low": option.low, "high": option.high,
                           "share_above_zero": option.share_above_zero, "share_below_zero": option.share_below_zero}
                    for name, option in options.items()
                },
            }  # fmt: skip
        lines.append({"switch": switch.name, "reason": switch.reason, "roles": roles})
    return sorted(lines, key=lambda line: -max(effect["moves"] or 0.0 for effect in line["roles"].values()))

"""Back-tests forecasts of later dates: fits to what was known by a date, forecasts what came in the year after.

A new study comes after all that is known: its methods, students and benchmarks need not be those of the studies before
it, and groups of the same years cannot tell how much they differ. So the literature is cut at every half-year: form,
width and tail are chosen and everything is fitted before the cut, the following year is forecast, and the factor on the
width that makes the errors likeliest, over all cuts and roles, is the widening of a forecast for a later date. One
factor for all roles: no role alone has enough later groups. The back-test of a year learns its own factor from the cuts
inside its training.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gauger.forecast.choose import choose, group_weights
from gauger.forecast.extrapolation import FEWEST_GROUPS, ForecastsByRole
from gauger.forecast.forms import FORMS, ForecastForm
from gauger.forecast.groups import connected_groups
from gauger.forecast.literature import Array, Codes, LiteratureRows
from gauger.forecast.predictors import ROLES
from gauger.forecast.scores import LEVELS, by_group, covered

STEP = 0.5
"""Years between cuts."""
FEWEST_KNOWN = 5
"""Groups that a role needs before a cut to be forecast after it."""
FACTORS = tuple(float(width) for width in np.exp(np.linspace(0.0, np.log(3.0), 45)))
SLACK = 1e-9
UNTESTED = 1.25
"""Factor per year ahead that no back-test has been: of a table with too few years, and beyond the first year."""
_ARXIV = re.compile(r"\b(\d\d)(0[1-9]|1[0-2])\.\d{5}(?!\d)")


def dates_of(literature: LiteratureRows) -> tuple[Array, Array]:
    """Return (from, to) between which each row was published, in years (n,) each.

    An arXiv number tells the month of the first version; any other source only its year.

    Parameters
    ----------
    literature : LiteratureRows
        n rows.
    """
    told = zip(literature.frame["reference"], literature.year, strict=True)
    ends = [_dates(str(reference), int(year)) for reference, year in told]
    early, late = np.array(ends, dtype=float).reshape(-1, 2).T
    return early, late


def _dates(reference: str, year: int) -> tuple[float, float]:
    for match in _ARXIV.finditer(reference):
        if 2000 + int(match[1]) == year:
            return year + (int(match[2]) - 1) / 12, year + int(match[2]) / 12
    return float(year), float(year + 1)


def forecast_later(literature: LiteratureRows, forms: Sequence[ForecastForm] = FORMS) -> dict[str, Any]:
    """Forecast the year after every half-year from what was known, and find the widening that its errors ask for.

    factor = argmax over f >= 1 of the sum over cuts, roles and groups of the group's mean log density of what was
    found, under forecasts whose width is f times as chosen. A group that is forecast at several cuts counts at each.

    Parameters
    ----------
    literature : LiteratureRows
        n rows; nothing else is seen.
    forms : sequence of ForecastForm

    Returns
    -------
    dict
        `factor` (None with a `reason` below four groups); `cuts`: per cut and role rows, groups and coverage before
        widening.
    """
    groups = connected_groups(literature)
    likelihood, cuts, seen = np.zeros(len(FACTORS)), [], set()
    for cut in _cuts_of(literature, groups):
        train, test = literature.take(cut.known), literature.take(cut.asked)
        forecasts = ForecastsByRole.of(train, choose(train, forms), test)
        densities = np.array([forecasts.log_density(test.change, factor) for factor in FACTORS])
        pit = forecasts.cdf(test.change)
        for role in cut.told:
            here = test.role == role
            labels = groups[cut.asked][here]
            likelihood += densities[:, here] @ group_weights(labels)
            seen |= set(labels.tolist())
            held = {f"coverage_{100 * at:.0f}": by_group(covered(pit[here], at), labels).mean() for at in LEVELS}
            cuts.append({
                "cut": cut.at, "role": ROLES[role], "rows": int(here.sum()), "groups": len(np.unique(labels)),
                "groups_before": cut.before[role], **{name: float(share) for name, share in held.items()},
            })  # fmt: skip
    if len(seen) < FEWEST_GROUPS:
        return {"factor": None, "reason": f"{len(seen)} later groups, fewer than {FEWEST_GROUPS}", "cuts": cuts}
    return {"factor": FACTORS[int(np.argmax(likelihood))], "reason": None, "cuts": cuts}


@dataclass(frozen=True)
class DateCut:
    """What was known at a date, and what came in the year after."""

    at: float
    known: Codes
    """Rows before, without the groups that are forecast."""
    asked: Codes
    """Rows of the year after, of the roles in `told`."""
    told: tuple[int, ...]
    """Roles with enough groups before."""
    before: tuple[int, ...]
    """Groups before, per role."""


def _cuts_of(literature: LiteratureRows, groups: Codes) -> Iterator[DateCut]:
    early, late = dates_of(literature)
    for at in np.arange(np.floor(early.min()), late.max(), STEP):
        after = np.flatnonzero((early >= at) & (late <= at + 1.0 + SLACK))
        known = np.flatnonzero((late <= at + SLACK) & ~np.isin(groups, np.unique(groups[after])))
        before, asked = (_groups_by_role(literature, groups, rows) for rows in (known, after))
        told = tuple(role for role in range(len(ROLES)) if before[role] >= FEWEST_KNOWN and asked[role])
        if told and min(before) >= 2:
            yield DateCut(float(at), known, after[np.isin(literature.role[after], told)], told, before)


def _groups_by_role(literature: LiteratureRows, groups: Codes, rows: Codes) -> tuple[int, ...]:
    return tuple(len(np.unique(groups[rows][literature.role[rows] == role])) for role in range(len(ROLES)))


def factor_of(tested: dict[str, Any] | None) -> float:
    """Return the factor on the width one year ahead; `UNTESTED` where no back-test could tell.

    Parameters
    ----------
    tested : dict, optional
        From `forecast_later`.
    """
    factor = None if tested is None else tested["factor"]
    return UNTESTED if factor is None else float(factor)


def years_ahead(literature: LiteratureRows, year: int) -> int:
    """Return how many years a study of `year` comes after the table: 1 in its last year, since the table ends before.

    Parameters
    ----------
    literature : LiteratureRows
    year : int
        The scenario's.
    """
    return max(year + 1 - int(literature.year.max()), 0)


def widening_ahead(factor: float, years: int) -> float:
    """Return the factor on the width at some years ahead: 1 in years that the table covers whole.

    Parameters
    ----------
    factor : float
        One year ahead.
    years : int
        From `years_ahead`.
    """
    return 1.0 if years == 0 else factor * UNTESTED ** (years - 1)

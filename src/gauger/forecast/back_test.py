"""Back-tests the forecast: groups of studies it has not seen, and years that had not come.

Nested: for each part that is left out, form, width and tail are chosen inside the rest (`choose.py`), then everything
is fitted to the rest, then the part is forecast. The baselines get the same treatment, widths included. A later year is
forecast with the widening for later dates that the training itself asks for (`later.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np

from gauger.forecast.choose import ChosenForms, choose
from gauger.forecast.extrapolation import wider
from gauger.forecast.forms import FORMS, ForecastForm, fit_form, predict_rows
from gauger.forecast.groups import connected_groups, folds_of
from gauger.forecast.later import factor_of, forecast_later
from gauger.forecast.literature import Codes, LiteratureRows
from gauger.forecast.predictors import ROLES
from gauger.forecast.scores import RowScores, gains, score_rows, summary_of

OUTER_FOLDS = 10
SCORES = ("pit", "crps", "log_score", "width")


@dataclass(frozen=True)
class Part:
    """One part that is forecast from the rest."""

    name: str
    train: Codes
    test: Codes
    later: bool = False
    """Whether all that is forecast came after the training."""


def parts_of(literature: LiteratureRows) -> tuple[Part, ...]:
    """Left-out groups in ten folds, and every year forecast from the years before it.

    A year is forecast with the studies of its own groups left out of the training: a laboratory's earlier paper would
    give its later one away.
    """
    groups = connected_groups(literature)
    fold = folds_of(groups, OUTER_FOLDS)
    parts = [
        Part("groups", np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in np.unique(fold)
    ]
    for year in np.unique(literature.year)[1:]:
        test = literature.year == year
        known = (literature.year < year) & ~np.isin(groups, np.unique(groups[test]))
        enough = all(len(np.unique(groups[known & (literature.role == role)])) >= 5 for role in range(len(ROLES)))
        if enough:
            parts.append(Part(f"year {year}", np.flatnonzero(known), np.flatnonzero(test), later=True))
    return tuple(parts)


def run_part(literature: LiteratureRows, forms: Sequence[ForecastForm], part: Part) -> dict[str, Any]:
    """Choose, fit and forecast one part.

    Parameters
    ----------
    literature : LiteratureRows
    forms : sequence of ForecastForm
    part : Part
    """
    train, test = literature.take(part.train), literature.take(part.test)
    chosen = choose(train, forms)
    factor = factor_of(forecast_later(train, forms)) if part.later else 1.0
    wanted = {form.name for form in chosen.form.values()}
    scores: dict[str, RowScores] = {}
    before: dict[str, RowScores] = {}
    for form in forms:
        if form.baseline or form.name in wanted:
            raw = predict_rows(fit_form(form, train), form, test)
            spreads = [chosen.spread[role, form.name] for role in ROLES]
            learned = replace(raw, spread=np.array([[spreads[role].width, spreads[role].df] for role in test.role]))
            scores[form.name] = score_rows(wider(learned, factor), test.change)
            before[form.name] = score_rows(learned, test.change) if part.later else scores[form.name]
    return {
        "part": part, "form": {role: form.name for role, form in chosen.form.items()}, "widened": factor,
        "scores": _picked(scores, chosen, test.role), "before": _picked(before, chosen, test.role),
        "baselines": {f.name: scores[f.name] for f in forms if f.baseline},
    }  # fmt: skip


def _picked(scores: Mapping[str, RowScores], chosen: ChosenForms, role: Codes) -> RowScores:
    """Take every row's scores from the form that its role chose."""
    ours = np.array([chosen.form[ROLES[place]].name for place in role])
    return RowScores(**{
        name: np.select([ours == form for form in scores], [getattr(score, name) for score in scores.values()])
        for name in SCORES
    })  # fmt: skip


def run_back_test(
    literature: LiteratureRows, forms: Sequence[ForecastForm] = FORMS, workers: int = 1
) -> dict[str, Any]:
    """Run the whole back-test.

    Parameters
    ----------
    literature : LiteratureRows
    forms : sequence of ForecastForm
    workers : int
        Processes.

    Returns
    -------
    dict
        `roles`: one entry per role over left-out groups; `years`: one entry per year and role; both with coverage,
        PIT, width, CRPS, log score and the gains over the best baseline. Years also have `widened`, the factor for
        their date, and the coverage without it (`coverage_95_before`). `chosen`: how often each form was chosen.
    """
    groups = connected_groups(literature)
    results = list(_run(literature, forms, parts_of(literature), workers))
    summary: dict[str, Any] = {"roles": [], "years": [], "chosen": {}}
    for role, name in enumerate(ROLES):
        for kind in dict.fromkeys(result["part"].name for result in results):
            chosen = [result for result in results if result["part"].name == kind]
            entry = _entry(chosen, literature, groups, role)
            if entry is not None:
                target = summary["roles"] if kind == "groups" else summary["years"]
                target.append({"role": name, "left_out": kind, **entry})
        counts: dict[str, int] = {}
        for result in results:
            counts[result["form"][name]] = counts.get(result["form"][name], 0) + 1
        summary["chosen"][name] = counts
    return summary


def _run(
    literature: LiteratureRows, forms: Sequence[ForecastForm], parts: Sequence[Part], workers: int
) -> Iterator[dict[str, Any]]:
    work = partial(run_part, literature, tuple(forms))
    if workers == 1:
        yield from map(work, parts)
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield from pool.map(work, parts)


def _entry(
    results: Sequence[dict[str, Any]], literature: LiteratureRows, groups: Codes, role: int
) -> dict[str, object] | None:
    """Score one role over parts of one kind."""
    rows = np.concatenate([result["part"].test for result in results])
    here = literature.role[rows] == role
    if not here.any():
        return None

    def all_of(pick: Any) -> RowScores:
        return RowScores(**{
            name: np.concatenate([getattr(pick(result), name) for result in results])[here] for name in SCORES
        })  # fmt: skip

    ours = all_of(lambda result: result["scores"])
    names = results[0]["baselines"]
    baselines = {name: all_of(lambda result, name=name: result["baselines"][name]) for name in names}
    entry = {**summary_of(ours, groups[rows][here]), **gains(ours, baselines, groups[rows][here])}
    if results[0]["part"].later:
        narrow = summary_of(all_of(lambda result: result["before"]), groups[rows][here])
        entry |= {f"coverage_{level}_before": narrow[f"coverage_{level}"] for level in (50, 80, 95)}
        entry["widened"] = results[0]["widened"]
    return entry

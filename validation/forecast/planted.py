"""Plants literatures and asks whether forecasts find what is true, cover, refuse and point the right way.

python validation/forecast/planted.py [REPLICATES] > validation/forecast/results.txt: about three minutes of one core.
python validation/forecast/planted.py REPLICATES later > validation/forecast/later.txt: later dates, a minute each.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from gauger.forecast.choose import choose, fit_chosen
from gauger.forecast.extrapolation import ForecastsByRole, wider
from gauger.forecast.forms import FORMS, Regression, fit_form, predict_rows
from gauger.forecast.later import factor_of, forecast_later
from gauger.forecast.literature import LiteratureRows
from gauger.forecast.load import load_scenario
from gauger.forecast.planted import PlantedEffects, draw_literature
from gauger.forecast.predict import Forecaster
from gauger.forecast.predictors import ROLES
from gauger.forecast.scores import LEVELS, covered

STUDIES = 40
NEW = 60
COMPETING = (FORMS[0], FORMS[1], FORMS[5])
BASELINES = FORMS[:2]
KNOWN = PlantedEffects(dose=0.25, answers=-0.4)
CASES = {
    "dose and surface": KNOWN,
    "nothing but start and control": PlantedEffects(),
    "doses printed by a fifth": replace(KNOWN, missing=0.8),
    "heavy tails between studies": replace(KNOWN, tail_df=4.0, study_sd=0.2),
    "half of what is no gain unpublished": replace(KNOWN, selected=0.5),
}


def learned(literature: LiteratureRows) -> Forecaster:
    chosen = choose(literature, COMPETING).guarded(None)
    return Forecaster(literature, chosen, fit_chosen(chosen, literature), {})


def slopes(literature: LiteratureRows) -> tuple[float, float]:
    """Slope per tenfold dose, and answers against reasoning (surface, method and reasoning together), in log-odds."""
    fitted = fit_form(FORMS[5], literature)
    assert isinstance(fitted, Regression)
    beta = dict(zip([one.name for one in fitted.plan.columns], fitted.fit.beta[len(ROLES) :], strict=True))
    # tasks of no named domain that teach to reason at length have a column of their own
    answers = beta["surface: answers"] + beta["method: answers"] - beta["reasoning in: other"]
    return beta["samples"] / fitted.plan.scale["samples"], answers


def coverage(forecaster: Forecaster, new: LiteratureRows) -> list[float]:
    """Share of new studies' results that 95 % intervals hold, per role."""
    found = []
    for place, role in enumerate(ROLES):
        rows = new.take(new.role == place)
        form = forecaster.chosen.form[role]
        spread = forecaster.chosen.spread[role, form.name]
        pit = predict_rows(forecaster.fits[form.name], form, rows).with_spread(spread).cdf(rows.change)
        found.append(float((np.abs(pit - 0.5) <= 0.475).mean()))
    return found


def case(name: str, planted: PlantedEffects, replicates: int) -> None:
    dose, answers, covered, regressions = [], [], [], 0
    for replicate in range(replicates):
        rng = np.random.default_rng(1000 + replicate)
        literature = draw_literature(planted, STUDIES, rng)
        forecaster = learned(literature)
        # new results are those that would be published: a forecast is of a study like those in the table
        covered.append(coverage(forecaster, draw_literature(planted, NEW, rng, first=5000)))
        regressions += sum(not form.baseline for form in forecaster.chosen.form.values())
        one, other = slopes(literature)
        dose.append(one)
        answers.append(other)
    share = np.mean(covered, axis=0)
    se = np.std(covered, axis=0, ddof=1) / np.sqrt(replicates)
    print(f"{name}: {replicates} literatures of {STUDIES} studies, {NEW} new studies each")
    by_role = ", ".join(f"{r} {s:.3f} (se {e:.3f})" for r, s, e in zip(ROLES, share, se, strict=True))
    print(f"  95 % intervals hold {by_role}; all roles {np.mean(covered):.3f}")
    found = (("slope per tenfold dose", dose, planted.dose), ("answers against reasoning", answers, planted.answers))
    for word, values, true in found:
        print(f"  {word}: planted {true:+.2f}, found {np.mean(values):+.3f} (sd {np.std(values, ddof=1):.3f})")
    print(f"  regression chosen for {regressions} of {3 * replicates} roles", flush=True)


def refusals() -> None:
    """Beyond the supported distance all are refused, bending or not; inside at least nine in ten are answered."""
    for bend in (None, 5.0):
        literature = draw_literature(replace(KNOWN, bend_at=bend, missing=0.0), 40, np.random.default_rng(7))
        forecaster = learned(literature)
        rng = np.random.default_rng(8)
        inside = [asked(forecaster, 10 ** rng.uniform(3.3, 5.7), rng.uniform(20, 80)) for _ in range(100)]
        beyond = [asked(forecaster, 10 ** rng.uniform(6.9, 10.0), rng.uniform(20, 80)) for _ in range(100)]
        refused = 100 - sum(beyond)
        print(f"bend {bend}: {sum(inside)} of 100 inside answered, {refused} of 100 beyond two doublings refused")


def asked(forecaster: Forecaster, dose: float, start: float) -> bool:
    data = {
        "scenario": "x",
        "alternative": "none",
        "dose": {"exchanges": dose, "kept": 1},
        "year": 2025,
        "benchmarks": [{"role": "targeted", "start": start}],
    }
    return forecaster.forecast(load_scenario(data), "targeted", "untouched-base", dose).answered


def later(replicates: int) -> None:
    """How much of what comes a year after is held: naively, and with the widening learned before."""
    still = PlantedEffects(years=6, missing=0.2)
    even = replace(still, study_sd=0.15, model_sd=0.1, row_sd=0.1)
    for name in ("nothing drifts", "studies differ more, by half a year", "the mean walks, sd 0.4 a year"):
        held, factors = [], []
        for replicate in range(replicates):
            walk = np.cumsum(np.random.default_rng(99 + replicate).normal(0.0, 0.4, still.years))
            planted = {
                "studies differ more, by half a year": replace(even, scatter_by_year=tuple(1.5**k for k in range(6))),
                "the mean walks, sd 0.4 a year": replace(still, shift_by_year=tuple(walk)),
            }.get(name, still)
            rng = np.random.default_rng(replicate)
            known = draw_literature(planted, 60, rng)
            known = known.take(known.year < known.year.max())
            new = draw_literature(planted, 240, rng, first=5000)
            new = new.take(new.year == new.year.max())
            factor = factor_of(forecast_later(known, BASELINES))
            forecasts = ForecastsByRole.of(known, choose(known, BASELINES), new)
            pits = [
                ForecastsByRole(tuple((rows, wider(part, f)) for rows, part in forecasts.parts)).cdf(new.change)
                for f in (1.0, factor)
            ]
            held.append([[covered(pit, level).mean() for level in LEVELS] for pit in pits])
            factors.append(factor)
        naive, widened = (" ".join(f"{share:.2f}" for share in row) for row in np.mean(held, axis=0))
        print(
            f"{name}: {replicates} literatures of 50 studies, 40 new ones a year later: 50, 80 and 95 % intervals hold "
            f"{naive} unwidened, {widened} widened (factor {min(factors):.2f} to {max(factors):.2f})",
            flush=True,
        )


def directions() -> None:
    """A dose that helps raises the probability of a major uplift, one that harms lowers it; so does the threshold."""
    for sign in (1.0, -1.0):
        planted = PlantedEffects(dose=0.4 * sign, missing=0.1, study_sd=0.2)
        literature = draw_literature(planted, STUDIES, np.random.default_rng(9))
        chosen = choose(literature, COMPETING)
        forecaster = Forecaster(literature, chosen, fit_chosen(chosen, literature), {})
        found = []
        for dose in (3e3, 3e5):
            for major in (10.0, 20.0):
                data = {
                    "scenario": "x",
                    "dose": {"exchanges": dose, "kept": 1},
                    "year": 2025,
                    "thresholds": {"targeted": {"minor": 3, "major": major}},
                }
                one = forecaster.forecast(load_scenario(data), "targeted", "untouched-base", dose)
                found.append(1.0 - one.mixture.below(major))
        print(
            f"slope {0.4 * sign:+.1f}: major (10, 20 points) at 3,000 samples {found[0]:.2f}, {found[1]:.2f}; "
            f"at 300,000 {found[2]:.2f}, {found[3]:.2f}"
        )
        assert (found[2] > found[0]) == (sign > 0)
        assert found[1] < found[0]


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    if "later" in sys.argv:
        later(wanted)
        raise SystemExit
    directions()
    refusals()
    for title, effects in CASES.items():
        case(title, effects, wanted)

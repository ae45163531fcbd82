"""Asks how far the packaged campaign's sentence moves under the defensible choices of the evidence.

python validation/forecast/multiverse.py > validation/forecast/multiverse.txt: all combinations of five switches of the
evidence's multiverse (who coded the roles, sources, handicapped controls, cleaning, risk of bias); form, width and tail
as chosen for the shipped table. About two minutes of one core. `multiverse.py singly` moves one switch at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import product

import numpy as np
import polars as pl

from gauger.errors import ConvergenceError
from gauger.evidence import load, prepare
from gauger.evidence.columns import UPLIFT_CONTRASTS
from gauger.evidence.multiverse_rows import AS_FOUND
from gauger.forecast.decision import decide, loss_table
from gauger.forecast.document import learn
from gauger.forecast.forms import fit_form
from gauger.forecast.literature import arrange, read_literature
from gauger.forecast.load import load_scenario
from gauger.forecast.predict import Forecaster
from gauger.forecast.predictors import ROLES

ROLE, DOSE = "fresh", 3_400_000.0


def singly(switches: Mapping[str, Mapping[str, object]]) -> list[tuple[str, ...]]:
    """The shipped options, then each other option by itself."""
    shipped = tuple(next(iter(options)) for options in switches.values())
    return [shipped] + [
        (*shipped[:place], option, *shipped[place + 1 :])
        for place, options in enumerate(switches.values())
        for option in list(options)[1:]
    ]


def main(*, one_at_a_time: bool) -> None:
    prepared = prepare(load())
    shipped, _ = learn(read_literature(prepared))
    scenario = load_scenario()
    form = shipped.chosen.form[ROLE]
    reason = pl.col("exclusion")
    found = reason.is_null() | reason.is_in([str(rule) for rule in AS_FOUND])
    handicapped = reason == "the control could not answer in the form asked"
    rows = prepared.filter(
        (found | handicapped) & pl.col("contrast").is_in([str(one) for one in UPLIFT_CONTRASTS])
        & pl.col("score_control").is_not_null() & pl.col("score_distilled").is_not_null()
        & (pl.col("score_scale") == "percent") & ~pl.col("lower_is_better") & pl.col("n_items").is_not_null()
    )  # fmt: skip
    switches = {
        "roles": {"first coder": None, "second coder": "alt"},
        "sources": {"all": pl.lit(True), "checked or primary": pl.col("source_grade") != "secondary",
                    "primary": pl.col("source_grade") == "primary"},
        "handicapped": {"left out": pl.col("handicap").is_null() | (pl.col("handicap") != "answer format"),
                        "kept": pl.lit(True), "doubtful left out too": pl.col("handicap").is_null()},
        "cleaning": {"rules": reason.is_null() | handicapped, "as published": pl.lit(True)},
        "risk": {"all": pl.lit(True), "no high risk": pl.col("risk") != "high", "low risk": pl.col("risk") == "low"},
    }  # fmt: skip
    lines = []
    for chosen in singly(switches) if one_at_a_time else product(*switches.values()):
        who, *rest = (switches[name][option] for name, option in zip(switches, chosen, strict=True))
        frame = rows
        if who is not None:
            frame = frame.with_columns(benchmark_role=pl.coalesce("benchmark_role_alt", "benchmark_role"))
        for condition in rest:
            frame = frame.filter(condition)
        frame = frame.filter(pl.col("benchmark_role").is_in(ROLES))
        literature = arrange(frame)
        try:
            fits = {form.name: fit_form(form, literature)}
        except ConvergenceError:
            continue
        forecaster = Forecaster(literature, shipped.chosen, fits, shipped.widening, shipped.later)
        both = [forecaster.forecast(scenario, ROLE, control, DOSE).mixture for control in scenario.controls]
        together = np.concatenate([one.values.ravel() for one in both])
        best = decide(loss_table(together, scenario)).best
        lines.append((chosen, *((one.mean, one.below(3.0), 1.0 - one.below(10.0)) for one in both), best))
    print(f"{len(lines)} of 108 combinations; role {ROLE}, {DOSE:,.0f} exchanges, form {form.name}")
    for place, control in enumerate(scenario.controls, 1):
        for k, word in enumerate(("mean, points", "probability minor", "probability major")):
            values = np.array([line[place][k] for line in lines])
            print(
                f"over {control}: {word}: shipped {lines[0][place][k]:.2f}, median {np.median(values):.2f}, "
                f"range {values.min():.2f} to {values.max():.2f}"
            )
    counts = {action: sum(line[-1] == action for line in lines) for action in ("accept", "matched", "aggressive")}
    print("best action: " + ", ".join(f"{action} {n}" for action, n in counts.items()))
    for name, options in switches.items():
        place = list(switches).index(name)
        medians = {o: np.median([line[1][2] for line in lines if line[0][place] == o]) for o in options}
        said = ", ".join(f"{option} {value:.2f}" for option, value in medians.items())
        print(f"{name}: median probability of major over the start {said}")


if __name__ == "__main__":
    main(one_at_a_time="singly" in sys.argv)

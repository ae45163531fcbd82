"""Estimates from the same outputs scored another way, and says whether the conclusion stands.

A log often holds several scores of one output (lm-eval's strict and flexible match, acc and acc_norm; Inspect's
scorers). Each is estimated like the primary one, on its own items; leaving unparsed answers out instead of counting
them as wrong is one more way. A conclusion is one of gain, loss and unclear: on which side of 0 the interval lies, or
that it holds 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from gauger.estimate.design import Design
from gauger.estimate.estimator import estimate_study
from gauger.measure import Measure, MeasuresOfBenchmark
from gauger.records import Estimate, Outcome

ESTIMANDS = ("uplift", "gain")
"""What is estimated under every scoring."""
WITHOUT_UNPARSED = "unparsed answers left out"


@dataclass(frozen=True)
class ScoredBenchmark:
    """The records of one benchmark under one measure."""

    benchmark: str
    measure: Measure
    records: pl.DataFrame
    """Contract columns, one benchmark."""


@dataclass(frozen=True)
class Scoring:
    """One estimate on one benchmark under one way of scoring the outputs."""

    benchmark: str
    measure: str
    """Metric and answer extraction in words ("exact_match, strict-match")."""
    primary: bool
    """This one stands among the estimates."""
    estimand: str
    arm: str
    control: str | None
    value: float | None
    low: float | None
    high: float | None
    n_items: int | None
    reason: str | None = None

    @property
    def conclusion(self) -> str:
        """gain, loss, unclear or undefined."""
        if self.value is None or self.low is None or self.high is None:
            return "undefined"
        return "gain" if self.low > 0 else "loss" if self.high < 0 else "unclear"

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping that stands in the document."""
        return {**asdict(self), "conclusion": self.conclusion}


def sensitivity(
    records: pl.DataFrame,
    estimates: Sequence[Estimate],
    design: Design,
    others: Sequence[ScoredBenchmark],
    choices: Mapping[str, MeasuresOfBenchmark],
) -> list[Scoring]:
    """Estimate uplift (and gain) on each benchmark under every scoring that the logs hold.

    Parameters
    ----------
    records : pl.DataFrame
        All benchmarks under their primary measures.
    estimates : sequence of Estimate
        What these records gave.
    design : Design
    others : sequence of Scored
        Further measures; all that are first among their benchmark's are estimated together, then all second ones, and
        so on, so that replicate variances borrow strength across benchmarks as the primary ones do.
    choices : mapping of benchmark -> Choice
        Names the primary measures.

    Returns
    -------
    list of Scoring
        The primary ones first, in the order of the estimates.
    """
    primary = {benchmark: str(choice.primary) for benchmark, choice in choices.items()}
    scorings = scorings_of(estimates, primary, primary=True)
    for layer in _layers(others):
        names = {scored.benchmark: str(scored.measure) for scored in layer}
        rest = records.filter(~pl.col("benchmark").is_in(list(names)))
        exchanged = pl.concat([rest, *(scored.records for scored in layer)])
        scorings += scorings_of(estimate_study(exchanged, design).estimates, names, primary=False)
    return scorings + _without_unparsed(records, design, primary)


def disagreements(scorings: Sequence[Scoring]) -> list[str]:
    """Say where the conclusion of an uplift or gain depends on how the outputs were scored."""
    sentences = []
    defined = [scoring for scoring in scorings if scoring.conclusion != "undefined"]
    for first in (scoring for scoring in defined if scoring.primary):
        rivals = [
            scoring for scoring in defined if _same_question(scoring, first) and scoring.conclusion != first.conclusion
        ]
        if rivals:
            values = "; ".join(_told(scoring) for scoring in [first, *rivals])
            asked = f"{first.arm} on {first.benchmark}: the conclusion on {first.estimand}"
            sentences.append(f"{asked} depends on the scoring: {values}")
    return sentences


def _same_question(scoring: Scoring, other: Scoring) -> bool:
    keys = ("benchmark", "estimand", "arm", "control")
    return not scoring.primary and all(getattr(scoring, key) == getattr(other, key) for key in keys)


def _told(scoring: Scoring) -> str:
    value, low, high = (
        f"{100 * number:+.1f}" for number in (scoring.value, scoring.low, scoring.high) if number is not None
    )
    return f"{scoring.measure} {value} points ({low} to {high}), {scoring.conclusion}"


def _layers(others: Sequence[ScoredBenchmark]) -> list[list[ScoredBenchmark]]:
    """Group the further measures: the first of every benchmark, the second of every benchmark, ..."""
    layers: list[list[ScoredBenchmark]] = []
    seen: dict[str, int] = {}
    for scored in others:
        depth = seen.get(scored.benchmark, 0)
        seen[scored.benchmark] = depth + 1
        if depth == len(layers):
            layers.append([])
        layers[depth].append(scored)
    return layers


def _without_unparsed(records: pl.DataFrame, design: Design, primary: Mapping[str, str]) -> list[Scoring]:
    """Estimate once more with unparsed answers as missing, where they count as wrong and there are any.

    Items stay paired: one on which no answer of some arm was parsed is left out for every arm.
    """
    unparsed, scored = (pl.col("outcome") == str(outcome) for outcome in (Outcome.UNPARSED, Outcome.SCORED))
    touched = records.filter(unparsed)["benchmark"].unique(maintain_order=True).to_list()
    if not design.unparsed_wrong or not touched:
        return []
    everywhere = pl.col("arm").filter(scored).n_unique().over("benchmark", "item")
    n_arms = pl.col("arm").n_unique().over("benchmark")
    left = records.filter(everywhere == n_arms)
    names = {benchmark: f"{primary[benchmark]}, {WITHOUT_UNPARSED}" for benchmark in touched}
    result = estimate_study(left, replace(design, unparsed_wrong=False))
    return scorings_of(result.estimates, names, primary=False)


def scorings_of(estimates: Sequence[Estimate], names: Mapping[str, str], *, primary: bool) -> list[Scoring]:
    """List estimates as ways of scoring: those of `ESTIMANDS` on single benchmarks that have a name.

    Parameters
    ----------
    estimates : sequence of Estimate
        Of a study.
    names : mapping of benchmark -> str
        What the way of scoring is called there; benchmarks absent here are left out.
    primary : bool
        Whether these stand among the study's own estimates.
    """
    return [
        Scoring(
            benchmark=estimate.benchmark,
            measure=names[estimate.benchmark],
            primary=primary,
            estimand=estimate.estimand,
            arm=estimate.arm,
            control=estimate.control,
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            n_items=estimate.n_items,
            reason=estimate.reason,
        )
        for estimate in estimates
        if estimate.estimand in ESTIMANDS and estimate.benchmark is not None and estimate.benchmark in names
    ]

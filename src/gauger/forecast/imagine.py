"""Turns a scenario into rows that a form can forecast: what is stated stands, what is unknown is drawn.

Distributions of what is unknown: predictors of the literature are drawn from the values that its studies of the same
role have, every study once; the share of exchanges that is kept evenly in the logarithm from 0.1 to 1; a range evenly
between its ends (numbers above 0: in the logarithm). Draws of different predictors are independent, except that the
teacher's lead and the starting score come from one row where both are unknown. One stream of random numbers per
predictor, so that stating one field changes no draw of another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from gauger.forecast.choose import group_weights
from gauger.forecast.designs import Rows
from gauger.forecast.literature import UNKNOWN, Array, Codes, LiteratureRows
from gauger.forecast.predictors import METHODS, ROLES, SURFACE_OF_METHOD, taught_to_reason
from gauger.forecast.scenario import UNKNOWN_VALUE, Between, PositiveBetween, Scenario, ScenarioBenchmark

DRAWS = 400
KEPT = PositiveBetween(low=0.1, high=1.0)
SHOWN_BY: dict[str, str] = {METHODS[method]: shown for method, shown in SURFACE_OF_METHOD.items()}
"""Method of a scenario -> the surface it needs."""


@dataclass(frozen=True)
class Imagined:
    """m draws of the scenario."""

    rows: Rows
    start: Array
    """(m,) starting scores as shares."""


def imagine(
    scenario: Scenario,
    literature: LiteratureRows,
    role: str,
    control: str,
    dose: Any,
    draws: int = DRAWS,
    seed: int = 0,
) -> Imagined:
    """Draw a scenario's unknowns for one role, control and dose.

    Parameters
    ----------
    scenario : Scenario
    literature : LiteratureRows
        Where unknown values come from.
    role, control : str
        As the literature calls them.
    dose : number, range or "unknown"
        Exchanges.
    draws : int
        m.
    seed : int
        Of all draws.
    """
    donors = literature.take(literature.role == ROLES.index(role))
    draw = _Draw(donors, draws, f"{seed}|{role}")
    asked = [benchmark for benchmark in scenario.asked() if benchmark.role == role] or [ScenarioBenchmark(role=role)]  # type: ignore[arg-type]
    which = np.arange(draws) % len(asked)
    begin = _per_benchmark(asked, which, lambda benchmark: draw.percent("start", benchmark.start))
    numbers = {
        "start": begin, "lead": _per_benchmark(asked, which, lambda benchmark: _lead(draw, benchmark, begin)),
        **_dose(scenario, draw, dose),
        "size": np.log2(draw.positive("size", scenario.student.parameters_b, lambda v: 2.0**v)),
        "year": np.full(draws, float(scenario.year)),
    }  # fmt: skip
    surface, method = _surface_and_method(scenario, draw)
    domain = _per_benchmark(asked, which, lambda benchmark: draw.kind("domain", benchmark.domain))
    categories = {
        "control": np.full(draws, control),
        "surface": surface,
        "method": method,
        "domain": domain,
        "hard": _per_benchmark(
            asked, which, lambda benchmark: draw.kind("hard", _said(benchmark.hard, "hard", "other"))
        ),
        "student": draw.kind("student", _said(scenario.student.post_trained, "post-trained", "base")),
        "access": draw.kind("access", scenario.teacher.access),
        "reasoning in": np.array([taught_to_reason(str(d), str(m)) for d, m in zip(domain, method, strict=True)]),
    }
    rows = Rows(np.full(draws, ROLES.index(role), dtype=np.intp), numbers, categories, imagined=True)
    return Imagined(rows, 1.0 / (1.0 + np.exp(-begin)))


def _said(value: bool | str, yes: str, no: str) -> str:
    return value if isinstance(value, str) else yes if value else no


def _per_benchmark(asked: list[ScenarioBenchmark], which: Codes, values: Any) -> Any:
    """Draw for every benchmark, and keep each draw's own."""
    return np.choose(which, [values(benchmark) for benchmark in asked])


def _lead(draw: _Draw, benchmark: ScenarioBenchmark, begin: Array) -> Array:
    if benchmark.teacher == UNKNOWN_VALUE:
        return draw.number("lead")
    return np.asarray(draw.percent("teacher", benchmark.teacher) - begin)


def _dose(scenario: Scenario, draw: _Draw, dose: Any) -> dict[str, Array]:
    """Samples and tokens, log10."""
    if dose == UNKNOWN_VALUE:
        samples = draw.number("samples")
    else:
        kept = KEPT if scenario.dose.kept == UNKNOWN_VALUE else scenario.dose.kept
        samples = np.log10(draw.positive("exchanges", dose) * draw.positive("kept", kept))
    tokens = draw.number("tokens")
    if scenario.dose.tokens_per_sample != UNKNOWN_VALUE:
        stated = samples + np.log10(draw.positive("each", scenario.dose.tokens_per_sample))
        # Few studies print tokens, most of them of pre-training: outside of those the dose in samples speaks alone.
        tokens = np.where((stated >= np.nanmin(tokens)) & (stated <= np.nanmax(tokens)), stated, tokens)
    return {"samples": samples, "tokens": tokens}


def _surface_and_method(scenario: Scenario, draw: _Draw) -> tuple[Any, Any]:
    """Draw the method among those that the surface allows, and an unknown surface as the method needs it."""
    surface, method = scenario.surface, scenario.method
    if method == UNKNOWN_VALUE:
        allowed = None if surface == UNKNOWN_VALUE else _methods_of(surface)
        methods = draw.kind("method", UNKNOWN_VALUE, allowed)
    else:
        methods = draw.kind("method", method)
    if surface != UNKNOWN_VALUE:
        return draw.kind("surface", surface), methods
    fitting = np.array([SHOWN_BY.get(str(method), "reasoning") for method in methods])
    return fitting, methods


def _methods_of(surface: str) -> tuple[str, ...]:
    """Methods that work with what a surface shows: with hidden reasoning, answers and short rationales."""
    if surface in ("answers", "summary"):
        return ("answers", "rationales")
    if surface == "reasoning":
        return ("reasoning-traces", "rationales", "trajectories", "with-rl")
    return ("logits", "on-policy")


class _Draw:
    """Draws values for one role; each predictor has its own stream."""

    def __init__(self, donors: LiteratureRows, draws: int, seed: str) -> None:
        self.donors, self.draws, self.seed = donors, draws, seed
        self.weight = group_weights(donors.study)

    def _stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng(crc32(f"{self.seed}|{name}".encode()))

    def _even(self, name: str) -> Array:
        """A permutation of evenly spread probabilities: less noise than independent ones."""
        return (self._stream(name).permutation(self.draws) + 0.5) / self.draws

    def number(self, name: str) -> Array:
        """Values of a predictor as the literature has them."""
        values = self.donors.numbers[name]
        known = ~np.isnan(values)
        if not known.any():
            return np.full(self.draws, np.nan)
        order = np.argsort(values[known], kind="stable")
        share = np.cumsum(self.weight[known][order])
        # start and lead share a stream, so that a low start goes with a large lead
        even = self._even("start" if name == "lead" else name)
        even = 1.0 - even if name == "lead" else even
        return np.asarray(values[known][order][np.searchsorted(share / share[-1], even).clip(0, known.sum() - 1)])

    def percent(self, name: str, value: Any) -> Array:
        """A score on the logit scale."""
        if value == UNKNOWN_VALUE:
            return self.number(name)
        share = self._between(name, value) / 100.0
        share = np.clip(share, 0.005, 0.995)
        return np.asarray(np.log(share / (1.0 - share)))

    def positive(self, name: str, value: Any, known: Any = None) -> Array:
        """A number above 0."""
        if value == UNKNOWN_VALUE:
            return np.asarray(known(self.number(name)))
        return self._between(name, value)

    def _between(self, name: str, value: Any) -> Array:
        if isinstance(value, PositiveBetween):
            low, high = np.log(value.low), np.log(value.high)
            return np.asarray(np.exp(low + (high - low) * self._even(name)))
        if isinstance(value, Between):
            return np.asarray(value.low + (value.high - value.low) * self._even(name))
        return np.full(self.draws, float(value))

    def kind(self, name: str, value: str, allowed: tuple[str, ...] | None = None) -> Any:
        """A category: as said, or as the literature's studies have it."""
        if value != UNKNOWN_VALUE:
            return np.full(self.draws, value)
        levels = self.donors.categories[name]
        fits = levels != UNKNOWN if allowed is None else np.isin(levels, allowed)
        if not fits.any():
            return np.array((allowed or (UNKNOWN,)) * self.draws)[: self.draws]
        names, codes = np.unique(levels[fits], return_inverse=True)
        share = np.cumsum(np.bincount(codes.ravel(), self.weight[fits]))
        return names[np.searchsorted(share / share[-1], self._even(name)).clip(0, len(names) - 1)]

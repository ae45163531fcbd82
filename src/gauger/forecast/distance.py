"""Measures how far a scenario lies from the studies, and where the literature can no longer say anything.

Per predictor and role the literature *supports* the stretch between its third smallest and third largest study: two
studies alone hold up nothing. Beyond it, distance is counted in doublings (of dose, size, odds) or years. A form may be
flat in a predictor, and a truth may bend where nobody has looked: so distance alone decides on a refusal, never the
form. Up to `LIMITS` a forecast is given and widened as the back-test found necessary (`extrapolation.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from gauger.forecast.imagine import Imagined
from gauger.forecast.literature import UNKNOWN, Array, LiteratureRows
from gauger.forecast.predictors import CATEGORIES, FACTS, NUMBERS, ROLES

LIMITS: Mapping[str, float] = MappingProxyType({
    "start": 1.0, "lead": 2.0, "samples": 2.0, "size": 1.0, "year": 1.0,
})  # fmt: skip
"""Doublings (years) beyond the supported stretch up to which a forecast is given. The back-test of extrapolation has
been as far in dose and start; size and year allow one step. Training tokens are not judged: few studies print them, so
the dose is measured in samples."""
FEWEST = 3
"""Studies that a kind of control, surface, method, student or benchmark needs."""
WORDS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "start": ("starting score", "doublings of the odds"), "lead": ("teacher's lead", "doublings of the odds"),
    "samples": ("dose", "doublings of training samples"), "size": ("student's size", "doublings of parameters"),
    "year": ("year", "years"),
})  # fmt: skip


@dataclass(frozen=True)
class Step:
    """How far a scenario lies in one predictor."""

    predictor: str
    value: float | str
    """The scenario's, in its own unit; a range's farther end."""
    low: float | None
    """Supported from."""
    high: float | None
    """Supported to."""
    beyond: float
    """Doublings or years beyond; 0 inside. Positive above, negative below."""
    limit: float
    studies: int
    """Studies of the role that tell this predictor; of a category: that have this level."""
    supported: bool
    sentence: str
    """What to say about it; empty inside."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return asdict(self)


@dataclass(frozen=True)
class Distance:
    """How far a scenario lies from one role's studies."""

    steps: tuple[Step, ...]

    @property
    def beyond(self) -> tuple[Step, ...]:
        """The steps that lie outside."""
        return tuple(step for step in self.steps if step.beyond != 0)

    @property
    def largest(self) -> float:
        """Largest distance in any predictor, doublings or years."""
        return max((abs(step.beyond) for step in self.steps), default=0.0)

    @property
    def refusals(self) -> tuple[Step, ...]:
        """The steps that the literature does not support."""
        return tuple(step for step in self.steps if not step.supported)


def _shown(name: str, x: float) -> float:
    """A predictor's value in its own unit."""
    if name == "start":
        return float(100.0 / (1.0 + np.exp(-x)))
    if name == "samples":
        return float(10.0**x)
    return float(2.0**x) if name == "size" else float(x)


def supported_stretch(literature: LiteratureRows, role: int, name: str) -> tuple[float, float, int] | None:
    """Return (low, high, studies) of a numeric predictor on its own scale; None below three studies that tell it.

    Parameters
    ----------
    literature : LiteratureRows
    role : int
        Position in `ROLES`.
    name : str
        One of `NUMBERS`.
    """
    x = literature.numbers[name]
    here = (literature.role == role) & ~np.isnan(x)
    studies = np.unique(literature.study[here])
    if len(studies) < FEWEST:
        return None
    most = np.sort([x[here & (literature.study == study)].max() for study in studies])
    least = np.sort([x[here & (literature.study == study)].min() for study in studies])
    return float(least[FEWEST - 1]), float(most[-FEWEST]), len(studies)


def measure(literature: LiteratureRows, imagined: Imagined, stated: Mapping[str, bool]) -> Distance:
    """Measure a scenario's distance in every predictor that it states.

    Parameters
    ----------
    literature : LiteratureRows
    imagined : Imagined
        Draws of one role, control and dose.
    stated : mapping
        Predictor -> whether the scenario states it; what it does not state is drawn from the studies themselves.
    """
    role = int(imagined.rows.role[0])
    steps = [
        _number_step(literature, role, number.name, number.doublings, imagined.rows.numbers[number.name])
        for number in NUMBERS if number.name in LIMITS and stated.get(number.name, False)
    ]  # fmt: skip
    for name in FACTS:
        if stated.get(name, False):
            for level in np.unique(imagined.rows.categories[name]):
                steps.append(_level_step(literature, role, name, str(level)))
    return Distance(tuple(steps))


def _number_step(literature: LiteratureRows, role: int, name: str, doublings: float, drawn: Array) -> Step:
    word, unit = WORDS[name]
    stretch = supported_stretch(literature, role, name)
    if stretch is None:
        text = f"fewer than {FEWEST} studies of {ROLES[role]} benchmarks tell the {word}"
        return Step(name, _shown(name, float(np.median(drawn))), None, None, 0.0, LIMITS[name], 0, True, text)
    low, high, studies = stretch
    # the middle 90 % of a range: its farthest draws weigh too little to refuse the rest
    ends = np.quantile(drawn, [0.05, 0.95])
    above, below = max(ends[1] - high, 0.0) * doublings, max(low - ends[0], 0.0) * doublings
    far, beyond = (float(ends[1]), float(above)) if above >= below else (float(ends[0]), -float(below))
    beyond = beyond if abs(beyond) > 1e-9 else 0.0
    text = ""
    if beyond:
        side, edge = ("above", high) if beyond > 0 else ("below", low)
        text = f"{word} {_figure(name, far)}: {abs(beyond):.1f} {unit} {side} what three studies reach "
        text += f"({_figure(name, edge)})"
    return Step(
        name, _shown(name, far), _shown(name, low), _shown(name, high), beyond, LIMITS[name], studies,
        abs(beyond) <= LIMITS[name], text,
    )  # fmt: skip


def _figure(name: str, x: float) -> str:
    value = _shown(name, x)
    if name == "samples":
        return f"{value:,.0f}" if value < 1e6 else f"{value / 1e6:,.1f} million"
    if name == "year":
        return f"{value:.0f}"
    return f"{value:.0f} %" if name == "start" else f"{value:.0f} billion" if name == "size" else f"{value:.1f}"


def _level_step(literature: LiteratureRows, role: int, name: str, level: str) -> Step:
    """A category: control needs studies of this very role, the others of any."""
    has = literature.categories[name] == level
    if name == "control":
        has = has & (literature.role == role)
    studies = len(np.unique(literature.study[has]))
    enough = studies >= FEWEST or level == UNKNOWN
    where = f" of {ROLES[role]} benchmarks" if name == "control" else ""
    text = "" if enough else f"{name} {level!r}: {studies} studies{where}, fewer than {FEWEST}"
    return Step(name, level, None, None, 0.0, 0.0, studies, enough, text)


def nearest_levels(literature: LiteratureRows, name: str) -> list[str]:
    """The levels of a category that enough studies have: what can be asked instead."""
    levels = next(category.levels for category in CATEGORIES if category.name == name)
    return [
        level for level in levels
        if len(np.unique(literature.study[literature.categories[name] == level])) >= FEWEST
    ]  # fmt: skip

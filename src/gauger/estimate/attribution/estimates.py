"""Attributes a gain to ingredients: the registry of contrasts over the cells of a factorial.

They stand beside the estimands of `estimands.REGISTRY` and are asked wherever a design has `ingredients`. The `arm` of
such an estimate names the ingredient (`distil`), the pair (`web:distil`), or all ingredients that it is about
(`web+distil`); `control` the arm without any ingredient, where that is what it is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from gauger.estimate.attribution.ingredients import IN, Ingredients
from gauger.estimate.attribution.scheme import Scheme
from gauger.stats import effects_of_order
from gauger.stats.crossed import FloatArray

PER_TOKENS, PER_FLOPS = 1e6, 1e12
"""Per million training tokens; per teraFLOP (10^12 operations)."""


@dataclass(frozen=True)
class Subject:
    """One attribution to be made: of what, with which weights over the 2^k cells."""

    arm: str
    """What stands in `Estimate.arm`."""
    weights: FloatArray | None
    """(2^k,); NaN where the cells do not identify it. None: the arm itself, against the control."""
    over: FloatArray | None = None
    """(2^k,) weights of the denominator of a ratio."""
    control: str | None = None
    note: str | None = None
    ingredients: tuple[int, ...] = ()
    """Whose Shapley values are added up; empty where it rests on no drawn orders."""
    scale: float = 1.0

    @property
    def scaled(self) -> FloatArray:
        """Return the weights in the unit of the estimate."""
        assert self.weights is not None  # noqa: S101 - only a comparison of arms has none, and no scale
        return self.scale * self.weights


@dataclass(frozen=True)
class Attribution:
    """One kind of attribution."""

    question: str
    """What it answers, in one line."""
    subjects: Callable[[Ingredients, Scheme], list[Subject]]
    """Everything it is reported for in one factorial."""
    is_ratio: bool = False


def _main(ingredients: Ingredients, scheme: Scheme) -> list[Subject]:
    return [Subject(name, scheme.main[i], note=scheme.note("main", i)) for i, name in enumerate(ingredients.names)]


def _pairs(kind: str) -> Callable[[Ingredients, Scheme], list[Subject]]:
    """Report on every pair of ingredients with one of the scheme's weights."""

    def subjects(ingredients: Ingredients, scheme: Scheme) -> list[Subject]:
        effects = effects_of_order(len(ingredients.names), 2)
        rows: FloatArray = getattr(scheme, kind)
        return [
            Subject(ingredients.effect(effect), rows[row], note=scheme.note(kind, row))
            for row, effect in enumerate(effects)
        ]

    return subjects


def _shapley(ingredients: Ingredients, scheme: Scheme) -> list[Subject]:
    return [
        Subject(
            name, scheme.shapley[i], control=_nothing(ingredients), note=scheme.note("shapley", i), ingredients=(i,)
        )
        for i, name in enumerate(ingredients.names)
    ]


def _per(amounts: str, unit: float) -> Callable[[Ingredients, Scheme], list[Subject]]:
    """Report Shapley values per so many tokens or FLOPs, for ingredients whose amount is known."""

    def subjects(ingredients: Ingredients, scheme: Scheme) -> list[Subject]:
        known: dict[str, float] = getattr(ingredients, amounts)
        return [
            Subject(
                subject.arm,
                subject.weights,
                None,
                subject.control,
                subject.note,
                subject.ingredients,
                unit / known[subject.arm],
            )
            for subject in _shapley(ingredients, scheme)
            if known.get(subject.arm)
        ]

    return subjects


def _total(ingredients: Ingredients, scheme: Scheme) -> list[Subject]:
    return [Subject(IN.join(ingredients.names), scheme.total, None, _nothing(ingredients), scheme.note("total", 0))]


def _teacher(ingredients: Ingredients, scheme: Scheme) -> list[Subject]:
    if not ingredients.teacher:
        return []
    rows = tuple(ingredients.names.index(name) for name in ingredients.names if name in ingredients.teacher)
    notes = dict.fromkeys(note for note in (scheme.note("shapley", row) for row in rows) if note)
    name = IN.join(ingredients.names[row] for row in rows)
    return [
        Subject(
            name,
            scheme.shapley[list(rows)].sum(axis=0),
            scheme.total,
            _nothing(ingredients),
            " ".join(notes) or None,
            rows,
        )
    ]


def _step(ingredients: Ingredients, _scheme: Scheme) -> list[Subject]:
    """Differences along the pipeline: what a table that adds one ingredient after the other would show."""
    steps = ((name, (1 << i + 1) - 1, (1 << i) - 1) for i, name in enumerate(ingredients.names))
    return _differences(ingredients, steps)


def _ablation(ingredients: Ingredients, _scheme: Scheme) -> list[Subject]:
    """All ingredients against all but one: what a leave-one-out table would show."""
    full = ingredients.full
    return _differences(ingredients, ((name, full, full ^ 1 << i) for i, name in enumerate(ingredients.names)))


def _orders(ingredients: Ingredients, _scheme: Scheme) -> list[Subject]:
    """Every arm that has all ingredients in another order, against the declared one."""
    declared, *others = ingredients.arms.get(ingredients.full, (None,))
    return [Subject(arm, None, control=declared) for arm in others if arm is not None]


def _differences(ingredients: Ingredients, pairs: Iterable[tuple[str, int, int]]) -> list[Subject]:
    """Set one cell against another, where the design has both."""
    subjects = []
    for name, cell, other in pairs:
        if cell in ingredients.arms and other in ingredients.arms:
            weights = np.zeros(ingredients.full + 1)
            weights[cell], weights[other] = 1.0, -1.0
            subjects.append(Subject(name, weights))
    return subjects


def _nothing(ingredients: Ingredients) -> str | None:
    """Name the arm without any ingredient; None where the factorial lacks it."""
    return next(iter(ingredients.arms.get(0, ())), None)


ATTRIBUTIONS: dict[str, Attribution] = {
    "pipeline_gain": Attribution("How much do all ingredients together gain over none of them?", _total),
    "shapley": Attribution("Which part of that gain is an ingredient's, over all orders of coming in?", _shapley),
    "teacher_share": Attribution("Which share of the gain is due to the teacher's ingredients?", _teacher, True),
    "main_effect": Attribution("What does an ingredient change, averaged over having the others or not?", _main),
    "interaction": Attribution("How much more does one add with the other than without it?", _pairs("pairs")),
    "shapley_interaction": Attribution(
        "The same, weighted as in the Shapley value: do two help each other, or do the same work?",
        _pairs("shapley_pairs"),
    ),
    "step_gain": Attribution("What does an ingredient add to those before it in the pipeline?", _step),
    "ablation_loss": Attribution("What is lost if it alone is left out of the whole pipeline?", _ablation),
    "order_effect": Attribution("How much better is the whole pipeline in another order?", _orders),
    "shapley_per_million_tokens": Attribution(
        "How much of the gain does a million training tokens of the ingredient buy?", _per("tokens", PER_TOKENS)
    ),
    "shapley_per_teraflop": Attribution(
        "How much of the gain do 10^12 training operations of the ingredient buy?", _per("flops", PER_FLOPS)
    ),
}
"""Attribution by name, in the order of the report. Where all cells ran, pipeline_gain = sum of shapley, exactly, and
of step_gain too."""

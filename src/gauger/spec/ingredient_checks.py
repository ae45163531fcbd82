"""Checks a factorial: names that exist, words that define a fraction, samples that fit, free names."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gauger.errors import nearest
from gauger.spec.fault import Fault
from gauger.spec.ingredient_cells import IN, WITH, all_orders, asks_teacher, factorial_cells, word_of
from gauger.spec.ingredients import Factorial, FractionDesign, SampleDesign
from gauger.stats import pairs_within, regular_fraction

ROOT = ("factorial",)
LEAST_RESOLUTION = 3


def check_factorial(
    factorial: Factorial, taken: Collection[str], *, paired: bool = True, base: bool = True
) -> Iterator[Fault]:
    """Find every contradiction within a factorial, and with the study around it.

    Parameters
    ----------
    factorial : Factorial
        As validated against the schema.
    taken : collection of str
        Names of the study's declared arms and generated controls, except `base`: cells are arms too.
    paired : bool
        The study's `estimation.paired`.
    base : bool
        Whether the control `base` is on.
    """
    faults = [*_check_order(factorial)]
    yield from faults
    if faults:
        return
    yield from _check_ingredients(factorial)
    if not paired:
        hint = "Cells continue the same trained models, so their replicates are paired."
        yield Fault(("estimation", "paired"), "true with a factorial", "false", hint, (ROOT,))
    broken = [*_check_design(factorial), *_check_other_orders(factorial)]
    yield from broken
    if not broken:
        yield from _check_names(factorial, taken)
        if not base and any(not cell.recipe for cell in factorial_cells(factorial)):
            hint = "The untouched student is the cell without ingredients. Take controls.base.off away."
            yield Fault(
                ("controls", "base", "off"), "the control base to be on, with this factorial", "off", hint, (ROOT,)
            )


def _check_order(factorial: Factorial) -> Iterator[Fault]:
    """The order must name every ingredient once."""
    path, names = (*ROOT, "order"), factorial.order
    for i, name in enumerate(names):
        if name not in factorial.ingredients:
            hint = nearest(name, factorial.ingredients)
            yield Fault((*path, i), "an ingredient", f"{name!r}", hint, ((*ROOT, "ingredients"),))
        elif name in names[:i]:
            yield Fault((*path, i), "each ingredient once", f"{name!r} twice")
    missing = [name for name in factorial.ingredients if name not in names]
    if missing and set(names) <= set(factorial.ingredients):
        yield Fault(path, "all ingredients in pipeline order", f"none of {', '.join(missing)}")


def _check_ingredients(factorial: Factorial) -> Iterator[Fault]:
    for name, ingredient in factorial.ingredients.items():
        path = (*ROOT, "ingredients", name)
        if ingredient.off == "matched" and not asks_teacher(ingredient):
            hint = "Without the teacher its stages would be what they are; leave off out."
            yield Fault((*path, "off"), "nothing where no stage learns from the teacher", "'matched'", hint, (path,))
        if ingredient.teacher is False and asks_teacher(ingredient):
            hint = "Leave teacher out: a stage of this ingredient trains on what the teacher said."
            yield Fault((*path, "teacher"), "true or null", "false", hint, ((*path, "stages"),))


def _check_design(factorial: Factorial) -> Iterator[Fault]:
    design, k = factorial.design, len(factorial.order)
    if isinstance(design, FractionDesign):
        yield from _check_words(factorial, design)
    if isinstance(design, SampleDesign):
        path = (*ROOT, "design", "cells")
        if pairs_within(k, design.cells) < 1:
            hint = "An order of the ingredients and its reverse pass through 2 k cells."
            yield Fault(path, f"at least {2 * k} cells of {k} ingredients", f"{design.cells}", hint, (ROOT,))
        elif design.cells >= 2**k:
            yield Fault(path, f"fewer than all {2**k} cells", f"{design.cells}", "Then kind: full runs them.", (ROOT,))


def _check_words(factorial: Factorial, design: FractionDesign) -> Iterator[Fault]:
    """Every word must name three ingredients or more, once each, and be independent of those before it."""
    known: list[tuple[int, int]] = []
    for i, word in enumerate(design.words):
        path, names = (*ROOT, "design", "words", i), word.removeprefix("-").split(WITH)
        strangers = [name for name in names if name not in factorial.ingredients]
        if strangers:
            hint = nearest(strangers[0], factorial.ingredients)
            yield Fault(path, "a word of ingredients", f"{strangers[0]!r}", hint, ((*ROOT, "ingredients"),))
            return
        if len(set(names)) < len(names):
            yield Fault(path, "each ingredient once in a word", f"'{word}'")
            return
        try:
            fraction = regular_fraction(len(factorial.order), [*known, word_of(factorial, word)])
        except ValueError:
            hint = "It follows from the words before it, or contradicts them."
            yield Fault(path, "a word of its own", f"'{word}'", hint, ((*ROOT, "design"),))
            return
        if (fraction.resolution or LEAST_RESOLUTION) < LEAST_RESOLUTION:
            shortest = min(fraction.relation, key=int.bit_count)
            named = WITH.join(name for n, name in enumerate(factorial.order) if shortest >> n & 1)
            hint = "Effects of single ingredients could not be told apart."
            yield Fault(path, "words, and products of words, of three ingredients or more", f"'{named}'", hint)
            return
        known.append(word_of(factorial, word))


def _check_other_orders(factorial: Factorial) -> Iterator[Fault]:
    path, orders = (*ROOT, "other_orders"), all_orders(factorial)
    for i, order in enumerate(orders[1:], start=1):
        at, text = (*path, i - 1), IN.join(order)
        if sorted(order) != sorted(factorial.order):
            hint = f"For example: {IN.join(reversed(factorial.order))}"
            yield Fault(at, "all ingredients, each once", f"'{text}'", hint, ((*ROOT, "ingredients"),))
        elif order in orders[:i]:
            yield Fault(at, "another order than those before it", f"'{text}'", "", ((*ROOT, "order"),))
    if factorial.other_orders and any(ingredient.off == "matched" for ingredient in factorial.ingredients.values()):
        hint = "Where an ingredient that is out is replaced, its place in the order would not show in the cell's name."
        yield Fault(path, "no other orders where an ingredient has off: matched", "some", hint, (ROOT,))


def _check_names(factorial: Factorial, taken: Collection[str]) -> Iterator[Fault]:
    """Cells of one ingredient, and the one without any, must not take the name of another arm."""
    for cell in factorial_cells(factorial):
        if cell.name in taken or cell.name.startswith("matched-"):
            path = (*ROOT, "ingredients", cell.name)
            hint = "The cell with this ingredient alone is an arm of that name; rename one of them."
            yield Fault(path, "a name that no arm has", f"{cell.name!r}", hint, (("arms",),), extra=True)

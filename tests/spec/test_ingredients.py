"""The factorial of a study: its cells, what they share, and what is said of a wrong one."""

from __future__ import annotations

from itertools import combinations

import pytest
import yaml
from pydantic import ValidationError

from gauger.spec.ingredient_cells import (
    drawn_orders,
    factorial_cells,
    teacher_ingredients,
    training_rows,
)
from gauger.spec.ingredient_checks import check_factorial
from gauger.spec.ingredients import Factorial
from gauger.spec.stages.resolved import TextSource

TEXT = """
order: [web, human, distil, more]
ingredients:
  web: {stages: [{kind: continue, steps: 300, batch: 10}]}
  human: {stages: [{kind: sft, source: reference, forms: [quiz], steps: 100, batch: 10}]}
  distil:
    stages:
      - {kind: text-distill, strategy: label, seeds: web, forms: [quiz], samples: 8, steps: 40, batch: 10}
      - {kind: text-distill, strategy: seedless, seeds: seedless, forms: [quiz], samples: 8, steps: 60, batch: 10}
  more: {stages: [{kind: continue, steps: 100, batch: 10}]}
"""


def factorial(**changes):
    data = {**yaml.safe_load(TEXT), **changes}
    return Factorial.model_validate(data)


def ingredient(name, **more):
    return {**yaml.safe_load(TEXT)["ingredients"][name], **more}


def test_every_subset_is_a_cell_named_by_what_is_in_it():
    cells = factorial_cells(factorial())
    names = ("web", "human", "distil", "more")
    subsets = [some for n in range(5) for some in combinations(names, n)]
    assert [cell.ingredients for cell in cells] == subsets
    assert [cell.name for cell in cells] == ["base", *("+".join(some) for some in subsets[1:])]
    assert cells[0].recipe == ()
    assert {cell.uses_teacher for cell in cells if "distil" in cell.ingredients} == {True}
    assert {cell.uses_teacher for cell in cells if "distil" not in cell.ingredients} == {False}


def test_cells_that_begin_alike_begin_with_the_same_stages():
    cells = {cell.name: cell.recipe for cell in factorial_cells(factorial())}
    assert cells["web+human+distil+more"][:2] == cells["web+human"]
    assert cells["web+distil"][:1] == cells["web"]
    assert len(cells["web+distil"]) == 3


def test_what_sharing_saves_is_counted_by_hand():
    """Alone: each ingredient in 8 cells. Shared: the first is trained once, the second twice, then 4 and 8 times."""
    alone, shared = training_rows(cell.recipe for cell in factorial_cells(factorial()))
    assert alone == 8 * 10 * (300 + 100 + 100 + 100)
    assert shared == 10 * (300 + 2 * 100 + 4 * 100 + 8 * 100)
    assert shared / alone < 0.45


def test_off_matched_replaces_the_teacher_and_names_the_empty_cell():
    asked = factorial(
        ingredients={**yaml.safe_load(TEXT)["ingredients"], "distil": ingredient("distil", off="matched")}
    )
    cells = {cell.name: cell.recipe for cell in factorial_cells(asked)}
    assert "base" not in cells
    assert [stage.source for stage in cells["none"]] == [TextSource.WEB, TextSource.WEB]
    assert [stage.steps for stage in cells["none"]] == [40, 60]
    assert [stage.source for stage in cells["distil"]] == [TextSource.TEACHER, TextSource.TEACHER]
    assert len(cells["human"]) == 3


def test_a_fraction_keeps_the_cells_of_its_word():
    cells = factorial_cells(factorial(design={"kind": "fraction", "words": ["web:human:distil:more"]}))
    assert {len(cell.ingredients) % 2 for cell in cells} == {0}
    assert len(cells) == 8
    others = factorial_cells(factorial(design={"kind": "fraction", "words": ["-web:human:distil:more"]}))
    assert {len(cell.ingredients) % 2 for cell in others} == {1}


def test_a_sample_is_drawn_by_its_seed_within_its_number():
    asked = factorial(design={"kind": "sample", "cells": 14})
    cells = [cell.name for cell in factorial_cells(asked)]
    assert len(cells) <= 14
    assert {"base", "web+human+distil+more"} <= set(cells)
    assert cells == [cell.name for cell in factorial_cells(asked)]
    orders = drawn_orders(asked)
    assert orders[0] == orders[1][::-1]
    seeds = [{"kind": "sample", "cells": 8, "seed": seed} for seed in range(5)]
    assert len({tuple(cell.name for cell in factorial_cells(factorial(design=one))) for one in seeds}) > 1
    assert drawn_orders(factorial()) == ()


def test_other_orders_run_what_differs_once():
    cells = factorial_cells(factorial(other_orders=["distil+web+human+more"]))
    names = [cell.name for cell in cells]
    assert len(set(names)) == len(names) == 16 + 6
    assert "distil+web" in names
    assert "web+human" in names
    assert "human+web" not in names


def test_the_teachers_ingredients_are_those_that_ask_it_unless_the_study_says_so():
    assert teacher_ingredients(factorial()) == ("distil",)
    told = {**yaml.safe_load(TEXT)["ingredients"], "more": ingredient("more", teacher=True)}
    assert teacher_ingredients(factorial(ingredients=told)) == ("distil", "more")


def test_a_good_factorial_has_no_faults():
    for design in (
        {"kind": "full"},
        {"kind": "fraction", "words": ["web:human:distil"]},
        {"kind": "sample", "cells": 8},
    ):
        assert not [*check_factorial(factorial(design=design), ("label", "matched"))]


INGREDIENTS = yaml.safe_load(TEXT)["ingredients"]
MATCHED = {**INGREDIENTS, "distil": {**INGREDIENTS["distil"], "off": "matched"}}


def words(*of):
    return {"design": {"kind": "fraction", "words": list(of)}}


def with_ingredient(name, **more):
    return {"ingredients": {**INGREDIENTS, name: {**INGREDIENTS[name], **more}}}


WRONG = [
    ({"order": ["web", "human", "distil"]}, "order", "all ingredients in pipeline order", "none of more"),
    ({"order": ["web", "human", "distil", "mroe"]}, "order.3", "an ingredient", "'mroe'"),
    ({"order": ["web", "human", "distil", "more", "web"]}, "order.4", "each ingredient once", "'web' twice"),
    (words("web:humna:distil"), "design.words.0", "a word of ingredients", "'humna'"),
    (words("web:web:distil"), "design.words.0", "each ingredient once in a word", "'web:web:distil'"),
    (words("web:human"), "design.words.0", "three ingredients or more", "'web:human'"),
    (words("web:human:distil", "human:distil:more"), "design.words.1", "three ingredients or more", "'web:more'"),
    (words("web:human:distil", "-web:human:distil"), "design.words.1", "a word of its own", "'-web:human:distil'"),
    ({"design": {"kind": "sample", "cells": 7}}, "design.cells", "at least 8 cells of 4 ingredients", "7"),
    ({"design": {"kind": "sample", "cells": 16}}, "design.cells", "fewer than all 16 cells", "16"),
    ({"other_orders": ["web+human"]}, "other_orders.0", "all ingredients, each once", "'web+human'"),
    ({"other_orders": ["web+human+distil+more"]}, "other_orders.0", "another order", "'web+human+distil+more'"),
    (with_ingredient("web", off="matched"), "ingredients.web.off", "nothing", "'matched'"),
    (with_ingredient("distil", teacher=False), "ingredients.distil.teacher", "true or null", "false"),
    (
        {"ingredients": MATCHED, "other_orders": ["more+web+human+distil"]},
        "other_orders",
        "off: matched",
        "some",
    ),
]


@pytest.mark.parametrize(("changes", "place", "wanted", "given"), WRONG, ids=[place for _, place, _, _ in WRONG])
def test_what_is_said_of_a_wrong_factorial(changes, place, wanted, given):
    (fault,) = check_factorial(factorial(**changes), ())
    assert ".".join(map(str, fault.path)) == f"factorial.{place}"
    assert wanted in fault.wanted
    assert fault.given == given


def test_cells_take_no_name_of_another_arm():
    (fault,) = check_factorial(factorial(), ("human", "matched"))
    assert fault.path == ("factorial", "ingredients", "human")
    assert fault.given == "'human'"


def test_unpaired_estimation_is_refused():
    (fault,) = check_factorial(factorial(), (), paired=False)
    assert fault.path == ("estimation", "paired")


def test_a_study_without_a_base_has_no_empty_cell():
    (fault,) = check_factorial(factorial(), (), base=False)
    assert fault.path == ("controls", "base", "off")


@pytest.mark.parametrize(
    "changes",
    [
        {"design": {"kind": "fraction", "words": ["web"]}},
        {"design": {"kind": "fraction", "words": []}},
        {"design": {"kind": "sample", "cells": 3}},
        {"ingredients": {"web": INGREDIENTS["web"]}},
        {"other_orders": ["web"]},
        {"kind": "full"},
    ],
)
def test_the_schema_refuses(changes):
    with pytest.raises(ValidationError):
        factorial(**changes)

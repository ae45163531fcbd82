"""From a study's factorial to the estimator: cells, orders, paths, and what each ingredient took."""

from __future__ import annotations

import yaml

from gauger.estimate.attribution.amounts import amounts, ingredients_of
from gauger.spec.ingredients import Factorial

TEXT = """
order: [web, distil]
ingredients:
  web: {stages: [{kind: continue, steps: 3}, {kind: sft, source: web, forms: [quiz], steps: 1}]}
  distil:
    stages: [{kind: text-distill, strategy: label, seeds: web, forms: [quiz], samples: 8, steps: 4}]
"""


def factorial(off="nothing", **changes):
    data = {**yaml.safe_load(TEXT), **changes}
    data["ingredients"]["distil"]["off"] = off
    return Factorial.model_validate(data)


def test_the_estimator_is_told_cells_teacher_and_amounts():
    found = ingredients_of(factorial(), {"web": 5.0})
    assert found.names == ("web", "distil")
    assert dict(found.cells) == {"base": (), "web": ("web",), "distil": ("distil",), "web+distil": ("web", "distil")}
    assert found.teacher == ("distil",)
    assert found.tokens == {"web": 5.0}
    assert found.words == found.drawn == found.orders == ()
    assert dict(found.paths) == dict(found.cells)


def test_what_replaces_an_ingredient_is_training_too():
    found = ingredients_of(factorial(off="matched"))
    assert found.paths["none"] == ("distil replaced",)
    assert found.paths["web"] == ("web", "distil replaced")
    arms = ("none", "web", "web+distil", "distil")
    assert found.kinship(arms)[1].tolist() == [0, 2000, 1002, 0]


def test_other_orders_and_samples_are_told():
    both = ingredients_of(factorial(other_orders=["distil+web"]))
    assert both.orders == (("web", "distil"), ("distil", "web"))
    assert both.arms[3] == ("web+distil", "distil+web")
    assert both.arms[1] == ("web", "web")


def test_amounts_add_up_the_stages_of_the_largest_cell():
    by_stage = {
        ("web+distil", 0): 30.0,
        ("web+distil", 1): 10.0,
        ("web+distil", 2): 50.0,
        ("distil", 0): 49.0,
    }
    assert amounts(factorial(), by_stage) == {"web": 40.0, "distil": 50.0}
    assert amounts(factorial(), {("distil", 0): 49.0}) == {"distil": 49.0}
    matched = {("web", 0): 30.0, ("web", 1): 10.0, ("web", 2): 45.0}
    assert amounts(factorial(off="matched"), matched) == {"web": 40.0}


def test_amounts_follow_the_order_of_each_cell():
    found = amounts(
        factorial(other_orders=["distil+web"]),
        {("distil+web", 0): 50.0, ("distil+web", 1): 30.0, ("distil+web", 2): 10.0},
    )
    assert found == {"web": 40.0, "distil": 50.0}

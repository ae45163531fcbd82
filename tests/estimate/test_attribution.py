"""Every attribution against its definition, by loops over the rows; designs, notes, orders, and what is undefined."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from math import factorial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gauger.errors import UserError
from gauger.estimate.attribution.estimates import ATTRIBUTIONS
from gauger.estimate.attribution.ingredients import Ingredients
from gauger.estimate.attribution.plan import plan_attributions
from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.planted_pipeline import PlantedPipeline, prepare_pipeline, true_values
from gauger.estimate.calibrate.simulate import cube_to_records
from gauger.estimate.cell_means import Cells
from gauger.estimate.estimands import REGISTRY
from gauger.estimate.estimator import estimate_study
from gauger.estimate.score_arrays import build_cube
from gauger.estimate.table import complete_table
from gauger.records import ArmInfo, Reason
from gauger.report.wording import ESTIMANDS

from .studies import Literal, find

NAMES = ("web", "human", "distil", "rl")
ROUNDED = 1e-9
"""Stored numbers have ten significant digits, and are below 1."""
PIPELINE = PlantedPipeline(
    dividends={"web": 0.05, "human": 0.1, "distil": 0.15, "rl": 0.03, "human:rl": 0.06, "web:human:distil": 0.04},
    noise=Planted(items=20, replicates=3, benchmarks=2),
)


def drawn(planted=PIPELINE, seed=1):
    rng = np.random.default_rng(seed)
    generator = prepare_pipeline(planted, rng)
    return cube_to_records(generator.draw(rng)), generator.design


RECORDS, PLAIN = drawn()
DESIGN = replace(
    PLAIN, ingredients=replace(PLAIN.ingredients, tokens={"web": 3e6, "distil": 5e5}, flops={"human": 2e12, "rl": 0.0})
)
STUDY = estimate_study(RECORDS, DESIGN)
LITERAL = Literal(RECORDS, dict(DESIGN.roles))
FOUND = [one for one in STUDY.estimates if one.estimand in ATTRIBUTIONS]


def mu(names, where):
    return LITERAL.mean("+".join(name for name in NAMES if name in names) or "base", where)


def every_subset(of):
    return [[name for i, name in enumerate(of) if number >> i & 1] for number in range(2 ** len(of))]


def others(*names):
    return [name for name in NAMES if name not in names]


def shapley(name, where):
    total = 0.0
    for order in permutations(NAMES):
        before = order[: order.index(name)]
        total += mu((*before, name), where) - mu(before, where)
    return total / factorial(len(NAMES))


def second(first, other, have, where):
    with_first = mu([*have, first, other], where) - mu([*have, other], where)
    return with_first - (mu([*have, first], where) - mu(have, where))


def interaction(pair, where):
    first, other = pair.split(":")
    values = [second(first, other, have, where) for have in every_subset(others(first, other))]
    return sum(values) / len(values)


def shapley_interaction(pair, where):
    first, other = pair.split(":")
    total = 0.0
    for have in every_subset(others(first, other)):
        share = factorial(len(have)) * factorial(len(NAMES) - len(have) - 2) / factorial(len(NAMES) - 1)
        total += share * second(first, other, have, where)
    return total


def main_effect(name, where):
    subsets = every_subset(others(name))
    return sum(mu([*have, name], where) - mu(have, where) for have in subsets) / len(subsets)


def step(name, where):
    place = NAMES.index(name)
    return mu(NAMES[: place + 1], where) - mu(NAMES[:place], where)


DEFINITIONS = {
    "pipeline_gain": lambda _, where: mu(NAMES, where) - mu((), where),
    "shapley": shapley,
    "teacher_share": lambda _, where: shapley("distil", where) / (mu(NAMES, where) - mu((), where)),
    "main_effect": main_effect,
    "interaction": interaction,
    "shapley_interaction": shapley_interaction,
    "step_gain": step,
    "ablation_loss": lambda name, where: mu(NAMES, where) - mu(others(name), where),
    "shapley_per_million_tokens": lambda name, where: shapley(name, where) / {"web": 3.0, "distil": 0.5}[name],
    "shapley_per_teraflop": lambda name, where: shapley(name, where) / {"human": 2.0}[name],
}


def test_every_attribution_has_a_literal_definition_and_a_name_of_its_own():
    assert {*DEFINITIONS, "order_effect"} == set(ATTRIBUTIONS)
    assert not set(ATTRIBUTIONS) & set(REGISTRY)


@pytest.mark.parametrize("estimand", list(DEFINITIONS))
def test_every_value_is_its_definition(estimand):
    found = [one for one in FOUND if one.estimand == estimand]
    assert len(found) in (6, 12, 24, 36)
    for one in found:
        assert one.reason is None
        assert one.value == pytest.approx(DEFINITIONS[estimand](one.arm, one.benchmark or one.over), abs=ROUNDED)
        assert one.n_replicates == 3
        if one.note is None:
            assert one.low < one.value < one.high
        else:
            assert estimand == "teacher_share"
            assert "denominator may" in one.note or "family" in one.note


def test_shapley_values_and_steps_add_up_to_the_gain():
    for where in ("targeted", "near"):
        gain = find(FOUND, "pipeline_gain", "+".join(NAMES), over=where).value
        for name in ("shapley", "step_gain"):
            parts = [find(FOUND, name, one, over=where).value for one in NAMES]
            assert sum(parts) == pytest.approx(gain, abs=1e-9)
        assert gain == pytest.approx(find(STUDY.estimates, "gain", "+".join(NAMES), over=where).value, abs=ROUNDED)


def test_controls_name_the_arm_without_ingredients_where_that_is_what_is_compared():
    against_nothing = {
        "pipeline_gain",
        "shapley",
        "teacher_share",
        "shapley_per_million_tokens",
        "shapley_per_teraflop",
    }
    assert {one.estimand for one in FOUND if one.control == "base"} == against_nothing
    assert {one.control for one in FOUND if one.estimand not in against_nothing} == {None}


def test_a_design_without_ingredients_asks_for_no_attribution():
    assert not [one for one in estimate_study(RECORDS, replace(DESIGN, ingredients=None)).estimates if one in FOUND]


def test_without_a_teachers_ingredient_there_is_no_teachers_share():
    design = replace(DESIGN, ingredients=replace(DESIGN.ingredients, teacher=()))
    assert "teacher_share" not in {one.estimand for one in estimate_study(RECORDS, design).estimates}


def test_a_share_of_two_ingredients_is_the_sum_of_theirs():
    design = replace(DESIGN, ingredients=replace(DESIGN.ingredients, teacher=("rl", "distil")))
    share = find(estimate_study(RECORDS, design).estimates, "teacher_share", "distil+rl", over="near").value
    parts = [find(FOUND, "shapley", name, over="near").value for name in ("distil", "rl")]
    assert share == pytest.approx(sum(parts) / find(FOUND, "pipeline_gain", "+".join(NAMES), over="near").value)


def test_a_cell_that_failed_leaves_undefined_what_rests_on_it_and_nothing_else():
    left = RECORDS.filter(RECORDS["arm"] != "web+rl")
    found = [one for one in estimate_study(left, DESIGN).estimates if one.estimand in ATTRIBUTIONS]
    reasons = {one.estimand: set() for one in found}
    for one in found:
        reasons[one.estimand].add(one.reason)
        assert (one.value is None) == (one.reason is not None)
    missing = str(Reason.ARM_MISSING)
    for name in ("shapley", "main_effect", "interaction", "shapley_interaction", "teacher_share"):
        assert reasons[name] == {missing}
    for name in ("step_gain", "ablation_loss", "pipeline_gain"):
        assert reasons[name] == {None}


def test_a_fraction_says_its_aliases_and_gives_what_its_cells_show():
    planted = replace(PIPELINE, words=("web:human:distil:rl",))
    records, design = drawn(planted)
    found = estimate_study(records, design).estimates
    literal = Literal(records, dict(design.roles))
    means = {arm: literal.mean(arm, "near") for arm in design.ingredients.cells}
    assert len(means) == 8
    with_web = np.mean([value for arm, value in means.items() if "web" in arm])
    without = np.mean([value for arm, value in means.items() if "web" not in arm])
    one = find(found, "main_effect", "web", over="near")
    assert one.value == pytest.approx(with_web - without, abs=ROUNDED)
    assert one.note == "Aliased in this fraction of the cells with human:distil:rl."
    value = find(found, "shapley", "web", over="near")
    assert value.value == pytest.approx(one.value)
    assert "taken as zero" in value.note
    both = find(found, "interaction", "web:human", over="near")
    assert both.note == "Aliased in this fraction of the cells with distil:rl."
    assert not [one for one in found if one.estimand in ("step_gain", "ablation_loss")]
    total = find(found, "pipeline_gain", "+".join(NAMES), over="near")
    assert total.value == pytest.approx(sum(find(found, "shapley", name, over="near").value for name in NAMES))


def test_the_other_half_has_its_aliases_with_a_minus():
    records, design = drawn(replace(PIPELINE, words=("-web:human:distil",)))
    found = estimate_study(records, design).estimates
    assert find(found, "main_effect", "web", over="near").note.endswith("with minus human:distil.")


def test_a_sample_of_cells_widens_the_intervals_by_its_own_error():
    planted = replace(PIPELINE, sample=14)
    records, design = drawn(planted, seed=3)
    found = estimate_study(records, design).estimates
    blind = estimate_study(records, replace(design, ingredients=replace(design.ingredients, drawn=()))).estimates
    total = find(found, "pipeline_gain", "+".join(NAMES), over="near").value
    assert sum(find(found, "shapley", name, over="near").value for name in NAMES) == pytest.approx(total, abs=1e-9)
    one = find(found, "shapley", "distil", over="near")
    assert "the standard error of that" in one.note
    planned = [
        entry
        for entry in plan_attributions(Cells(prepare_cube(records, design), design))
        if entry.estimand == "shapley" and entry.sampling is not None
    ]
    assert len(planned) == 4 * 6
    assert all(entry.sampling.df == 3 for entry in planned)
    assert find(blind, "shapley", "distil", over="near").reason == Reason.ARM_MISSING
    effects = [one for one in found if one.estimand in ("main_effect", "interaction")]
    assert any(one.note and one.note.startswith("Least squares") for one in effects)


def prepare_cube(records, design):
    return build_cube(complete_table(records, design), design)


def test_one_drawn_pair_of_orders_says_what_cannot_be_seen():
    records, design = drawn(replace(PIPELINE, sample=8))
    one = find(estimate_study(records, design).estimates, "shapley", "distil", over="near")
    assert one.note.startswith("From one order of the ingredients and its reverse")


def test_orders_are_averaged_and_compared():
    planted = replace(PIPELINE, names=("web", "distil"), dividends={"web": 0.05, "distil": 0.15})
    records, design = drawn(planted)
    again = records.filter(records["arm"] == "web")
    other = again.with_columns(arm=pl.lit("distil+web"))
    ingredients = replace(
        design.ingredients,
        cells={**design.ingredients.cells, "distil+web": ("distil", "web")},
        orders=(("web", "distil"), ("distil", "web")),
    )
    design = replace(design, arms=(*design.arms, ArmInfo("distil+web", "distilled", "")), ingredients=ingredients)
    records = pl.concat([records, other.select(records.columns)])
    found = estimate_study(records, design).estimates
    literal = Literal(records, dict(design.roles))
    full = (literal.mean("web+distil", "near") + literal.mean("web", "near")) / 2
    gain = find(found, "pipeline_gain", "web+distil", over="near")
    assert gain.value == pytest.approx(full - literal.mean("base", "near"), abs=ROUNDED)
    effect = find(found, "order_effect", "distil+web", over="near")
    assert effect.value == pytest.approx(literal.mean("web", "near") - literal.mean("web+distil", "near"), abs=ROUNDED)
    assert effect.control == "web+distil"


def test_ingredients_that_contradict_themselves_are_refused():
    cells = {"base": (), "web": ("web",)}
    with pytest.raises(UserError, match="2 to 6 different ingredients"):
        Ingredients(names=("web",), cells=cells)
    with pytest.raises(UserError, match=r"a declared ingredient, got 'wbe'. Did you mean 'web'"):
        Ingredients(names=("web", "rl"), cells=cells, teacher=("wbe",))
    with pytest.raises(UserError, match="a fraction or a sample"):
        Ingredients(names=("web", "rl"), cells=cells, words=("web:rl",), drawn=(("web", "rl"), ("rl", "web")))
    with pytest.raises(UserError, match="independent defining words"):
        _ = Ingredients(names=("web", "rl"), cells=cells, words=("web:rl", "-web:rl")).fraction
    with pytest.raises(UserError, match="an arm for every cell"):
        replace(DESIGN, arms=DESIGN.arms[1:])


def test_kinship_counts_what_was_trained_together_and_how_far_arms_went_apart_since():
    arms = ("web", "web+human", "web+human+rl", "web+rl", "rl", "base")
    found = DESIGN.ingredients.kinship(arms)
    assert found[0].tolist()[1:] == [1001, 1002, 1001, 0, 0]
    assert found[2].tolist() == [1002, 2001, 3000, 1003, 0, 0]
    assert (found == found.T).all()
    moved = replace(DESIGN.ingredients, paths={"rl": ("web", "x")})
    assert moved.kinship(arms)[4].tolist()[:2] == [1001, 1002]


def test_planted_dividends_give_the_planted_scores():
    values = true_values(PIPELINE, "near")
    assert values[0] == pytest.approx(0.3)
    assert values[0b0111] == pytest.approx(0.3 + 0.6 * (0.05 + 0.1 + 0.15 + 0.04))
    with pytest.raises(UserError, match="planted scores"):
        true_values(replace(PIPELINE, dividends={"web": 0.9}), "targeted")


@pytest.mark.parametrize("name", ATTRIBUTIONS)
def test_every_attribution_is_documented_and_worded(name):
    docs = Path(__file__).parent.parent.parent / "docs"
    assert f"`{name}`" in (docs / "vocabulary.md").read_text("utf-8")
    assert f"\n| `{name}` | " in (docs / "methods.md").read_text("utf-8")
    assert ESTIMANDS[name].unit in ("points", "percent", "rate")

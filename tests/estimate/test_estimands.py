"""Every estimand of the registry against its definition in docs/methods.md, computed by loops over the rows."""

from dataclasses import replace

import polars as pl
import pytest

from gauger.errors import UserError
from gauger.estimate.design import Design
from gauger.estimate.estimands import REGISTRY, find_estimand
from gauger.estimate.estimator import estimate_study
from gauger.records import ArmKind, Reason

from .studies import Literal, find, small_design, small_records

RECORDS = small_records()
DESIGN = replace(
    small_design(),
    arms=tuple(
        replace(arm, teacher_tokens=20_000, queries=400, usd=0.8) if arm.kind == ArmKind.DISTILLED else arm
        for arm in small_design().arms
    ),
)
STUDY = estimate_study(RECORDS, DESIGN)
LITERAL = Literal(RECORDS, dict(DESIGN.roles))
D, M, B, T, F = "distilled1", "matched", "base", "teacher", "format"
LEAKY, LAUNDERED = "leak", "reference"
"""Arms that stand for those of `controls: launder` in the literal definitions."""


def mu(arm, where):
    return LITERAL.mean(arm, where)


def beyond(arm, where):
    return mu(arm, where) - mu(arm, "parallel")


def uplift(where, arm=D):
    return mu(arm, where) - mu(M, where)


DEFINITIONS = {
    "score": lambda where: mu(D, where),
    "gain": lambda where: mu(D, where) - mu(B, where),
    "uplift": uplift,
    "gap_recovered": lambda where: uplift(where) / (mu(T, where) - mu(M, where)),
    "carryover": lambda where: uplift(where) / uplift("targeted"),
    "benchmark_bound_share": lambda where: 1 - uplift(where) / uplift("targeted"),
    "memorisation": lambda where: (mu(D, where) - mu(D, "parallel")) - (mu(M, where) - mu(M, "parallel")),
    "leak_in_teacher": lambda where: beyond(LEAKY, where) - beyond(T, where),
    "laundered_leak": lambda where: beyond(LAUNDERED, where) - beyond(D, where),
    "laundered_share": lambda where: (
        (beyond(LAUNDERED, where) - beyond(D, where)) / (beyond(LEAKY, where) - beyond(T, where))
    ),
    "format_effect": lambda where: mu(F, where) - mu(B, where),
    "training_effect": lambda where: mu(M, where) - mu(F, where),
    "format_share": lambda where: (mu(F, where) - mu(B, where)) / (mu(D, where) - mu(B, where)),
    "uplift_per_thousand_teacher_tokens": lambda where: uplift(where) / 20,
    "uplift_per_query": lambda where: uplift(where) / 400,
    "uplift_per_dollar": lambda where: uplift(where) / 0.8,
}
ARM_OF = {
    "format_effect": F, "training_effect": M,
    "leak_in_teacher": LEAKY, "laundered_leak": LAUNDERED, "laundered_share": LAUNDERED,
}  # fmt: skip


def contaminated():
    """The same records, two arms of which stand for a teacher that saw the test items and for its student."""
    kinds = {LEAKY: {"kind": ArmKind.LEAKY_TEACHER}, LAUNDERED: {"kind": ArmKind.LAUNDER, "twin": D}}
    arms = tuple(replace(arm, **kinds.get(arm.name, {})) for arm in DESIGN.arms)
    return estimate_study(RECORDS, replace(DESIGN, arms=arms))


def test_every_estimand_has_a_literal_definition():
    # those of a laundered leak have theirs in tests/study/test_laundering.py: their arms are there only where asked for
    assert set(DEFINITIONS) | {"leak_in_teacher", "laundered_leak", "laundered_share"} == set(REGISTRY)


def test_a_ratio_over_exactly_nothing_is_undefined():
    own = pl.col("arm") == D
    base = RECORDS.filter((pl.col("arm") == B) & (pl.col("benchmark") == "far2")).select("item", base="score")
    same = RECORDS.join(base, on="item", how="left").with_columns(
        score=pl.when(own & (pl.col("benchmark") == "far2")).then("base").otherwise("score")
    )
    study = estimate_study(same.drop("base"), DESIGN)
    assert find(study.estimates, "gain", D, benchmark="far2").value == 0
    assert find(study.estimates, "format_share", D, benchmark="far2").reason == Reason.NO_GAIN


@pytest.mark.parametrize("estimand", DEFINITIONS)
def test_every_value_is_its_definition(estimand):
    arm = ARM_OF.get(estimand, D)
    study = contaminated() if "leak" in estimand or "laundered" in estimand else STUDY
    found = [one for one in study.estimates if one.estimand == estimand and one.arm == arm and one.scale == "points"]
    assert found
    defined = [one for one in found if one.reason is None]
    assert len(defined) >= 5 or len(defined) == len(found)
    for one in defined:
        assert one.value == pytest.approx(DEFINITIONS[estimand](one.benchmark or one.over), rel=1e-9, abs=1e-12)


def test_the_controls_are_those_of_the_definitions():
    controls = {"score": None, "gain": B, "format_effect": B, "training_effect": F, "format_share": B}
    for one in STUDY.estimates:
        own = "leak_twin" if (one.estimand, one.arm) == ("memorisation", "leak") else M
        assert one.control == controls.get(one.estimand, own)


def test_placebo_leak_and_reference_are_set_against_the_matched_arm():
    for arm in ("placebo", "leak", "reference"):
        for where in ("targeted", "near1"):
            key = "over" if where == "targeted" else "benchmark"
            assert find(STUDY.estimates, "uplift", arm, **{key: where}).value == pytest.approx(uplift(where, arm))


def test_a_leak_is_memorised_beyond_its_twin_and_beyond_the_matched_arm_where_it_has_none():
    lift = {where: mu("leak", where) - mu("leak_twin", where) for where in ("targeted", "parallel")}
    leak = find(STUDY.estimates, "memorisation", "leak")
    assert leak.value == pytest.approx(lift["targeted"] - lift["parallel"])
    arms = tuple(arm for arm in DESIGN.arms if arm.kind != "leak_twin")
    alone = estimate_study(RECORDS.filter(pl.col("arm") != "leak_twin"), Design(arms, DESIGN.roles))
    leak = find(alone.estimates, "memorisation", "leak")
    assert leak.value == pytest.approx(uplift("targeted", "leak") - uplift("parallel", "leak"))


def test_gain_is_format_plus_training_plus_uplift_everywhere():
    for gain in [one for one in STUDY.estimates if one.estimand == "gain" and one.arm == D]:
        where = {"benchmark": gain.benchmark, "over": gain.over}
        parts = [("format_effect", F), ("training_effect", M), ("uplift", D)]
        total = sum(find(STUDY.estimates, name, arm, **where).value for name, arm in parts)
        assert total == pytest.approx(gain.value, abs=1e-9)


def test_each_arm_is_set_against_its_own_matched_control():
    arms = tuple(replace(a, matched="format") if a.name == D else a for a in DESIGN.arms)
    study = estimate_study(RECORDS, Design(arms, DESIGN.roles))
    one = find(study.estimates, "uplift", D, over="near")
    assert one.control == "format"
    assert one.value == pytest.approx(mu(D, "near") - mu(F, "near"))


def test_skills_give_carryover_and_memorisation_per_skill():
    skills = {name: "facts" if name.endswith("1") else "sums" for name in DESIGN.roles}
    study = estimate_study(RECORDS, Design(DESIGN.arms, DESIGN.roles, skills=skills))
    carry = find(study.estimates, "carryover", D, benchmark="near2")
    assert carry.value == pytest.approx(uplift("near2") / uplift("targeted2"))
    memorised = find(study.estimates, "memorisation", D, benchmark="targeted1")
    assert memorised.value == pytest.approx(uplift("targeted1") - uplift("parallel1"))
    assert find(study.estimates, "carryover", D, over="near").value == pytest.approx(
        uplift("near") / uplift("targeted")
    )


def test_benchmarks_without_roles_are_averaged_over_all():
    arms = tuple(arm for arm in DESIGN.arms if arm.name in (D, M))
    records = RECORDS.filter(RECORDS["arm"].is_in([D, M])).drop("role")
    study = estimate_study(records, Design(arms))
    assert {one.estimand for one in study.estimates} >= {"score", "uplift"}
    everywhere = find(study.estimates, "uplift", D, over="all")
    assert everywhere.value == pytest.approx(sum(uplift(name) for name in DESIGN.roles) / len(DESIGN.roles))


def test_estimands_that_lack_their_control_arm_are_not_asked():
    arms = tuple(arm for arm in DESIGN.arms if arm.kind in (ArmKind.DISTILLED, ArmKind.MATCHED))
    study = estimate_study(RECORDS.filter(RECORDS["arm"].is_in([D, M])), Design(arms, DESIGN.roles))
    asked = {one.estimand for one in study.estimates}
    assert asked.isdisjoint({"gain", "gap_recovered", "format_effect", "training_effect", "format_share"})
    assert {"score", "uplift", "carryover", "memorisation"} <= asked


def test_an_unknown_estimand_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="Did you mean 'carryover'"):
        find_estimand("carry_over")

"""Each check ends passed, failed or not powered exactly where an interval on the verdict's own estimand says so."""

from dataclasses import replace

import pytest

from gauger.estimate.assay import CHECKS, NO_MARGIN, NO_TWIN, ON_TARGETED, make_checks, plan_checks
from gauger.estimate.contrasts import run_batch
from gauger.estimate.design import FixedRule
from gauger.estimate.estimator import estimate_study
from gauger.estimate.verdict_inputs import judged

from .studies import SMALL, small_cells, small_design, small_records

LARGE = replace(SMALL, items=1500, replicates=4, replicate_sd=0.02, reference_lead=0.3)
"""Standard errors of about two per cent of the lead: every planted value is on a bound or four of them from it."""


def checks_of(planted, **rule):
    cells = small_cells(planted)
    asked = FixedRule(arm="distilled1", **rule)
    planned = plan_checks(cells, asked)
    batch = run_batch(cells, [entry for check in planned for entry in check.entries])
    return {check.name: check for check in make_checks(batch, 0, planned, cells.design, asked)}


def test_a_sound_instrument_passes_every_check():
    assert {name: check.outcome for name, check in checks_of(LARGE).items()} == dict.fromkeys(CHECKS, "passed")


@pytest.mark.parametrize(
    ("effect", "outcome"), [(-0.1, "passed"), (0.0, "passed"), (0.125, "not_powered"), (0.3, "failed")]
)
def test_a_placebo_may_lie_anywhere_below_its_margin(effect, outcome):
    """The margin is half the threshold of .25; a placebo that is a little good is no failure of the instrument."""
    assert checks_of(replace(LARGE, placebo_effect=effect))["placebo"].outcome == outcome


def test_the_margin_is_that_of_the_rule():
    good = replace(LARGE, placebo_effect=0.15)
    assert checks_of(good, threshold=0.5, placebo_margin=0.25)["placebo"].outcome == "passed"
    assert checks_of(good, threshold=0.5, placebo_margin=0.05)["placebo"].outcome == "failed"


@pytest.mark.parametrize(("threshold", "margin"), [(-0.1, None), (-0.05, 0.04), (0.0, 0.04)])
@pytest.mark.parametrize(("forgetting", "theta"), [(0.0, 0.0), (0.2, -0.2), (-0.2, 0.2)])
def test_a_sound_study_is_judged_also_where_nothing_at_all_would_clear_the_threshold(
    threshold, margin, forgetting, theta
):
    """On far benchmarks placebo and leak add nothing: held against a threshold at or below 0 a large study is lost."""
    planted = replace(LARGE, forgetting=forgetting)
    rule = FixedRule(arm="distilled1", estimand="uplift", role="far", threshold=threshold, placebo_margin=margin)
    verdict = estimate_study(small_records(planted), replace(small_design(planted), rule=rule)).verdict
    assert {check["name"]: check["outcome"] for check in verdict.checks if check["name"] != "reference"} == {
        "placebo": "passed", "leak": "passed", "memorisation": "passed",
    }  # fmt: skip
    assert verdict.estimate.value == pytest.approx(theta, abs=0.02)
    # At a threshold of 0 the reference, which adds nothing on far benchmarks either, is not major: minor is not said.
    minor, level = ("minor", "major") if threshold < 0 else ("not_powered", "undetermined")
    assert verdict.outcome == {-0.2: minor, 0.0: level, 0.2: "major"}[theta]


@pytest.mark.parametrize(
    ("threshold", "declared", "margin", "increment"),
    [
        (0.3, None, 0.15, 0.3),
        (0.3, 0.1, 0.1, 0.3),
        (-0.3, None, 0.15, 0.15),
        (-0.3, 0.5, 0.5, 0.5),
        (0.0, 0.1, 0.1, 0.1),
    ],
)
def test_placebo_and_leak_are_held_against_something_above_nothing(threshold, declared, margin, increment):
    rule = FixedRule(arm="d", threshold=threshold, placebo_margin=declared)
    assert (rule.margin, rule.most_increment) == (margin, increment)


def test_at_a_threshold_of_nothing_without_a_margin_no_check_fails():
    checks = checks_of(LARGE, threshold=0.0)
    assert {checks[name].outcome for name in ("placebo", "leak")} == {"not_powered"}
    assert all(NO_MARGIN in checks[name].detail for name in ("placebo", "leak"))


def test_what_a_leak_adds_is_not_looked_at_on_the_benchmarks_that_it_is_made_to_raise():
    """30 points on targeted benchmarks by construction: an increment that is major, the surer the larger the study."""
    checks = checks_of(LARGE, role="targeted", estimand="uplift", threshold=0.05)
    assert (checks["leak"].outcome, checks["leak"].detail) == ("not_made", ON_TARGETED)
    assert {checks[name].outcome for name in CHECKS if name != "leak"} == {"passed"}
    rule = FixedRule(arm="distilled1", role="targeted", estimand="uplift", threshold=0.05)
    study = estimate_study(small_records(LARGE), replace(small_design(LARGE), rule=rule))
    assert study.verdict.outcome == "major"
    assert "leak" not in [check["name"] for check in study.verdict.checks]


def test_a_placebo_that_never_learned_the_form_could_not_fail():
    """Below the base by a fifth of the lead: it passes by its interval, and shows nothing."""
    check = checks_of(replace(LARGE, training_effect=0.0, placebo_effect=-0.3))["placebo"]
    assert check.outcome == "not_powered"
    assert "never learned the form" in check.detail


def test_a_placebo_without_a_base_to_be_held_against_may_not_have_been_able_to_fail():
    cells = small_cells(LARGE)
    arms = tuple(arm for arm in cells.design.arms if arm.kind != "base")
    cells = replace(cells, design=replace(cells.design, arms=arms))
    asked = FixedRule(arm="distilled1")
    planned = [check for check in plan_checks(cells, asked) if check.name == "placebo"]
    batch = run_batch(cells, [entry for check in planned for entry in check.entries])
    check = make_checks(batch, 0, planned, cells.design, asked)[0]
    assert (check.name, check.outcome) == ("placebo", "not_powered")
    assert "cannot be seen" in check.detail


@pytest.mark.parametrize(
    ("increment", "outcome"), [(0.0, "passed"), (0.1, "passed"), (0.25, "not_powered"), (0.5, "failed")]
)
def test_a_leak_is_judged_by_its_increment(increment, outcome):
    assert checks_of(replace(LARGE, leak_increment=increment))["leak"].outcome == outcome


def test_without_a_twin_the_leak_could_not_fail():
    cells = small_cells(LARGE)
    arms = tuple(arm for arm in cells.design.arms if arm.kind != "leak_twin")
    cells = replace(cells, design=replace(cells.design, arms=arms))
    planned = [check for check in plan_checks(cells, FixedRule(arm="distilled1")) if check.name == "leak"]
    assert [check.could_not_fail for check in planned] == [NO_TWIN]


def at_the_floor(cells, arm):
    """Let an arm answer no quiz at all, but one item in one replicate."""
    place = cells.cube.arms.index(arm)
    for b, role in enumerate(cells.cube.roles):
        if role in ("targeted", "parallel"):
            scores = cells.cube.panel.scores[b]
            scores[place] = 0.0
            scores[place, 0, 0] = 1.0
            cells.cube.means[place, b] = scores[place].mean()
    return cells


def test_a_leak_is_seen_against_its_twin_where_the_matched_control_has_no_logit_to_speak_of():
    """Without a twin it is held against a control at the floor, whose logits are known to several units."""
    cells = at_the_floor(small_cells(replace(SMALL, items=200, replicates=4, replicate_sd=0.02)), "matched")
    outcomes = {}
    for arms in (cells.design.arms, tuple(arm for arm in cells.design.arms if arm.kind != "leak_twin")):
        alone = replace(cells, design=replace(cells.design, arms=arms))
        asked = FixedRule(arm="distilled1")
        planned = [check for check in plan_checks(alone, asked) if check.name == "memorisation"]
        batch = run_batch(alone, [entry for check in planned for entry in check.entries])
        (check,) = [one for one in make_checks(batch, 0, planned, alone.design, asked) if one.name == "memorisation"]
        outcomes[len(arms)] = check.outcome
        assert judged(batch, 0).interval(0.95).low > 0, "in points it is seen against either"
    assert list(outcomes.values()) == ["passed", "not_powered"]


def test_a_blind_leak_is_not_seen():
    assert checks_of(replace(LARGE, leak_is_blind=True))["memorisation"].outcome == "not_powered"


@pytest.mark.parametrize(("lead", "outcome"), [(0.3, "passed"), (0.1, "not_powered"), (0.0, "failed")])
def test_the_reference_must_be_major_by_the_same_rule(lead, outcome):
    assert checks_of(replace(LARGE, reference_lead=lead))["reference"].outcome == outcome


def test_checks_share_the_error_of_failing():
    """Where one check alone would fail by a hair, four together do not: its interval is taken at 1 - .05 / 4."""
    cells = small_cells(replace(SMALL, items=400, placebo_effect=0.3))
    rule = FixedRule(arm="distilled1", threshold=1.0)
    planned = plan_checks(cells, rule)
    batch = run_batch(cells, [entry for check in planned for entry in check.entries])
    piece = judged(batch, 0)
    low, strict = piece.interval(0.95).low, piece.interval(1 - 0.05 / len(planned)).low
    between = replace(rule, placebo_margin=(low + strict) / 2)
    assert make_checks(batch, 0, planned, cells.design, between)[0].outcome == "not_powered"
    assert make_checks(batch, 0, planned[:1], cells.design, between)[0].outcome == "failed"


def test_a_study_without_controls_has_no_checks_to_fail():
    cells = small_cells()
    arms = tuple(arm for arm in cells.design.arms if arm.kind in ("distilled", "matched", "teacher"))
    design = replace(cells.design, arms=arms, switched_off={"leak": "no test items"})
    cells = replace(cells, design=design)
    rule = FixedRule(arm="distilled1")
    planned = plan_checks(cells, rule)
    found = make_checks(run_batch(cells, []), 0, planned, design, rule)
    assert planned == []
    assert [(one.name, one.outcome) for one in found] == [(name, "not_made") for name in CHECKS]
    assert "no test items" in found[1].detail

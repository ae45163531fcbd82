"""The instrument's checks fire exactly where an interval, at the level of all checks together, says so."""

import pytest

from gauger.estimate.assay import assay_checks
from gauger.estimate.design import Design
from gauger.records import Estimate, Reason

from .studies import arm

DESIGN = Design((arm("placebo", "placebo"), arm("leak", "leak"), arm("reference", "reference")))


def made(estimand, arm, over, value, se, df=20.0):
    return Estimate(estimand, arm, "matched", over=over, role=over, value=value, se=se, df=df)


def check(name, *estimates):
    return next(one for one in assay_checks(estimates, DESIGN) if one.name == name)


@pytest.mark.parametrize(("value", "passed"), [(-0.2, True), (0.0, True), (0.02, True), (0.05, False)])
def test_the_placebo_may_hurt_but_not_help(value, passed):
    estimates = [made("uplift", "placebo", over, 0.0, 0.01) for over in ("targeted", "near")]
    found = check("placebo", *estimates, made("uplift", "placebo", "parallel", value, 0.01))
    assert found.passed is passed
    assert "parallel" in found.detail


def test_three_looks_at_the_placebo_are_one_check():
    """At t = 2.4 with 20 degrees of freedom one interval excludes 0 (2.086) but three at once do not (2.61)."""
    one = made("uplift", "placebo", "near", 0.024, 0.01)
    assert check("placebo", one).passed is False
    others = [made("uplift", "placebo", over, 0.0, 0.01) for over in ("targeted", "parallel")]
    assert check("placebo", one, *others).passed is True


def test_far_benchmarks_and_single_benchmarks_do_not_count():
    far = made("uplift", "placebo", "far", 0.5, 0.01)
    assert check("placebo", far, made("uplift", "placebo", "near", 0.0, 0.01)).passed is True


@pytest.mark.parametrize(("name", "estimand"), [("leak", "memorisation"), ("reference", "gain")])
@pytest.mark.parametrize(("value", "passed"), [(0.1, True), (0.01, False), (-0.1, False)])
def test_planted_effects_must_be_seen(name, estimand, value, passed):
    assert check(name, made(estimand, name, "targeted", value, 0.01)).passed is passed


def test_what_cannot_be_seen_is_no_failure_but_a_missing_arm_is():
    unseen = Estimate("memorisation", "leak", "matched", over="targeted", reason=Reason.BENCHMARK_MISSING)
    assert check("leak", unseen).passed is None
    missing = Estimate("memorisation", "leak", "matched", over="targeted", reason=Reason.ARM_MISSING)
    assert check("leak", missing).passed is False
    assert "could not be made" in check("leak", missing).detail


def test_a_study_without_controls_has_no_checks_to_fail():
    found = assay_checks([], Design((arm("distilled", "distilled"),), switched_off={"leak": "no test items"}))
    assert [one.passed for one in found] == [None, None, None]
    assert [one.name for one in found] == ["placebo", "leak", "reference"]
    assert "no test items" in found[1].detail

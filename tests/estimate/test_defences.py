"""Defences are judged against the best of their attackers, whichever it is, and never by the luck of one of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import polars as pl
import pytest

from gauger.errors import UserError
from gauger.estimate import estimate_study
from gauger.estimate.calibrate.planted_defences import PlantedDefences, prepare_defences
from gauger.estimate.calibrate.simulate import cube_to_records
from gauger.estimate.cell_means import Cells
from gauger.estimate.defences.best import ContrastFamily, best_of, maximin, without_luck
from gauger.estimate.defences.findings import find_defences
from gauger.estimate.defences.outcome import DefenceOutcome, decide_defence
from gauger.estimate.defences.question import DefenceQuestion
from gauger.estimate.defences.ratio_set import PairedRatio, rate_of_best, share_of_best
from gauger.records import Estimate, Reason, SetKind
from gauger.stats import ABSENT, fieller

PLANTED = PlantedDefences(
    uplift={
        "open": {"passive": 0.2, "filter": 0.2, "ask-again": 0.18},
        "noise": {"passive": 0.02, "filter": 0.19, "ask-again": 0.05},
        "nothing": {"passive": 0.2, "filter": 0.2, "ask-again": 0.18},
        "all": {"passive": 0.0, "filter": 0.0, "ask-again": 0.0},
    },
    honest_cost={"noise": 0.1, "all": 0.2},
    passive=frozenset({"passive"}),
    threshold=0.08,
    items=300,
    replicate_sd=0.02,
)


def cells_of(planted: PlantedDefences, seed: int = 1) -> Cells:
    generator = prepare_defences(planted)
    return Cells(generator.draw(np.random.default_rng(seed)), generator.design)


@pytest.fixture(scope="module")
def cells() -> Cells:
    return cells_of(PLANTED)


@pytest.fixture(scope="module")
def findings(cells):
    return find_defences(cells, cells.design.defences)


def row(findings, estimand: str, defence: str, attacker: str | None = None) -> Estimate:
    found = [
        one for one in findings.estimates if (one.estimand, one.defence, one.attacker) == (estimand, defence, attacker)
    ]
    assert len(found) == 1, (estimand, defence, attacker, len(found))
    return found[0]


def mean(cells: Cells, arm: str) -> float:
    """The mean over benchmarks of the mean over replicates and items, by plain loops."""
    a, means = cells.cube.arms.index(arm), []
    for scores in cells.cube.panel.scores:
        known = [float(s) for replicate in scores[a] for s in replicate if np.isfinite(s)]
        means.append(sum(known) / len(known))
    return sum(means) / len(means)


def test_every_single_estimate_is_a_difference_of_means(cells, findings):
    for surface, attackers in PLANTED.uplift.items():
        for attacker in attackers:
            uplift = mean(cells, f"{attacker}@{surface}") - mean(cells, "matched")
            assert row(findings, "uplift", surface, attacker).value == pytest.approx(uplift)
            if surface != "open":
                removed = mean(cells, f"{attacker}@open") - mean(cells, f"{attacker}@{surface}")
                assert row(findings, "uplift_removed", surface, attacker).value == pytest.approx(removed)
                share = uplift / (mean(cells, f"{attacker}@open") - mean(cells, "matched"))
                assert row(findings, "residual_share", surface, attacker).value == pytest.approx(share)
    cost = mean(cells, "teacher") - mean(cells, "teacher@noise")
    assert row(findings, "honest_cost", "noise").value == pytest.approx(cost)
    removed = row(findings, "uplift_removed", "noise").value
    assert row(findings, "exchange_rate", "noise").value == pytest.approx(removed / cost)


def test_planted_kinds_are_told_apart(findings):
    outcomes = {one.defence: one.outcome for one in findings.verdicts}
    assert outcomes == {
        "noise": DefenceOutcome.DOES_NOT,
        "nothing": DefenceOutcome.DOES_NOT,
        "all": DefenceOutcome.WORKS,
    }
    assert all(set(one.against) == {"passive", "filter", "ask-again"} for one in findings.verdicts)
    gap = row(findings, "adaptive_gap", "noise")
    assert gap.low > 0.05
    assert row(findings, "adaptive_gap", "open").low < 0 < row(findings, "adaptive_gap", "open").high


def test_only_a_passive_attacker_would_have_called_it_a_success(cells):
    question = cells.design.defences
    passive = {surface: {"passive": arms["passive"]} for surface, arms in question.attacks.items()}
    verdicts = find_defences(cells, replace(question, attacks=passive)).verdicts
    assert next(one for one in verdicts if one.defence == "noise").outcome == DefenceOutcome.WORKS


def test_the_truth_lies_within_the_ends_of_the_best(findings):
    for surface in PLANTED.uplift:
        found = row(findings, "best_uplift", surface)
        assert found.low <= PLANTED.best(surface) <= found.high
    removed = row(findings, "uplift_removed", "all")
    assert removed.low <= PLANTED.best("open") - PLANTED.best("all") <= removed.high
    assert removed.simultaneous_low <= removed.low
    assert removed.high <= removed.simultaneous_high
    share = row(findings, "residual_share", "noise")
    assert share.low <= PLANTED.best("noise") / PLANTED.best("open") <= share.high


def test_the_threshold_matters_and_nothing_else_moves(cells, findings):
    strict = replace(cells.design.defences, thresholds={**cells.design.defences.thresholds, "all": -0.5})
    found = find_defences(cells, strict)
    assert {one.defence: one.outcome for one in found.verdicts}["all"] == DefenceOutcome.DOES_NOT
    assert found.estimates == findings.estimates


def test_who_gains_nothing_on_the_open_surface_shows_nothing():
    weak = {surface: dict.fromkeys(own, 0.0) for surface, own in PLANTED.uplift.items()}
    cells = cells_of(replace(PLANTED, uplift=weak))
    found = find_defences(cells, cells.design.defences)
    assert {one.outcome for one in found.verdicts} == {DefenceOutcome.NOT_POWERED}
    share = row(found, "residual_share", "all")
    assert (share.value is None) == (share.reason is not None)


def test_without_replicates_nothing_is_decided():
    cells = cells_of(replace(PLANTED, replicates=1))
    found = find_defences(cells, cells.design.defences)
    assert {one.outcome for one in found.verdicts} == {DefenceOutcome.UNDETERMINED}


def without(cells: Cells, arm: str) -> Cells:
    """The same study without a single score of one arm."""
    a, cube = cells.cube.arms.index(arm), cells.cube
    scores = tuple(np.where(np.arange(len(one))[:, None, None] == a, np.nan, one) for one in cube.panel.scores)
    present = np.where(np.arange(len(cube.arms))[:, None] == a, False, cube.present)
    replicates = np.where(np.arange(len(cube.arms))[:, None] == a, ABSENT, cube.panel.replicates)
    panel = replace(cube.panel, scores=scores, replicates=replicates)
    return Cells(replace(cube, panel=panel, present=present), cells.design)


@pytest.mark.parametrize(
    ("starved", "outcome", "reason"),
    [
        (frozenset({"ask-again@all"}), DefenceOutcome.WORKS, Reason.NOTHING_CAME_THROUGH),
        (frozenset(), DefenceOutcome.UNDETERMINED, Reason.ARM_MISSING),
    ],
)
def test_an_attacker_who_got_no_answer_is_stopped_and_one_who_failed_is_unknown(cells, starved, outcome, reason):
    question = replace(cells.design.defences, starved=starved)
    lost = without(cells, "ask-again@all")
    found = find_defences(Cells(lost.cube, replace(lost.design, defences=question)), question)
    verdict = next(one for one in found.verdicts if one.defence == "all")
    assert verdict.outcome == outcome
    assert "ask-again" in verdict.why
    assert row(found, "uplift", "all", "ask-again").reason == reason
    assert row(found, "uplift_removed", "all", "ask-again").reason == reason, "whichever side of the difference it is"
    assert row(found, "best_uplift", "all").value is not None
    assert "not among them" in row(found, "best_uplift", "all").note


def test_what_is_removed_says_that_an_attacker_is_missing_on_the_open_surface(cells):
    lost = without(cells, "ask-again@open")
    found = find_defences(lost, lost.design.defences)
    for name in ("uplift_removed", "residual_share", "exchange_rate"):
        assert "not among them" in row(found, name, "all").note
    assert "not among them" not in row(found, "best_uplift", "all").note


def test_students_that_answer_alike_give_a_share_without_false_certainty(cells):
    cube = cells.cube
    copied = {cube.arms.index(f"{k}@nothing"): cube.arms.index(f"{k}@open") for k in PLANTED.uplift["open"]}
    scores = [np.array(one) for one in cube.panel.scores]
    for block in scores:
        for arms in copied.items():
            block[list(arms)] = 1.0
    same = Cells(replace(cube, panel=replace(cube.panel, scores=tuple(scores))), cells.design)
    question = cells.design.defences
    alone = {surface: {"passive": arms["passive"]} for surface, arms in question.attacks.items()}
    found = row(find_defences(same, replace(question, attacks=alone)), "residual_share", "nothing")
    assert found.value == pytest.approx(1.0)
    assert (found.kind, found.low, found.high) == (str(SetKind.NONE), None, None)


def family(values, sd=1.0, rho=0.0, df=np.inf) -> ContrastFamily:
    n = len(values)
    covariance = sd**2 * (rho * np.ones((n, n)) + (1 - rho) * np.eye(n))
    return ContrastFamily(np.array(values, dtype=float), covariance, np.full(n, df))


def test_the_luck_of_the_best_is_taken_away_and_a_clear_winner_keeps_its_value():
    rng = np.random.default_rng(3)
    drawn = rng.standard_normal((400, 8))
    naive = np.mean(drawn.max(axis=1))
    assert naive > 1.3  # eight equal attackers: 1.42 standard errors of luck
    corrected = np.array([without_luck(family(values)) for values in drawn[:200]])
    assert abs(np.median(corrected)) < 0.25  # standard error of the median: 0.06, and contenders are chosen
    assert without_luck(family([9.0, 0.0, 0.0])) == 9.0
    assert without_luck(family([0.4])) == 0.4


def test_ends_of_the_best_are_those_of_members_of_a_family():
    one = best_of(family([1.0, 2.0, 0.0]), np.array([2.0, 2.0, 2.0]))
    assert (one.low, one.high) == (0.0, 4.0)
    matrix = np.array([[1.0, 4.0], [3.0, 2.0], [0.0, 9.0]])
    assert maximin(matrix) == max(min(line) for line in matrix.tolist()) == 2.0


@pytest.mark.parametrize(("n", "d"), [(0.3, 1.0), (0.3, -1.0), (-0.2, 0.5), (0.1, 0.1), (0.4, 0.03)])
def test_one_pair_is_fiellers_set(n, d):
    covariance = np.array([[0.01, 0.003], [0.003, 0.02]])
    pair = PairedRatio(
        ContrastFamily(np.array([n, d]), covariance, np.array([7.0, 7.0])), np.array([[0]]), np.array([[1]])
    )
    exact = fieller(n, d, 0.01, 0.02, 0.003, 7.0, 0.95)
    for found in (share_of_best(pair, n / d, 0.95), rate_of_best(pair, n / d, 0.95)):
        kind = {"bounded": SetKind.INTERVAL, "outside": SetKind.OUTSIDE, "whole line": SetKind.EVERYTHING}[exact.kind]
        assert found.kind == kind
        if exact.low is not None:
            # The critical value of one contrast is drawn: its tail probability is known to 0.0017.
            assert (found.low, found.high) == pytest.approx((exact.low, exact.high), rel=0.08, abs=0.02)


def uplift(low: float, high: float) -> Estimate:
    return Estimate("uplift", "a", value=(low + high) / 2, simultaneous_low=low, simultaneous_high=high)


@pytest.mark.parametrize(
    ("opened", "defended", "outcome"),
    [
        ([(0.1, 0.2)], [(-0.1, 0.04)], DefenceOutcome.WORKS),
        ([(0.1, 0.2), (-0.1, 0.1)], [(-0.1, 0.04), (0.06, 0.3)], DefenceOutcome.DOES_NOT),
        ([(0.1, 0.2)], [(-0.1, 0.04), (0.0, 0.3)], DefenceOutcome.UNDETERMINED),
        ([(0.01, 0.2)], [(-0.1, 0.04)], DefenceOutcome.NOT_POWERED),
        ([(0.01, 0.2)], [(0.06, 0.3)], DefenceOutcome.DOES_NOT),
        ([(0.1, 0.2)], [(-0.1, 0.05)], DefenceOutcome.UNDETERMINED),
    ],
)
def test_outcomes_by_their_rule(opened, defended, outcome):
    names = [f"k{i}" for i in range(2)]
    uplifts = {
        "open": {name: uplift(*ends) for name, ends in zip(names, opened, strict=False)},
        "d": {name: uplift(*ends) for name, ends in zip(names, defended, strict=False)},
    }
    assert decide_defence("d", 0.05, uplifts, uplifts["open"]).outcome == outcome


def test_an_open_outcome_names_who_and_the_end_that_decides():
    """The set of the best alone may lie below the threshold: what decides is the interval that holds for all."""
    kept = {"a": uplift(-0.1, 0.04), "b": uplift(0.0, 0.105), "c": uplift(0.0, 0.2)}
    why = decide_defence("d", 0.1, {"d": kept}, {"a": uplift(0.2, 0.3)}).why
    expected = "b (up to +10.5 points) and c (up to +20.0 points) may still reach the threshold, by intervals that"
    assert why == f"{expected} hold for all attackers at once."


def test_an_open_surface_without_any_interval_decides_nothing():
    """Whether anybody could have reached the threshold there is not known, which is not that nobody could."""
    unknown = Estimate("uplift", "a", reason=str(Reason.ARM_MISSING))
    verdict = decide_defence("d", 0.1, {"d": {"a": uplift(-0.1, 0.04)}}, {"a": unknown})
    assert verdict.outcome == DefenceOutcome.UNDETERMINED
    assert "open surface: a" in verdict.why


WEAK = replace(
    PLANTED,
    uplift={"open": {"strong": 0.3, "weak": 0.0}, "cap": {"weak": 0.0}, "all": {"strong": 0.0, "weak": 0.0}},
    honest_cost={},
    passive=frozenset(),
)


def test_who_is_not_tried_on_a_defence_shows_nothing_of_it():
    """The 30 points that one attacker has on the open surface are no work of a cap that he was never held against."""
    cells = cells_of(WEAK)
    question = cells.design.defences
    findings = find_defences(cells, question)
    outcomes = {one.defence: one.outcome for one in findings.verdicts}
    assert outcomes == {"cap": DefenceOutcome.NOT_POWERED, "all": DefenceOutcome.WORKS}
    same = row(findings, "uplift_removed", "cap", "weak")
    assert row(findings, "uplift_removed", "cap").value == pytest.approx(same.value, abs=1e-9)
    assert row(findings, "residual_share", "cap").reason or abs(same.value) < 0.05
    assert row(findings, "uplift_removed", "all").low > 0.2  # naive: the best of all on the open surface, for both


def test_who_has_nothing_left_to_learn_from_is_stopped_by_that():
    """An attacker of log-probabilities cannot be tried where none are shown: what he loses is the defence's work."""
    cells = cells_of(WEAK)
    question = replace(cells.design.defences, shut_out={"cap": frozenset({"strong"})})
    findings = find_defences(cells, question)
    assert next(one for one in findings.verdicts if one.defence == "cap").outcome == DefenceOutcome.WORKS
    assert row(findings, "uplift_removed", "cap").low > 0.2


def test_the_level_of_the_defences_is_their_own(cells, findings):
    wide = find_defences(cells, replace(cells.design.defences, level=0.6))
    other = find_defences(Cells(cells.cube, replace(cells.design, level=0.6)), cells.design.defences)
    assert other.estimates == findings.estimates
    for name in ("best_uplift", "uplift_removed", "residual_share"):
        narrow, usual = row(wide, name, "noise"), row(findings, name, "noise")
        assert (narrow.level, usual.level) == (0.6, 0.95)
        assert usual.low < narrow.low < narrow.high < usual.high
    assert [one.value for one in wide.estimates] == [one.value for one in findings.estimates]


@pytest.mark.parametrize(
    ("outcome", "tokens", "lost"),
    [("refused", None, True), ("truncated", 9, True), ("failed", 9, True), ("failed", None, False)],
)
def test_what_honest_users_are_not_given_is_what_a_defence_costs(outcome, tokens, lost):
    """Four answers in five are not given: left out, as a naive mean does, the defence would be free."""
    generator = prepare_defences(PLANTED)
    records = cube_to_records(generator.draw(np.random.default_rng(4)))
    chosen = (pl.col("arm") == "teacher@all") & (pl.col("item").hash(seed=1) % 5 > 0)
    records = records.with_columns(
        outcome=pl.when(chosen).then(pl.lit(outcome)).otherwise("outcome"),
        score=pl.when(~chosen).then("score"),
        tokens_out=pl.when(chosen).then(tokens).otherwise(3),
    )
    share = records.filter(arm="teacher@all").select(chosen.mean()).item()
    defended = records.filter(arm="teacher@all")["score"]
    teacher = records.filter(arm="teacher")["score"].mean()
    cost = row(estimate_study(records, generator.design), "honest_cost", "all").value
    if lost:
        assert cost == pytest.approx(teacher - defended.fill_null(0.0).mean(), abs=0.01)
        assert cost > 0.75 * share * teacher
    else:
        assert cost == pytest.approx(teacher - defended.mean(), abs=0.02)


def test_an_item_that_the_open_teacher_does_not_answer_costs_no_user_anything():
    generator = prepare_defences(PLANTED)
    records = cube_to_records(generator.draw(np.random.default_rng(4)))
    silent = (pl.col("item").hash(seed=1) % 5 == 0) & pl.col("arm").is_in(["teacher", "teacher@nothing"])
    refused = records.with_columns(
        outcome=pl.when(silent).then(pl.lit("refused")).otherwise("outcome"), score=pl.when(~silent).then("score")
    )
    before, after = (row(estimate_study(one, generator.design), "honest_cost", "nothing") for one in (records, refused))
    assert abs(after.value) < 0.05
    assert abs(before.value) < 0.05


def test_a_question_must_agree_with_itself():
    good = {"role": "near", "thresholds": {"d": 0.1}, "passive": frozenset(), "honest": {}}
    attacks = {"open": {"k": "k@open"}, "d": {"k": "k@d"}}
    DefenceQuestion(attacks=attacks, **good)
    for change in (
        {"attacks": {"d": attacks["d"]}},
        {"attacks": {"open": attacks["open"]}},
        {"attacks": attacks, "role": "nearly"},
        {"attacks": attacks, "thresholds": {"d": float("nan")}},
    ):
        with pytest.raises(UserError):
            DefenceQuestion(**{**good, **change})


def test_naming_pairs_covers_every_combination(cells):
    from gauger.estimate.defences.plan import plan_defences

    pairs = [one for one in plan_defences(cells, cells.design.defences) if one.other is not None]
    removed = {(p.defence, p.attacker, p.other) for p in pairs if p.planned.estimand == "uplift_removed"}
    attackers = list(PLANTED.uplift["open"])
    assert removed == {(d, *pair) for d in PLANTED.defences for pair in product(attackers, attackers)}

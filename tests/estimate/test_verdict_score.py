"""Verdicts counted over draws: each counter counts its own, and what others would say stands beside it."""

from types import SimpleNamespace

import pytest

from gauger.estimate.assay import CHECKS
from gauger.estimate.calibrate import verdict_score
from gauger.estimate.calibrate.verdict_score import VerdictScore, VerdictTally
from gauger.estimate.verdict_inputs import JudgedContrast
from gauger.records import CheckOutcome, VerdictOutcome

RULE = SimpleNamespace(threshold=0.25, level=0.95)
HALF = 0.1
"""Half the width of the interval over items alone, of every estimate."""


def piece(value, se=0.05):
    return None if value is None else JudgedContrast(value, 1.0, se**2, 0.0, 0.0, 30.0, is_ratio=False)


@pytest.fixture
def tally(monkeypatch):
    """A tally whose batches are mappings from place to piece, whose verdicts are what they are told."""
    monkeypatch.setattr(verdict_score, "judged", lambda batch, p: batch.pieces.get(p))
    monkeypatch.setattr(verdict_score, "naive_half_width", lambda batch, p: HALF)
    monkeypatch.setattr(verdict_score, "judge_study", lambda batch, start, judging, design: batch.judged_as)
    checks = (SimpleNamespace(name="room", entries=[0, 0, 0]), SimpleNamespace(name="placebo", entries=[0, 0]))
    return VerdictTally(SimpleNamespace(), RULE, truth=0.25, judging=SimpleNamespace(checks=checks))


def draw(outcome, value, headline=None, placebo=None, checks=(), se=0.05):
    """One draw at place 10: headline, judged estimate, three entries of the first check, two of the placebo."""
    pieces = {10: piece(headline), 11: piece(value, se), 15: piece(placebo)}
    judged_as = SimpleNamespace(outcome=outcome), [SimpleNamespace(name=n, outcome=o) for n, o in checks]
    return SimpleNamespace(pieces=pieces, judged_as=judged_as)


def test_each_counter_counts_its_own(tally):
    name = next(iter(CHECKS))
    draws = [
        draw(VerdictOutcome.MAJOR, 0.6, headline=0.4, placebo=0.2, checks=[(name, CheckOutcome.PASSED)]),
        draw(VerdictOutcome.MINOR, 0.01, headline=0.3, placebo=0.05, checks=[(name, CheckOutcome.FAILED)]),
        draw(VerdictOutcome.UNDETERMINED, 0.3, headline=0.34, placebo=-0.3, se=0.2),
        draw(VerdictOutcome.NOT_REPLICATED, 0.6),
        draw(VerdictOutcome.INVALID, None),
    ]
    for batch in draws:
        tally.add(batch, 10)
    score = tally.score()
    assert score.draws == 5
    rates = (score.major, score.minor, score.undetermined, score.not_replicated, score.invalid, score.not_powered)
    assert rates == (0.2, 0.2, 0.2, 0.2, 0.2, 0.0)
    assert score.decided == 0.4, "major or minor"
    assert score.naive_major == 0.4, "0.6 twice lies more than 0.1 above 0.25; 0.3 lies above by less"
    assert score.naive_decided == 0.6, "0.01 lies more than 0.1 below"
    assert score.headline_major == 0.2, "0.4 alone: 0.34 lies above by less than 0.1"
    assert score.unchecked_decided == 0.6, "the wide interval of the third holds 0.25"
    assert score.decided_replicated == 0.4
    assert score.placebo_above_zero == 0.2, "0.05 ± 0.1 and -0.3 are not"
    assert (score.passed[name], score.failed[name]) == (0.2, 0.2)
    assert score.failed.keys() == score.passed.keys() == set(CHECKS)


def test_without_draws_all_rates_are_none_at_all(tally):
    score = tally.score()
    assert (score.draws, score.major, score.naive_decided, set(score.failed.values())) == (0, 0.0, 0.0, {0.0})


@pytest.mark.parametrize(("truth", "null"), [(None, True), (0.2, True), (0.25, True), (0.2501, False)])
def test_major_is_false_where_the_truth_is_not_above_the_threshold(tally, truth, null):
    tally.truth = truth
    tally.add_judged(draw(VerdictOutcome.MAJOR, 0.6), 11)
    score = tally.score()
    assert isinstance(score, VerdictScore)
    assert (score.is_null, score.false_major, score.decided) == (null, 1.0 if null else None, 1.0)

"""Statements counted over draws: what excludes the null, what covers the truth, and how often."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import t as student

from gauger.estimate.calibrate import statement_score
from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.score import ARMS, _draws
from gauger.estimate.calibrate.simulate import prepare
from gauger.estimate.calibrate.statement_score import StatementTally
from gauger.estimate.scales import NULLS, RESCALED
from gauger.estimate.verdict_inputs import JudgedContrast

T = float(student.ppf(0.975, 10))
BATCH = SimpleNamespace(level=0.95)


def contrast(value, se=0.1):
    return JudgedContrast(value, 1.0, se**2, 0.0, 0.0, 10.0, is_ratio=False)


def ratio(numerator, denominator, se=0.1, se_denominator=0.1):
    return JudgedContrast(numerator, denominator, se**2, se_denominator**2, 0.0, 10.0, is_ratio=True)


@pytest.fixture
def above(monkeypatch):
    def above(piece, estimand="memorisation"):
        monkeypatch.setattr(statement_score, "judged", lambda batch, p: piece)
        return statement_score._above_null(BATCH, 0, estimand)

    return above


@pytest.fixture
def covers(monkeypatch):
    def covers(piece, truth):
        monkeypatch.setattr(statement_score, "judged", lambda batch, p: piece)
        return statement_score._covers(BATCH, 0, truth)

    return covers


def test_what_lies_wholly_above_the_null_is_above_it(above):
    assert above(contrast(1.001 * T * 0.1))
    assert not above(contrast(0.999 * T * 0.1))
    assert not above(None)
    assert not above(contrast(-0.5)), "wholly below is not above"


def test_a_ratio_without_an_upper_end_may_lie_above_the_null_and_a_set_outside_two_ends_does_not(above):
    """n = 0.5 +- 0.01 and d = 0.1 +- 0.05: d may be 0, n may not, and n / d is 0.5 / 0.2 or more, or negative."""
    outside = ratio(0.5, 0.1, 0.01, 0.05)
    assert outside.interval(0.95).kind == "outside"
    assert not above(outside, "benchmark_bound_share")
    assert above(ratio(0.5, 1.0, 0.01, 0.05), "benchmark_bound_share")


def test_coverage_is_fieller_s_test_at_the_truth(covers):
    """|n - truth d| against t times the standard error of n - truth d, and not that of the estimate."""
    piece = ratio(0.6, 1.0, 0.1, 0.1)
    half = T * (0.1**2 + 0.9**2 * 0.1**2) ** 0.5
    assert (abs(0.6 - 0.9) <= half) is covers(piece, 0.9)
    edge = next(k / 1000 for k in range(600, 3000) if k / 1000 - 0.6 > T * 0.1 * (1 + (k / 1000) ** 2) ** 0.5)
    assert not covers(piece, edge)
    assert covers(piece, edge - 0.002)
    assert covers(contrast(0.3, 0.0), 0.3), "without error the value itself is covered"
    assert not covers(contrast(0.3, 0.0), 0.3001)
    assert not covers(None, 0.3)
    assert not covers(piece, None)


def test_shares_are_counts_over_draws(monkeypatch):
    """Entries come in pairs, points then logits, from a place in the batch on; each counter counts its own."""
    entry = SimpleNamespace(estimand="memorisation", case=SimpleNamespace(arm=SimpleNamespace(name="d")))
    tally = StatementTally(Planted(), ("d",), entries=[entry, entry], truths={("memorisation", "d"): 0.5})
    draws = [(0.5, 0.5), (0.5, 0.0), (0.5, -0.5), (0.0, 0.5)]
    for points, logits in draws:
        pieces = {7: contrast(points), 8: contrast(logits)}
        monkeypatch.setattr(statement_score, "judged", lambda batch, p, pieces=pieces: pieces[p])
        tally.add(BATCH, 7)
    (score,) = tally.score()
    assert (score.draws, score.truth_logits, score.estimand, score.arm) == (4, 0.5, "memorisation", "d")
    assert (score.in_points, score.in_logits, score.said, score.coverage_logits) == (0.75, 0.5, 0.25, 0.5)


def test_without_draws_nothing_was_said_and_without_a_truth_nothing_covered():
    tally = StatementTally(Planted(), ("d",), truths={("memorisation", "d"): None})
    (score,) = tally.score()
    assert (score.draws, score.said, score.coverage_logits) == (0, 0.0, None)


def test_the_statements_of_a_plan_are_those_about_near_benchmarks_and_those_with_a_null_of_their_own():
    planted = Planted()
    cells = next(_draws(prepare(planted), 1, np.random.default_rng(1)))
    tally = StatementTally(planted, ARMS)
    entries = tally.plan(cells)
    planned = {(entry.estimand, entry.case.target.over) for entry in entries[::2]}
    assert {over for estimand, over in planned if estimand not in NULLS} == {"near"}
    assert {estimand for estimand, _ in planned} == set(RESCALED)

"""Partial pooling is the literal formula, finds what is planted, and reduces to the fit by category."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gauger.errors import UserError
from gauger.stats import FREE, MetaData, PoolingProblem, fit_categories, fit_partial_pooling
from gauger.stats.random_effects.partial_pooling import _Search

Array = NDArray[np.float64]


def problem(seed: int = 0, studies: int = 25, slope: float = 0.5, own_model: bool = False) -> PoolingProblem:
    rng = np.random.default_rng(seed)
    y, category, model, x, blocks, at = [], [], [], [], [], 0
    for study in range(studies):
        m = int(rng.integers(3, 9))
        role = rng.integers(0, 2, m)
        which = np.arange(at, at + m) if own_model else study * 3 + rng.integers(0, 3, m)
        z = rng.standard_normal((m, 3))
        z[:, 2] = rng.standard_normal()
        v = rng.uniform(0.05, 0.2, m)
        u, w = 0.5 * rng.standard_normal(2), 0.3 * rng.standard_normal(3 * studies + m * studies)
        y += list(
            0.4 - 0.3 * role + slope * z[:, 0] + u[role] + w[which % len(w)] + np.sqrt(v) * rng.standard_normal(m)
        )
        category += list(role)
        model += list(which)
        x += list(np.column_stack([role == 0, role == 1, z]).astype(float))
        blocks.append((np.arange(at, at + m), np.diag(v)))
        at += m
    return PoolingProblem(
        np.array(y), tuple(blocks), np.array(category), np.array(model), np.array(x), np.array([FREE, FREE, 0, 0, 1]), 2
    )


def literal(p: PoolingProblem, search: _Search, free: Array) -> float:
    """-l from one dense n x n matrix, slopes integrated out one after the other as a Gaussian."""
    known = search.components(free)
    n = len(p.effect)
    s = np.zeros((n, n))
    study = np.zeros(n, dtype=int)
    for k, (rows, v) in enumerate(p.blocks):
        s[np.ix_(rows, rows)] += v
        study[rows] = k
    for i in range(n):
        for j in range(n):
            a, b = p.category[i], p.category[j]
            if study[i] == study[j]:
                s[i, j] += known.study[a, b]
                if p.model[i] == p.model[j]:
                    s[i, j] += known.model[a, b]
        s[i, i] += known.row[p.category[i]]
    pooled = p.penalty >= 0
    z = p.design[:, pooled]
    m = s + z @ np.diag(known.ridge[p.penalty[pooled]]) @ z.T
    x = p.design[:, ~pooled]
    inverse = np.linalg.inv(m)
    a = x.T @ inverse @ x
    b = np.linalg.solve(a, x.T @ inverse @ p.effect)
    r = p.effect - x @ b
    return 0.5 * float(np.linalg.slogdet(m)[1] + np.linalg.slogdet(a)[1] + r @ inverse @ r)


def test_the_likelihood_is_the_literal_one_and_its_gradient_is_exact() -> None:
    p = problem(studies=8)
    search = _Search(p, float(np.std(p.effect)))
    free = search.start() + 0.2 * np.random.default_rng(3).standard_normal(len(search.start()))
    other = free + 0.3
    value, slope = search.down(free)
    # constants do not depend on the free numbers: differences are the same to rounding
    assert value - search.down(other)[0] == pytest.approx(
        literal(p, search, free) - literal(p, search, other), abs=1e-8
    )
    for k in range(len(free)):
        step = np.zeros(len(free))
        step[k] = 1e-5
        differenced = (search.down(free + step)[0] - search.down(free - step)[0]) / 2e-5
        assert slope[k] == pytest.approx(differenced, abs=2e-5)


def test_the_steepest_slope_is_that_of_the_numbers_that_no_bound_holds() -> None:
    """At its lower bound a number is held by a slope upwards, at its upper bound by one downwards; within by none."""
    search = _Search(problem(studies=8), 1.0)
    low, high = np.array(search.bounds).T
    free, slope = search.start(), np.full(len(low), 0.01)
    for place, direction, counts in ((low, 1, False), (low, -1, True), (high, -1, False), (high, 1, True)):
        at, towards = free.copy(), slope.copy()
        at[2], towards[2] = place[2], 5.0 * direction
        assert search.steepest(at, towards) == (5.0 if counts else 0.01)
    for direction in (-1, 1):
        towards = slope.copy()
        towards[2] = 5.0 * direction
        assert search.steepest(free, towards) == 5.0


def test_without_pooled_columns_it_is_the_fit_by_category() -> None:
    p = problem(1, studies=40, own_model=True)
    free = PoolingProblem(p.effect, p.blocks, p.category, p.model, p.design, np.full(5, FREE), 2)
    study = np.repeat(np.arange(len(p.blocks)), [len(rows) for rows, _ in p.blocks])
    variance = np.concatenate([np.diag(v) for _, v in p.blocks])
    data = MetaData(p.effect, variance, (study, np.arange(len(p.effect))), p.design)
    known = fit_categories(data, p.category, groups="hcs", robust=False)
    found = fit_partial_pooling(free)
    assert found.beta == pytest.approx(known.beta, abs=2e-3)
    # a model per row: what a model adds and what a row adds are one variance
    own = np.diag(found.components.model) + found.components.row
    assert own == pytest.approx(np.asarray(known.omega), abs=5e-3)
    assert found.components.study == pytest.approx(np.asarray(known.groups), abs=5e-3)


def test_a_planted_slope_is_found_and_an_empty_one_is_pulled_to_nothing() -> None:
    found = fit_partial_pooling(problem(2, studies=60))
    assert found.beta[2] == pytest.approx(0.5, abs=0.1)  # its error is 0.03: three of them
    assert abs(found.beta[3]) < 0.1
    flat = fit_partial_pooling(problem(2, studies=60, slope=0.0))
    assert abs(flat.beta[2]) < 0.08
    assert flat.components.ridge[0] < found.components.ridge[0] / 4


def test_a_column_that_no_row_informs_keeps_its_prior() -> None:
    p = problem(4, studies=40)
    empty = np.column_stack([p.design, np.zeros(len(p.effect))])
    wider = PoolingProblem(p.effect, p.blocks, p.category, p.model, empty, np.append(p.penalty, 0), 2)
    found = fit_partial_pooling(wider)
    row = np.zeros((2, 6))
    row[:, 0] = 1.0
    row[1, 5] = 1.0
    _, variance = found.predict(row)
    assert variance[1] - variance[0] == pytest.approx(found.components.ridge[0])


def test_a_row_without_a_study_is_refused() -> None:
    p = problem()
    with pytest.raises(UserError, match="every row in one study"):
        PoolingProblem(p.effect, p.blocks[1:], p.category, p.model, p.design, p.penalty, 2)

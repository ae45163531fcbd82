"""Data sets for the random-effects tests, and the model's likelihood written out slowly."""

from __future__ import annotations

from typing import Any

import numpy as np

from gauger.stats.random_effects import MetaData, MetaFit


def studies(seed: int, n: int = 40, groups: int = 7, **extra: Any) -> MetaData:
    """Rows in arms in studies, in shuffled order, with one numeric moderator."""
    rng = np.random.default_rng(seed)
    study, arm = rng.integers(0, groups, n), rng.integers(0, 3, n)
    study[:groups], study[groups : 2 * groups] = np.arange(groups), np.arange(groups)
    arm[:groups], arm[groups : 2 * groups] = 0, 1
    variance = rng.uniform(0.02, 0.1, n)
    effect = 0.3 * rng.normal(size=groups)[study] + 0.3 * rng.normal(size=n) + rng.normal(size=n) * np.sqrt(variance)
    design = np.column_stack([np.ones(n), rng.normal(size=n)])
    return MetaData(effect, variance, (study, arm, np.arange(n)), design, **extra)


def shared_within_arm(seed: int, n: int = 40) -> MetaData:
    """Control groups nested in arms: the tree applies."""
    data = studies(seed, n)
    rng = np.random.default_rng(seed + 1)
    group = data.levels[1] * 2 + rng.integers(0, 2, n)
    return with_shared(data, group)


def shared_across_arms(seed: int, n: int = 40) -> MetaData:
    """Control groups that cross arms: only dense blocks apply."""
    data = studies(seed, n)
    rng = np.random.default_rng(seed + 2)
    return with_shared(data, data.levels[0] * 2 + rng.integers(0, 2, n))


def with_shared(data: MetaData, group: np.ndarray) -> MetaData:
    """Add shared controls whose variance depends on the group alone."""
    control = 0.002 + 0.015 * (group % 5) / 5.0
    return MetaData(
        data.effect, data.variance, data.levels, data.moderators, shared_group=group, shared_variance=control
    )


def sampling_matrix(data: MetaData) -> np.ndarray:
    """V in full, entry by entry."""
    n = len(data)
    matrix = np.diag(data.variance.copy())
    if data.shared_group is not None and data.shared_variance is not None:
        for i in range(n):
            for j in range(n):
                if i != j and data.shared_group[i] == data.shared_group[j] >= 0:
                    matrix[i, j] = data.shared_variance[i]
    for rows, block in data.covariance:
        for a, i in enumerate(rows):
            for b, j in enumerate(rows):
                matrix[i, j] = block[a, b]
    return matrix


def marginal_matrix(data: MetaData, tau2: np.ndarray) -> np.ndarray:
    """M = V + sum_l tau2_l Z_l Z_l' in full."""
    matrix = sampling_matrix(data)
    for codes, component in zip(data.levels, tau2, strict=True):
        indicator = np.array([[1.0 if code == group else 0.0 for group in range(codes.max() + 1)] for code in codes])
        matrix = matrix + component * indicator @ indicator.T
    return matrix


def slow_log_likelihood(data: MetaData, tau2: np.ndarray, method: str) -> float:
    """The definition, with n x n matrices."""
    M, X, y = marginal_matrix(data, tau2), data.design, data.effect
    n, p = X.shape
    W = np.linalg.inv(M)
    XWX = X.T @ W @ X
    r = y - X @ np.linalg.solve(XWX, X.T @ W @ y)
    loss = np.linalg.slogdet(M)[1] + r @ W @ r
    if method == "ML":
        return float(-0.5 * (n * np.log(2 * np.pi) + loss))
    loss += np.linalg.slogdet(XWX)[1] - np.linalg.slogdet(X.T @ X)[1]
    return float(-0.5 * ((n - p) * np.log(2 * np.pi) + loss))


def assert_same_fit(one: MetaFit, other: MetaFit, rtol: float = 1e-7) -> None:
    """Components (with a floor, for those at zero), coefficients, errors and likelihood agree."""
    np.testing.assert_allclose(one.tau2, other.tau2, rtol=rtol, atol=1e-9)
    np.testing.assert_allclose(one.beta, other.beta, rtol=rtol, atol=1e-9)
    np.testing.assert_allclose(one.vcov, other.vcov, rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(one.log_likelihood, other.log_likelihood, rtol=1e-9)

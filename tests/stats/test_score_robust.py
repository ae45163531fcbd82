"""Bias-reduced errors in score form: unbiased under the working model, near clubSandwich's, and the literal df."""

from __future__ import annotations

import numpy as np
import pytest
from test_random_effects_by_category import draw

from gauger.stats.random_effects import fit_categories
from gauger.stats.random_effects.category_likelihood import CategoryLikelihood
from gauger.stats.random_effects.score_robust import score_robust


def parts(seed: int, groups: int = 25):  # type: ignore[no-untyped-def]
    data, category = draw(seed, groups=groups)
    fitted = fit_categories(data, category)
    likelihood = CategoryLikelihood(data, fitted.category)
    information, score = likelihood.scores(*fitted.structure.unpack(fitted.found.tau2))
    r = data.basis.r
    return fitted, r.T @ information @ r, score @ r


def test_near_the_symmetric_adjustment() -> None:
    for seed in range(4):
        fitted, information, score = parts(seed)
        np.testing.assert_allclose(np.linalg.inv(information.sum(0)), fitted.found.at.vcov, rtol=1e-6)
        np.testing.assert_allclose(score.sum(0), 0.0, atol=1e-6)
        found = score_robust(information, score)
        for k, one in enumerate(fitted.coefficients):
            assert np.sqrt(found.vcov[k, k]) == pytest.approx(one.se, rel=0.05)
            assert found.df[k] == pytest.approx(one.df, rel=0.1)


def test_unbiased_when_the_working_model_is_right() -> None:
    """E[u_j u_j'] = S_j - S_j M S_j; the adjusted scores then sum to M exactly, the plain ones to less."""
    _, information, _ = parts(5, groups=8)
    bread = np.linalg.inv(information.sum(0))
    total, plain = np.zeros_like(bread), np.zeros_like(bread)
    for s in information:
        root = np.linalg.cholesky(bread)
        values, vectors = np.linalg.eigh(np.eye(3) - root.T @ s @ root)
        g = root @ (vectors * values**-0.5) @ vectors.T @ root.T
        expected = s - s @ bread @ s
        total += g @ expected @ g.T
        plain += bread @ expected @ bread
    np.testing.assert_allclose(total, bread, rtol=1e-9)
    assert (np.diag(plain) < 0.97 * np.diag(bread)).all()


def test_degrees_of_freedom_by_the_definition() -> None:
    _, information, score = parts(6, groups=6)
    bread = np.linalg.inv(information.sum(0))
    root = np.linalg.cholesky(bread)
    g = []
    for s in information:
        values, vectors = np.linalg.eigh(np.eye(3) - root.T @ s @ root)
        g.append(root @ (vectors * values**-0.5) @ vectors.T @ root.T)
    p = np.zeros((6, 6))
    for i in range(6):
        for j in range(6):
            cross = (information[i] if i == j else 0) - information[i] @ bread @ information[j]
            p[i, j] = g[i][0] @ cross @ g[j][0]
    assert score_robust(information, score).df[0] == pytest.approx(np.trace(p) ** 2 / (p**2).sum(), rel=1e-9)

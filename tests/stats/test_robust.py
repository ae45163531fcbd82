"""CR2: the defining equation, unbiasedness under the working model, and literal Satterthwaite degrees of freedom."""

from __future__ import annotations

import numpy as np
import pytest
import random_effects_cases as cases

from gauger.errors import UserError
from gauger.stats.random_effects import MetaData, fit
from gauger.stats.robust import cr2


def literal(data: MetaData, tau2: np.ndarray, cluster: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """V and the df of every coefficient, with n x n matrices and the formulas as printed."""
    M, X = cases.marginal_matrix(data, tau2), data.design
    W = np.linalg.inv(M)
    bread = np.linalg.inv(X.T @ W @ X)
    residual = data.effect - X @ bread @ X.T @ W @ data.effect
    keep = np.eye(len(data)) - X @ bread @ X.T @ W
    V, pulls = np.zeros_like(bread), []
    for label in np.unique(cluster):
        rows = np.flatnonzero(cluster == label)
        phi, part = M[np.ix_(rows, rows)], X[rows]
        D = np.linalg.cholesky(phi).T
        B = D @ (phi - part @ bread @ part.T) @ D.T
        values, vectors = np.linalg.eigh(B)
        A = D.T @ vectors @ np.diag(values**-0.5) @ vectors.T @ D
        np.testing.assert_allclose(A @ (phi - part @ bread @ part.T) @ A, phi, atol=1e-9)
        score = bread @ part.T @ np.linalg.inv(phi) @ A @ residual[rows]
        V += np.outer(score, score)
        pulls.append(keep[rows].T @ A @ np.linalg.inv(phi) @ part @ bread)
    df = []
    for j in range(X.shape[1]):
        P = np.array([[a[:, j] @ M @ b[:, j] for b in pulls] for a in pulls])
        df.append(np.trace(P) ** 2 / (P**2).sum())
    return V, np.array(df)


@pytest.mark.parametrize("builder", [cases.studies, cases.shared_within_arm, cases.shared_across_arms])
def test_equals_the_formulas(builder: object) -> None:
    data = builder(3)  # type: ignore[operator]
    fitted = fit(data, robust=data.levels[0])
    V, df = literal(data, fitted.tau2, data.levels[0])
    np.testing.assert_allclose(fitted.vcov, V, rtol=1e-8)
    np.testing.assert_allclose([one.df for one in fitted.coefficients], df, rtol=1e-8)


def test_unbiased_when_the_working_model_is_right() -> None:
    """E[V] = sum_j M_X G_j' (Phi_j - X_j M_X X_j') G_j M_X = M_X exactly: CR2's reason to exist."""
    data = cases.shared_within_arm(4)
    robust = fit(data, robust=data.levels[0]).robust
    assert robust is not None
    expected = robust.bread @ robust.adjusted_variance.sum(0) @ robust.bread
    np.testing.assert_allclose(expected, robust.bread, rtol=1e-9)
    assert robust.clusters == 7


def test_a_dummy_for_one_cluster_is_left_out() -> None:
    """Its residuals are fitted away: the rest of the answer stays finite and equals the fit without that cluster."""
    base = cases.studies(5)
    dummy = (base.levels[0] == 2).astype(float)
    data = MetaData(base.effect, base.variance, base.levels, np.column_stack([base.design[:, 0], dummy]))
    tau2 = [0.05, 0.01, 0.05]
    whole = fit(data, robust=base.levels[0], tau2=tau2)
    kept = base.levels[0] != 2
    rest = MetaData(base.effect[kept], base.variance[kept], tuple(codes[kept] for codes in base.levels))
    alone = fit(rest, robust=base.levels[0][kept], tau2=tau2)
    assert whole.coefficients[0].se == pytest.approx(alone.coefficients[0].se, rel=1e-8)
    assert whole.coefficients[0].df == pytest.approx(float(alone.coefficients[0].df or 0.0), rel=1e-8)


def test_clusters_must_hold_what_depends() -> None:
    data = cases.studies(6)
    with pytest.raises(UserError, match="whole outermost groups"):
        fit(data, robust=data.levels[1])
    with pytest.raises(UserError, match="one cluster label per row"):
        fit(data, robust=[0, 1])
    with pytest.raises(UserError, match="at least two clusters"):
        fit(data, robust=np.zeros(40))


def test_without_a_model() -> None:
    """Plain least squares, identity working variance: 2 x 2 rows by hand. X = 1, B_j = I - J/4, A_j 1 = 2^(1/2) 1."""
    residual = np.array([1.0, 0.5, -0.5, -1.0])
    found = cr2(np.ones((4, 1)), residual, np.array([0, 0, 1, 1]), lambda rows: np.eye(len(rows)), np.array([[0.25]]))
    assert found.vcov[0, 0] == pytest.approx(2 * (2**0.5 * 1.5 / 4) ** 2, rel=1e-12)
    assert found.df(np.ones(1)) == pytest.approx(1.0, rel=1e-12)

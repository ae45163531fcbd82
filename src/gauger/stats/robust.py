"""Estimates cluster-robust CR2 covariances with Satterthwaite degrees of freedom, for weighted least squares.

Answers: how sure is a pooled effect if rows of one cluster depend on each other in ways the model may have wrong? CR2
("bias-reduced linearisation") corrects each cluster's residuals for having been fitted, so that the covariance is exact
when the working model is right; the degrees of freedom say how many clusters the answer really rests on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.errors import UserError

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
EIGENVALUE_FLOOR = 1e-12
"""Relative. Directions that the fit determines completely (a dummy for one cluster) have eigenvalue 0: left out."""
DETERMINED = 1e-9
"""How near to 1 an eigenvalue of a cluster's share of the information is for the cluster to determine its direction."""
UNSEEN = 1e-6
"""Share of the model's variance below which a robust error is rounding, not an error."""


@dataclass(frozen=True)
class ClusterRobust:
    """CR2 covariance of p coefficients from J clusters."""

    vcov: Array
    """(p, p) sum over clusters of s_j s_j'."""
    bread: Array
    """(p, p) M_X = (X'WX)^-1."""
    adjusted_cross: Array
    """(J, p, p) T_j = X_j' A_j W_j X_j."""
    adjusted_variance: Array
    """(J, p, p) G_j' (Phi_j - X_j M_X X_j') G_j, G_j = A_j W_j X_j."""
    information: Array
    """(J, p, p) S_j = X_j' W_j X_j."""

    @property
    def clusters(self) -> int:
        """J."""
        return len(self.adjusted_cross)

    def expected(self, contrasts: Array) -> Array:
        """Return the expectation (m, m) of the CR2 covariance of contrasts (m, p) if the working model is right.

        Equal to the working model's own covariance, except where some cluster determines a coefficient alone: what
        that cluster says is then fitted away, and CR2 knows nothing of its error.
        """
        spread = self.spread(contrasts)
        return np.asarray(np.einsum("stjj->st", spread))

    def known_share(self, contrast: Array) -> float:
        """Return which share (0-1) of a contrast's model variance CR2 can see; 0 where clusters determine it.

        A cluster says nothing of the directions in which I - H_j has eigenvalue 0: there its residuals are fitted away.
        Of the others all of its variance is seen, c'M^(1/2) (I - E_j) M^(1/2) c with E_j the directions that are not.
        """
        root = np.linalg.cholesky(self.bread)
        inside = root.T @ self.information @ root
        values, vectors = np.linalg.eigh(inside)
        # eigenvalues of M^(1/2)' S_j M^(1/2) lie in [0, 1]; 1 means that the cluster alone determines the direction
        seen = np.where(values < 1.0 - DETERMINED, values, 0.0)
        pulled = vectors.transpose(0, 2, 1) @ (root.T @ contrast)
        return float((seen * pulled**2).sum() / (contrast @ self.bread @ contrast))

    def why_undefined(self, contrast: Array) -> str | None:
        """Say why a contrast has no robust error; None where it has one."""
        if self.known_share(contrast) > UNSEEN:
            return None
        p = len(self.bread)
        if self.clusters <= p:
            return f"as many clusters as coefficients ({self.clusters} and {p}): nothing varies between clusters"
        return "clusters determine it completely: no two of them can be compared for it"

    def df(self, contrast: Array) -> float:
        """Satterthwaite degrees of freedom of a contrast (p,): (sum P_jj)^2 / sum P_ij^2.

        P is the working-model covariance of the clusters' contributions: off the diagonal P_ij = -h_i' M_X h_j with
        h_j = T_j M_X c. Below about 4 the t approximation itself is poor, whatever the p-value.

        Source: Pustejovsky & Tipton (2018), J. Bus. Econ. Stat. 36:672, eq. 11.
        """
        spread = self.spread(contrast[None, :])[0, 0]
        return float(np.trace(spread) ** 2 / (spread**2).sum())

    def spread(self, contrasts: Array) -> Array:
        """Return P (m, m, J, J): working-model covariance of the clusters' parts of contrasts s and t, (m, p) given."""
        directions = contrasts @ self.bread
        pulled = np.einsum("jik,sk->sji", self.adjusted_cross, directions)
        spread: Array = -np.einsum("sip,pq,tjq->stij", pulled, self.bread, pulled)
        own = np.einsum("sp,jpq,tq->stj", directions, self.adjusted_variance, directions)
        clusters = np.arange(self.clusters)
        spread[:, :, clusters, clusters] = own
        return spread


def cr2(
    design: Array, residual: Array, clusters: Codes, marginal_of: Callable[[Codes], Array], bread: Array
) -> ClusterRobust:
    """Return the CR2 covariance of weighted least squares whose weights are the inverse of the working variance.

    s_j = M_X X_j' W_j A_j e_j, V = sum_j s_j s_j', where A_j is the symmetric solution of
    A_j (Phi_j - X_j M_X X_j') A_j = Phi_j, W_j = Phi_j^-1, computed as D'(D B_j D')^(-1/2) D with Phi_j = D'D.

    Parameters
    ----------
    design : (n, p) array
        X.
    residual : (n,) array
        y - X b.
    clusters : (n,) int array
        Labels; the working variance must be zero between clusters.
    marginal_of : callable
        Row numbers (m,) -> working variance Phi_j (m, m).
    bread : (p, p) array
        (X'WX)^-1 of the fit.

    Raises
    ------
    UserError
        For fewer than two clusters.

    Source: Bell & McCaffrey (2002), Surv. Methodol. 28:169; Pustejovsky & Tipton (2018), eq. 8. Equality with
    clubSandwich: tests/golden/random_effects.json.
    """
    order = np.argsort(clusters, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(clusters[order])) + 1)
    if len(members) < 2:
        raise UserError("at least two clusters for robust standard errors", str(len(members)))
    p = design.shape[1]
    crosses, variances = np.empty((len(members), p, p)), np.empty((len(members), p, p))
    scores, information = np.empty((len(members), p)), np.empty((len(members), p, p))
    for j, rows in enumerate(members):
        phi = marginal_of(rows)
        adjusted = _adjusted_weights(design[rows], phi, bread)
        crosses[j] = design[rows].T @ adjusted
        variances[j] = adjusted.T @ phi @ adjusted - crosses[j].T @ bread @ crosses[j]
        information[j] = design[rows].T @ np.linalg.solve(phi, design[rows])
        scores[j] = bread @ (adjusted.T @ residual[rows])
    return ClusterRobust(scores.T @ scores, bread, crosses, variances, information)


def _adjusted_weights(design: Array, phi: Array, bread: Array) -> Array:
    """Return G_j = A_j W_j X_j (m, p) of one cluster."""
    lower = np.linalg.cholesky(phi)
    upper = lower.T
    tilted = upper @ design
    gram = upper @ lower
    values, vectors = np.linalg.eigh(gram @ gram - tilted @ bread @ tilted.T)
    floor = EIGENVALUE_FLOOR * max(float(values[-1]), 0.0)
    power = np.where(values > floor, np.abs(values) + (values <= floor), np.inf) ** -0.5
    white = np.linalg.solve(lower, design)
    adjusted: Array = lower @ (vectors @ (power[:, None] * (vectors.T @ white)))
    return adjusted

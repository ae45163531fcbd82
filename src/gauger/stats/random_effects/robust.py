"""Computes CR2 errors for a fitted random-effects model: hands each cluster's variance to `gauger.stats.robust`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gauger.errors import UserError
from gauger.stats.random_effects.data import Codes, MetaData, marginal_block
from gauger.stats.random_effects.dense import dependent_blocks
from gauger.stats.random_effects.maximise import Maximum
from gauger.stats.random_effects.threads import one_thread
from gauger.stats.robust import ClusterRobust, cr2

__all__ = ["ClusterRobust", "cluster_robust"]


def cluster_robust(data: MetaData, maximum: Maximum, labels: ArrayLike) -> ClusterRobust:
    """Return the CR2 covariance with the fitted model as working model; see `gauger.stats.robust.cr2`.

    Every block of rows that the model lets covary must lie in one cluster, so clusters are the outermost level or
    coarser (and contain whole shared-control groups).

    Parameters
    ----------
    data : MetaData
        Effects, variances, levels, moderators; n rows, p coefficients, L levels.
    maximum : Maximum
        Fit to these data.
    labels : (n,) labels
        Cluster of each row.

    Returns
    -------
    ClusterRobust
        tau2 stays the model's. With few clusters read its degrees of freedom: below 4 the p-value is not to be trusted.

    Raises
    ------
    UserError
        Labels of the wrong length, rows that covary in several clusters, or fewer than two clusters.

    Coverage: validation/random_effects. Equality with R: tests/stats/test_random_effects_golden.py.
    """
    if np.shape(labels) != (len(data),):
        raise UserError(f"one cluster label per row ({len(data)})", f"shape {np.shape(labels)}")
    clusters = np.unique(np.asarray(labels), return_inverse=True)[1].ravel()
    for rows in dependent_blocks(data):
        if (clusters[rows] != clusters[rows[0]]).any():
            raise UserError(
                "clusters that contain whole outermost groups and whole shared-control groups",
                f"rows {rows[:5].tolist()} in several clusters",
                hint="Cluster by the outermost level.",
            )

    def marginal_of(rows: Codes) -> np.ndarray:
        return marginal_block(data, rows, maximum.tau2)

    with one_thread():
        return cr2(data.design, data.effect - data.design @ maximum.at.beta, clusters, marginal_of, maximum.at.vcov)

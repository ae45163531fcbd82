"""Random-effects meta-analysis and meta-regression.

- data.py: `MetaData`, what goes in
- design.py: moderators to a design matrix
- dense.py: the likelihood's moments, block by block, for any sampling covariance
- moments.py: the (restricted) likelihood and its exact derivatives from those moments
- maximise.py: Newton steps over variances >= 0; non-convergence is an error
- fit.py: `fit`, the entry point
- result.py: `MetaFit`: coefficients, prediction intervals
- heterogeneity.py: Q and I2 per level
- robust.py: CR2 errors for a fit
"""

from gauger.stats.random_effects.data import NO_GROUP, MetaData
from gauger.stats.random_effects.design import design_matrix
from gauger.stats.random_effects.fit import fit, search
from gauger.stats.random_effects.heterogeneity import Heterogeneity
from gauger.stats.random_effects.result import Coefficient, MetaFit, Prediction
from gauger.stats.robust import ClusterRobust

__all__ = [
    "NO_GROUP",
    "ClusterRobust",
    "Coefficient",
    "Heterogeneity",
    "MetaData",
    "MetaFit",
    "Prediction",
    "design_matrix",
    "fit",
    "search",
]

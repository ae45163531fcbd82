"""Random-effects meta-analysis and meta-regression.

What goes in and comes out:

- data.py: `MetaData`, effects with variances, levels, moderators, shared controls
- design.py: `design_matrix`, moderators to a design matrix
- fit.py: `fit`, the entry point
- result.py: `MetaFit`: coefficients, prediction intervals
- heterogeneity.py: Q and I2 per level
- hypothesis.py: joint tests of moderators
- profile.py: intervals of the variance components
- robust.py: CR2 errors for a fit
- small_study.py: Egger-type tests
- influence.py: leave-one-out, influence, weights
- permutation.py: permutation tests
- batched.py: many univariate fits at once

How it is computed:

- basis.py: the coordinates in which the arithmetic is safe
- engine.py: which engine evaluates the model
- nested.py: time linear in the rows where all that rows share is nested
- dense.py: block by block for any sampling covariance
- jets.py: arrays with exact first and second derivatives
- moments.py: from moments to the (restricted) likelihood
- maximise.py: Newton steps over variances >= 0; non-convergence is an error
- threads.py: one BLAS thread, as the matrices are small
- univariate.py: one mean, one tau2, written for speed
"""

from gauger.stats.random_effects.batched import ManyFits, fit_many
from gauger.stats.random_effects.data import NO_GROUP, MetaData
from gauger.stats.random_effects.design import design_matrix
from gauger.stats.random_effects.fit import fit, search
from gauger.stats.random_effects.heterogeneity import Heterogeneity
from gauger.stats.random_effects.hypothesis import JointTest, joint_test
from gauger.stats.random_effects.influence import Influence, LeftOut, influence, leave_one_out, row_weights
from gauger.stats.random_effects.permutation import PermutationTest, permutation_test
from gauger.stats.random_effects.profile import ComponentInterval, profile_intervals, q_profile_interval
from gauger.stats.random_effects.result import Coefficient, MetaFit, Prediction
from gauger.stats.random_effects.small_study import SmallStudyTest, classical_egger_test, small_study_test
from gauger.stats.robust import ClusterRobust

__all__ = [
    "NO_GROUP",
    "ClusterRobust",
    "Coefficient",
    "ComponentInterval",
    "Heterogeneity",
    "Influence",
    "JointTest",
    "LeftOut",
    "ManyFits",
    "MetaData",
    "MetaFit",
    "PermutationTest",
    "Prediction",
    "SmallStudyTest",
    "classical_egger_test",
    "design_matrix",
    "fit",
    "fit_many",
    "influence",
    "joint_test",
    "leave_one_out",
    "permutation_test",
    "profile_intervals",
    "q_profile_interval",
    "row_weights",
    "search",
    "small_study_test",
]

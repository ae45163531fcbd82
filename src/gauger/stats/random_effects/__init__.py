"""Random-effects meta-analysis and meta-regression.

What goes in and comes out:

- data.py: `MetaData`, effects with variances, levels, moderators, shared controls
- design.py: `design_matrix`, moderators to a design matrix
- fit.py: `fit`, the entry point for one variance per level
- category_fit.py: `fit_categories`, random effects that differ by category and correlate; `choose` picks the structure
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
- category_likelihood.py, category_structure.py: the likelihood by category, and its free numbers
- moments.py: from moments to the (restricted) likelihood
- maximise.py: Newton steps over variances >= 0; non-convergence is an error
- threads.py: one BLAS thread, as the matrices are small
- univariate.py: one mean, one tau2, written for speed

batched.py              Many univariate random-effects fits at once: one tau2 per data set, Newton steps vectorised
                        over the data sets
category_fit.py         Fits random effects that differ by category and correlate within groups, and chooses their
                        structure by a rule
category_likelihood.py  Evaluates the likelihood of a model whose random effects differ by category (role) and
                        correlate within groups
category_structure.py   Defines structures of the random effects by category: free numbers to (factor of G, omega),
                        and the gradient back
data.py                 What goes into a meta-analysis: effects, their sampling (co)variances, nested levels and
                        moderators, checked once
dense.py                Moments by dense blocks: any sampling covariance, block by block; no matrix larger than one
                        block is ever formed
design.py               Moderators to a design matrix: numbers as they are, categories as treatment contrasts
engine.py               Which engine evaluates the moments: the nested one where it applies, dense blocks otherwise
fitting.py              Fit a random-effects meta-analysis or meta-regression: REML or ML, any depth of nesting, full
                        sampling covariance
heterogeneity.py        How much of what varies is not sampling error: Cochran's Q and I2 per level
hypothesis.py           Joint tests: do these moderators matter at all?
influences.py           What one study does to the result: leave-one-out and influence, by row or by any grouping
maximise.py             Maximise a likelihood over variances >= 0: projected Newton steps on exact derivatives, an
                        error when they fail
moments.py              From moments, log|M| and C = [X y]' M^-1 [X y] with derivatives in tau2, to the likelihood,
                        whatever M's structure
nested.py               Moments in time proportional to the number of rows, when everything that rows share is nested
permutation.py          Permutation tests of a pooled effect or of moderators: valid with few studies and without
                        normality
profile.py              How well the variance components are known: profile-likelihood intervals, and the Q-profile
                        interval of one tau2
result.py               What a fit says: coefficients with intervals, variance components, heterogeneity, prediction
                        intervals
robust.py               CR2 errors for a fitted random-effects model: hands the model's variance of each cluster to
                        `gauger.stats.robust`
safe_coordinates.py     Coordinates in which the arithmetic is safe: X orthonormalised, y without its least-squares
                        fit
score_robust.py         Estimates cluster-robust errors from each cluster's score and information alone:
                        bias-reduced, in p x p matrices
second_derivatives.py   Arrays that carry their exact first and second derivatives in L variables (second-order jets)
selection.py            Estimates a mean where results may have been selected by their p-values: step-function
                        selection models, PET-PEESE
small_study.py          Do small studies show larger effects? Egger-type regression of the effect on its own standard
                        error
threads.py              One BLAS thread for matrices of a few hundred rows: more threads only wait for each other
univariate.py           The commonest case, written for speed: one mean, one tau2, independent rows
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

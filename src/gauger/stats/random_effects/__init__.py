"""Fits random-effects meta-analysis and meta-regression.

batched.py              Fits many univariate random-effects models at once: one tau2 per data set, Newton steps over
                        all data sets
category_fit.py         Fits random effects that differ by category and correlate within groups, and chooses their
                        structure by a rule
category_likelihood.py  Evaluates the likelihood of a model whose random effects differ by category (role) and
                        correlate within groups
category_structure.py   Defines structures of the random effects by category: free numbers to (factor of G, omega),
                        and the gradient back
data.py                 Holds and checks what goes into a meta-analysis: effects, their (co)variances, nested levels
                        and moderators
dense.py                Computes moments by dense blocks: any sampling covariance; no matrix larger than one block is
                        ever formed
design.py               Turns moderators into a design matrix: numbers as they are, categories as treatment contrasts
engine.py               Chooses which engine evaluates the moments: the nested one where it applies, dense blocks
                        otherwise
fitting.py              Fits a random-effects meta-analysis or meta-regression: REML or ML, any nesting, full
                        sampling covariance
heterogeneity.py        Estimates how much of what varies is not sampling error: Cochran's Q and I2 per level
hypothesis.py           Tests jointly: do these moderators matter at all?
influences.py           Measures what one study does to the result: leave-one-out and influence, by row or by any
                        grouping
maximise.py             Maximises a likelihood over variances >= 0: projected Newton steps on exact derivatives, an
                        error when they fail
moments.py              Turns moments, log|M| and C = [X y]' M^-1 [X y] with derivatives in tau2, into the
                        likelihood, for any M
nested.py               Computes moments in time proportional to the number of rows, when everything that rows share
                        is nested
partial_pooling.py      Fits a meta-regression whose slopes are partially pooled: study, model and row levels by
                        category, ridge by REML
permutation.py          Tests a pooled effect or moderators by permutation: valid with few studies and without
                        normality
profile.py              Estimates how well variance components are known: profile-likelihood intervals, and Q-profile
                        for one tau2
result.py               Reports what a fit says: coefficients with intervals, variance components, heterogeneity,
                        prediction intervals
robust.py               Computes CR2 errors for a fitted random-effects model: hands each cluster's variance to
                        `gauger.stats.robust`
safe_coordinates.py     Maps data to coordinates in which the arithmetic is safe: X orthonormalised, y without its
                        least-squares fit
score_robust.py         Estimates cluster-robust errors from each cluster's score and information alone:
                        bias-reduced, in p x p matrices
second_derivatives.py   Carries exact first and second derivatives in L variables along with arrays (second-order
                        jets)
selection.py            Estimates a mean where results may have been selected by their p-values: step-function
                        selection models, PET-PEESE
small_study.py          Tests whether small studies show larger effects: Egger-type regression of the effect on its
                        own standard error
threads.py              Holds BLAS to one thread for matrices of a few hundred rows: more threads only wait for each
                        other
univariate.py           Fits the commonest case, written for speed: one mean, one tau2, independent rows
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

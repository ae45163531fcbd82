"""Fits scaling laws: formulas with gradients, robust fits by the thousand, uncertainty, and honest extrapolation.

backtest.py      Validates laws in the order of scale: fits the smaller, predicts the larger, and keeps how wrong
                 each law was
beliefs.py       Adds what is believed of a law's parameters to its fit, as further residuals
bootstrap.py     Refits laws under random weights: how far the parameters, and everything that follows from them,
                 would move
competition.py   Weighs competing laws by how well they predict the largest points from the smallest, at the distance
                 forecast
diagnose.py      Tells what a fit cannot know: parameters at bounds, directions that the points do not determine,
                 missed optima
direct.py        Computes accuracy from scale at once, for points without a loss
distillation.py  Computes the distillation law: a student's loss from its size, tokens and teacher's loss, with a
                 capacity gap
fit.py           Fits one law: what is compared with what, from where the search starts, and the best fit found
floors.py        Integrates laws over what points cannot tell but other studies can: irreducible loss, ceilings,
                 exponents, bends
forecast.py      Predicts without pretending to know the law: a weighted mixture, widened to what the back-test shows
holds.py         Tests whether any law holds: no structure in residuals, no back-test errors of one sign beyond noise
intervals.py     Estimates parameters with standard errors and intervals: by random-weight draws, or by profile where
                 those fail
law.py           Defines a law: a formula with named parameters, its logarithm and gradient for many parameter
                 vectors at once
links.py         Computes accuracy from loss by two forms that agree where seen and part above: logistic and Gompertz
minimise.py      Minimises many robust fits at once: Huber's loss by iteratively reweighted Levenberg-Marquardt, over
                 B fits
mixture.py       Computes loss in the shares of the training data's domains: L = c + exp(t_1 r_1 + ... + t_K r_K)
next_points.py   Chooses which points to train next, so that a prediction's interval narrows most for what they cost
one_scale.py     Computes loss in tokens alone, for one model size: the curve of a control arm over its budgets
points.py        Holds points: what was trained at which scale and how well it did, one point per model (or mean of
                 replicates)
profile.py       Computes profile likelihood intervals, where random-weight draws are not to be trusted (few points,
                 bounds)
registry.py      Lists the laws by name, and those that could hold for given points
repeated.py      Computes loss on repeated data: tokens seen again, and parameters beyond what data can feed, lose
                 their worth
supervised.py    Computes supervised loss in parameters and tokens: three forms that agree where fitted and part
                 beyond
terms.py         Adds up positive terms in logarithms, what every law is built of, and draws sensible places to start
                 a fit from
tied.py          Computes loss with one exponent for parameters and tokens: L = E + A/N^alpha + B/D^alpha
transfer.py      Computes effective data transferred: pre-training is worth so many tokens of the new distribution
unread.py        Finds what sets points apart while no law reads it: teachers, repeated tokens, pre-training and
                 mixtures
widening.py      Widens intervals to what the back-test justifies at the distance forecast
windows.py       Lays out the windows of points to which a law is fitted: all of them, and the upper half by compute
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

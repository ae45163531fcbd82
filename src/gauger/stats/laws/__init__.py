"""Scaling laws: formulas with gradients, robust fits by the thousand, uncertainty, and honest extrapolation.

backtest.py      Scale-ordered validation: fit the smaller, predict the larger, and look how wrong each law was, and
                 how far out
bootstrap.py     Refits under random weights: how far the parameters, and everything that follows from them, would
                 move
diagnose.py      What a fit cannot know: parameters at bounds, directions that the points do not determine, missed
                 optima
direct.py        From scale to accuracy at once, for points without a loss
distillation.py  The distillation law: a student's loss from its size, its tokens and its teacher's loss, with a
                 capacity gap
fit.py           Fitting one law: what is compared with what, from where the search starts, and the best fit found
forecast.py      Predictions that own up to not knowing the law: a weighted mixture, widened to what the back-test
                 shows
intervals.py     Parameters with standard errors and intervals: by random-weight draws, or by profile where draws do
                 not suffice
law.py           What a law is: a formula with named parameters, its logarithm and gradient for many parameter
                 vectors at once
links.py         From loss to accuracy: accuracy = floor + (ceiling - floor) / (1 + exp(k (loss - middle)))
minimise.py      Many robust fits at once: Huber's loss by iteratively reweighted Levenberg-Marquardt, batched over B
                 fits
next_points.py   Which points to train next, so that a prediction's interval narrows most for what they cost: optimal
                 design
one_scale.py     Loss in tokens alone, for one model size: the curve of a control arm over its budgets
points.py        Points: what was trained at which scale and how well it did, one point per trained model (or per
                 mean of replicates)
profile.py       Profile likelihood intervals: for fits whose random-weight draws are not to be trusted (few points,
                 bounds)
registry.py      The laws by name
repeated.py      Repeated data: tokens seen again, and parameters beyond what the data can feed, are worth less and
                 less
supervised.py    Supervised loss in parameters and tokens: three forms that agree where they were fitted and part
                 beyond
terms.py         Sums of positive terms in logarithms: what every law is built of, and sensible places to start a fit
                 from
transfer.py      Effective data transferred: pre-training is worth so many tokens of the new distribution
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

"""Scaling laws: formulas with gradients, robust fits by the thousand, uncertainty, and honest extrapolation.

- `points`: trained models with their scale and outcome, as arrays
- `law`: what a law is: parameters, bounds, logarithm of the prediction and its gradient
- `terms`: sums of positive terms in logarithms, and where to start a fit from
- `supervised`: loss in parameters and tokens: Hoffmann, with interaction, Kaplan
- `one_scale`: loss in tokens alone: power, rectified power
- `repeated`: tokens seen again are worth less
- `transfer`: what pre-training is worth in tokens
- `distillation`: a student's loss from its teacher's, with a capacity gap
- `links`: accuracy from loss
- `direct`: accuracy from scale at once
- `registry`: the laws by name, and which could hold for given points
- `minimise`: many robust fits side by side
- `fit`: the best fit of one law
- `bootstrap`: refits under random weights, by point or by group
- `profile`: profile likelihood intervals, where the draws are not to be trusted
- `intervals`: parameters with their intervals, by draws or by profile
- `diagnose`: bounds and undetermined directions, in words
- `backtest`: fit the smaller, predict the larger
- `forecast`: a weighted mixture of laws, its interval stretched to what the back-test shows
- `next_points`: which points to train next, so that a prediction narrows most for what they cost
"""

from gauger.stats.laws.fit import LawFit, Search, fit_law
from gauger.stats.laws.forecast import Ensemble, Forecast, fit_ensemble, predict
from gauger.stats.laws.law import Law
from gauger.stats.laws.points import Points
from gauger.stats.laws.registry import LAWS, candidates, find_law

__all__ = [
    "LAWS",
    "Ensemble",
    "Forecast",
    "Law",
    "LawFit",
    "Points",
    "Search",
    "candidates",
    "find_law",
    "fit_ensemble",
    "fit_law",
    "predict",
]

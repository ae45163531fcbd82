"""Turns arrays into numbers: the estimation engine. No files, no records, no study; imports only errors.

allocate.py      Divides replicates over arms so that one contrast becomes as precise as a budget allows
binomial.py      Estimates shares: exact binomial intervals, and the share behind an imperfect test (Rogan and Gladen)
bootstrap.py     Computes the field's habit, intervals over items alone: only as the comparison that shows why it is
                 wrong
crossed/         Estimates contrasts of cell means with items and training replicates crossed
factorial.py     Lays out factorial designs over k ingredients, and writes effects as linear contrasts of cell means
irt.py           Estimates item difficulty and model ability on one scale: Rasch and two-parameter logistic models
item_logits.py   Turns mean scores into item logits: how much every item moved, where a benchmark's items differ in
                 difficulty
laws/            Fits scaling laws: formulas with gradients, robust fits by the thousand, uncertainty, and honest
                 extrapolation
power.py         Computes what a design can detect, and how many items or replicates a wanted precision needs
random_effects/  Fits random-effects meta-analysis and meta-regression
ratio.py         Estimates the ratio of two contrasts with its Fieller set: bounded, unbounded, outside or the whole
                 line
robust.py        Estimates cluster-robust CR2 covariances with Satterthwaite degrees of freedom, for weighted least
                 squares
shapley.py       Computes Shapley values and pairwise interactions of k ingredients, as linear contrasts of the 2^k
                 cell means
simultaneous.py  Computes simultaneous intervals and adjusted p-values for a family of contrasts: max-t, and Holm as
                 the plain one
student.py       Computes Student's t by scipy.special alone: importing scipy.stats would triple every command's
                 start-up time
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

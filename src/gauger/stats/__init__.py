"""Arrays in, numbers out: the estimation engine. No files, no records, no study; imports only errors.

allocate.py      How to divide replicates over arms so that one contrast becomes as precise as a budget allows
bootstrap.py     The field's habit: intervals over items alone, offered only as the comparison that shows why it is
                 wrong
crossed/         Estimates contrasts of cell means with items and training replicates crossed
factorial.py     Factorial designs over k ingredients: which cells are run, and effects as linear contrasts of their
                 means
irt.py           Item difficulty and model ability on one scale: Rasch and two-parameter logistic models
item_logits.py   Mean scores as item logits: by how much every item moved, where the items of a benchmark differ in
                 difficulty
laws/            Scaling laws: formulas with gradients, robust fits by the thousand, uncertainty, and honest
                 extrapolation
power.py         Power: what a design can detect, and what a wanted precision needs
random_effects/  Random-effects meta-analysis and meta-regression
ratio.py         Ratio of two contrasts with its Fieller set: bounded, unbounded, outside or the whole line, each
                 said in words
robust.py        Cluster-robust CR2 covariance with Satterthwaite degrees of freedom, for weighted least squares with
                 any weights
shapley.py       Shapley values and pairwise Shapley interactions of k ingredients, as linear contrasts of the 2^k
                 cell means
simultaneous.py  Simultaneous intervals and adjusted p-values for a family of contrasts: max-t, and Holm as the plain
                 one
student.py       Student's t by scipy.special alone: importing scipy.stats would triple the start-up time of every
                 command
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

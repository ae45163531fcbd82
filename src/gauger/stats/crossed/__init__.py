"""Estimates contrasts of cell means with items and training replicates crossed.

arm_noise.py         Estimates how noisy each arm's training is beside that of the others, from all the benchmarks that
                     it was measured on
benchmark_parts.py   Takes one benchmark apart: what each item and each training replicate does to each arm's mean
                     score
cell_covariance.py   Holds covariances of cell means in the form in which they arise, so that K cells need no K x K
                     numbers
contrast.py          Estimates and intervals of any linear contrasts of cell means: θ = Σ w[a,b] μ[a,b]
contrast_rows.py     Holds contrasts of cell means by the few cells that each one weighs: memory grows with these, not
                     with all cells
crossed.py           Computes crossed components: how much each item and each training replicate moved each cell mean
interval.py          Adds up variance parts to an interval, with the degrees of freedom of a well-known and a
                     little-known part
item_part.py         Estimates the item part of contrasts: what the choice of items adds, how well it is known, what
                     rare items hide
joint.py             Computes joint covariances of contrasts where they are asked for: of a family, of pairs, of
                     some against all
known_directions.py  Tells how well a pooled replicate covariance is known in the direction of one contrast
lone_runs.py         Sets apart what rests on a single training run although its arm was trained more often
moderate.py          Moderates variances: shrinks few-degree estimates towards their common value by empirical Bayes
                     (Smyth 2004)
pairing.py           Groups arms that training replicates tie together: within a group replicates are paired, between
                     groups not
panel.py             Holds the scores of one study as arrays, arms × training replicates × items for each benchmark
prior_spread.py      Estimates how far true replicate variances stray from a common value, beyond chance in
                     few-degree estimates
replicate_covariance.py
                     Computes replicate covariances of contrasts where they are asked for: what is shown and what is
                     expected, blended
replicate_part.py    Estimates the replicate part of contrasts: what the replicates show, moderated by what all of
                     them show together
replicate_prior.py   Pools replicate noise over arms and benchmarks to one expected pattern, and estimates how far
                     cells stray from it
sample_sizes.py      Counts what contrasts rest on: items, clusters and replicates; says why a contrast cannot be
                     estimated
trained_once.py      Fills in what replicates would have shown of arms that were trained once, from the arms that
                     were replicated
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

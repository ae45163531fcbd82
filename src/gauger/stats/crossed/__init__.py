"""Estimates contrasts of cell means with items and training replicates crossed.

benchmark_parts.py   One benchmark taken apart: what each item and each training replicate does to each arm's mean
                     score
contrast.py          Estimates and intervals of any linear contrasts of cell means: θ = Σ w[a,b] μ[a,b]
crossed.py           Crossed components: how much each item and each training replicate moved each cell mean
interval.py          From variance parts to an interval: how many degrees of freedom a sum of a well-known and a
                     little-known part has
item_part.py         Item part of contrasts: what the choice of items adds, how well it is known, and what rare items
                     may hide
known_directions.py  How well a pooled replicate covariance is known in the direction of one contrast
moderate.py          Moderated variances: few-degree estimates shrunk towards their common value by empirical Bayes
                     (Smyth 2004)
pairing.py           Groups of arms that training replicates tie together: within a group replicates are paired,
                     between groups not
panel.py             Panel: the scores of one study as arrays, arms × training replicates × items for each benchmark
prior_spread.py      How far true replicate variances stray from one common value, beyond what chance does to
                     few-degree estimates
replicate_part.py    Replicate part of contrasts: what the training replicates show, moderated by what all of them
                     show together
replicate_prior.py   What replicate noise should look like: one pattern pooled over arms and benchmarks, and how far
                     cells stray from it
sample_sizes.py      What contrasts rest on: items, clusters and replicates, and why a contrast cannot be estimated
trained_once.py      Fills in what replicates would have shown of arms that were trained once, from the arms that
                     were replicated
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

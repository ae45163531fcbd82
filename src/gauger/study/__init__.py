"""Turns a study file into a plan of jobs, and their results into a document.

checkpoints.py       Reads what must be known of a checkpoint before it is loaded: its place, its identity, its
                     tokens, its size
costs.py             Says what jobs cost: tokens, weights, FLOPs, queries, money and time
description.py       What a report says of a study besides its estimates: its arms, samples, the five threats, what
                     it cannot say
document.py          The document of a study: the estimates of its records, and everything that stands beside them in
                     the report
ledger.py            The token ledger in short: per arm and source, what was asked for, kept, dropped and trained on,
                     per replicate
load.py              Goes from a study file to a plan: loads it, checks it against its world, plans it. Nothing runs
                     or is written
makers.py            Plans how models come to be, by kind: trained from scratch, put in place from a checkpoint, or
                     somewhere else
next_runs.py         How a budget is best spent, from a pilot run: replicates for the verdict, cells of a scale for
                     its forecast
plan.py              Holds a plan: every job that a study needs, and which of them make up each arm x replicate
plan_forecast.py     What a plan will cost and what it could find, before anything runs
planner.py           Plans a study: teacher, base, then every arm stage by stage. What differs by kind of model, its
                     maker says
published_slopes.py  What the published evidence says of who gains most, to stand beside a study's own slopes
results.py           Results of jobs become a run's tables: the records, the ledger, and what each arm was trained on
run.py               Run a study from start to end: freeze its rule, run its jobs, estimate, and write what it found
scale.py             The scale of a study after its run: cells' scores, losses, tokens and spendings become points of
                     curves
stage_corpora.py     Plans what stages train on: texts that somebody is asked for, or nobody, questions, pairs and
                     mixtures
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

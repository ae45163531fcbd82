"""Compares the logs of several arms, without a study.

averages.py      Averages over groups of benchmarks, each kind by its name: every benchmark alike, or every item (as
                 lm-eval's)
document.py      Puts together the document of `gauger compare`: what a report shows of logs, and what logs cannot say
doubts.py        Warns of what a comparison of logs leaves in doubt: scores left out, other headlines, training
                 once, their notes
flips.py         Lists the items on which two arms differ: which the distilled arm wins, and which it loses
joint_runs.py    Joins two runs into one table of scores, in which each can still be seen as a study of its own
logs.py          Compares the logs of two or more arms: from what was read to the document, with every doubt said
                 aloud
other_scales.py  Compares measures on scales of their own: errors, where lower is better, and numbers beyond 0 to 1
pairs.py         Compares every arm with every other: differences with intervals that hold for all of them at once,
                 and ranks
parted_items.py  Lists the items on which a student and its control part most, with what was asked and what each of them
                 said
prepare.py       Prepares a comparison: benchmarks in common, measures, matched items, roles, and the design that
                 estimators need
reducers.py      Reduces several samples of an item to one score: mean, median, mode, max, at_least_K, pass@K
runs.py          Compares two runs of one question: every estimand of one less that of the other, paired where seeds
                 are shared
sensitivity.py   Estimates from the same outputs scored another way, and says whether the conclusion stands
series.py        Finds where a change begins in a series of checkpoints of one training
subgroups.py     Estimates uplift and gain within sub-groups of items: subjects, categories, lengths, whatever a
                 column names
touched.py       Estimates uplift on items that an audit touches, on clean ones, and the difference: a difference in
                 differences
"""

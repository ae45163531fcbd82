"""Estimates every reported number of a study: from records to estimates, verdict and assay checks.

In the order in which records become a verdict:

answer_outcomes.py       Counts what became of the answers, and averages scores by item difficulty, beside the
                         estimates
assay.py                 Plans and makes the instrument's checks on itself, on the verdict's own estimand, role and
                         scale
attribution/             Attributes a pipeline's gain to its ingredients
calibrate/               Scores the estimators on simulated studies whose truth is planted
cell_means.py            Writes cell means as weight matrices: the algebra that every estimand is written in
compare/                 Compares the logs of several arms, without a study
contrasts.py             Estimates all planned contrasts at once, in one pass over the scores
defences/                Estimates what defences take from attackers, against the best of a declared family of them
design.py                Holds what the estimator must know besides records: arms by kind, roles, pairing, level and
                         verdict rule
difficulty.py            Estimates uplift by item difficulty: is the teacher worth more where it is easy, or where it
                         is hard?
difficulty_estimates.py  Estimates uplift on hard items, as estimates of a study
estimand_weights.py      Writes the weights of our own estimands: contrasts of cell means, and the factors that some are
                         multiplied by
estimands.py             Registers every estimand's definition (docs/methods.md), one entry each
estimator.py             Estimates a whole study: a records table and a design in; every estimate, the assay checks
                         and the verdict out
logit_scale.py           Takes all cell means of a study to item logits, each benchmark with its own spread of
                         difficulty
no_variation.py          Bounds what a contrast may hide where no answer differs from its arm's mean, so that there is
                         no variance to go by
other_averages.py        Averages over a role's benchmarks in other ways: weighted by items, and for what other
                         benchmarks would show
outcomes_both_ways.py    Scores truncated, refused and unparsed answers both ways, as wrong and as missing, and says
                         where it matters
packed_weights.py        Keeps the weights of planned estimates packed: the few cells with weight, of the many that a
                         study has
results.py               Turns a batch of contrasts into estimates of the contract: intervals, simultaneous ones,
                         counts, reasons, notes
room.py                  Tells where scores have no room left: arms at the ceiling or the floor of a benchmark, and
                         benchmarks where all are
scales.py                Puts contrasts of points on other scales, and says whether a conclusion stands on more than
                         one
scaling/                 Fits scaling laws to points and to a study's scale
score_arrays.py          Turns the records table into dense arrays: arm x replicate x item for each benchmark,
                         samples averaged
seeds.py                 Lists every training seed's own score, and warns where the seeds of an arm fall into groups
settle.py                Finds the cheapest addition that would settle an undetermined verdict with a stated chance
table.py                 Completes and checks the records table: defaults filled in, types cast, contradictions
                         refused
verdict.py               Decides the verdict on a study, against a threshold that was fixed before the run
verdict_inputs.py        Collects what a decision needs of one estimate: numerator, denominator, their covariance,
                         degrees of freedom
wanted.py                Plans the estimates that a study asks for, each with its weights or the reason why it has
                         none
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

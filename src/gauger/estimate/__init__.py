"""From records to estimates, verdict and assay checks: every reported number of a study.

In the order in which records become a verdict:

answer_outcomes.py       Plain descriptions beside the estimates: what became of the answers, and mean scores by item
                         difficulty
assay.py                 Plans and makes the instrument's checks on itself, on the verdict's own estimand, role and
                         scale
attribution/             Attributes a pipeline's gain to its ingredients
calibrate/               Scores the estimators on simulated studies whose truth is planted
cell_means.py            Cell means as weight matrices: the algebra that every estimand is written in
compare/                 Compares the logs of several arms, without a study
contrasts.py             All planned estimates at once, in one pass over the scores
design.py                What the estimator must know of a study besides its records: arms by kind, roles, pairing,
                         level and verdict rule
difficulty.py            Uplift by item difficulty: is the teacher worth more where it is easy, or where it is hard?
difficulty_estimates.py  Uplift on hard items as estimates of a study
estimands.py             The registry: every estimand's definition (DESIGN section 3), one entry each
estimator.py             The door of this room: a records table and a design in, every estimate, the assay checks and
                         the verdict out
logit_scale.py           Takes all cell means of a study to item logits, each benchmark with its own spread of
                         difficulty
other_averages.py        Averages beside the plain one over a role's benchmarks: weighted by items, and what other
                         benchmarks would show
outcomes_both_ways.py    Scores truncated, refused and unparsed answers both ways, as wrong and as missing, and says
                         where it matters
results.py               A batch of contrasts as the estimates of the contract: intervals, simultaneous intervals,
                         counts, reasons, notes
scales.py                Puts contrasts of points on other scales, and says whether a conclusion stands on more than
                         one
scaling/                 Fits scaling laws to points and to a study's scale
score_arrays.py          The records table as dense arrays: arm x replicate x item for each benchmark, samples
                         averaged
seeds.py                 Every training seed's own score, whether the seeds of an arm fall into groups, and what so
                         few alike can exclude
settle.py                The cheapest addition that would settle an undetermined verdict with a stated chance
table.py                 The records table as the contract has it: defaults filled in, types cast, contradictions
                         refused
verdict.py               The verdict on a study, against a threshold that was fixed before the run
verdict_inputs.py        One planted estimate in the form a decision needs: numerator, denominator, their covariance,
                         degrees of freedom
wanted.py                Which estimates a study asks for, each with its weights or the reason why it has none
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

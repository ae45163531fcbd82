"""From records to estimates, verdict and assay checks: every reported number of a study.

design.py      what the estimator must know of a study: arms by kind, roles, pairing, level, verdict rule
cube.py        the records table, checked, as dense arrays (arm x replicate x item per benchmark)
cells.py       cell means as weight matrices: the algebra that estimands are written in
estimands.py   the registry: every estimand's definition, one entry each
batch.py       all contrasts of a study estimated at once, with simultaneous intervals per family
ingredients.py    which arm has which ingredients of a pipeline, and how the cells of a factorial were chosen
ingredient_amounts.py  the same from a study file and its ledger
attribution.py    the registry of attributions: what each ingredient added, one entry each
attribution_scheme.py  the weights that a full factorial, a fraction or a sample of cells allows
attribution_plan.py    which attributions a study asks for
table.py       the records table: defaults filled in, contradictions refused
plan.py        which estimates a study asks for, each with its weights or the reason why it has none
judge.py       one estimate in the form a decision needs
results.py     a batch of contrasts as the estimates of the contract
study.py       estimate_study: the door of this room
assay.py       the instrument's checks on itself, before any verdict
verdict.py     major, minor, undetermined or invalid, with the probability of major
difficulty.py  uplift on quartiles of difficulty, known or estimated from other replicates' answers
difficulty_estimates.py  the same as estimates of a study
scaling.py     laws fitted to points: the document of gauger fit
scaling_accuracy.py    from predicted losses to accuracies
scaling_validation.py  what the back-test of a fit showed
scaling_equivalents.py what a teacher was worth in data and compute
scale_study.py a study's scale: curves, predicted cells, equivalents, crossings
next_cells.py  which cells to grow a scale by
allocation.py  how a budget is divided over the arms
settle.py      the cheapest addition that would be expected to settle an undetermined verdict
ability.py     uplift against one property of the student: a slope with its interval
scale_ability.py  the same for a study's scale: starting score and size
describe.py    counts of outcomes, and mean scores per difficulty level
planted.py     what is true in a simulated study
planted_pipeline.py    a simulated factorial with known ingredient effects and interactions
simulate.py    draws of a planted study
grid.py        calibration design files: a grid of planted studies
grid_pipelines.py  planted factorials of a calibration design
calibrate_pipelines.py  scores every attribution on planted pipelines
calibrate.py   scores every estimator on planted studies: bias, coverage, width, power, false verdicts
tally.py       one estimate over many draws of a planted study
verdict_tally.py  verdicts over many draws
comparison.py  gauger compare: from the logs of several arms to a document
comparison_document.py  what a report shows of a comparison, and what logs cannot say
sensitivity.py the same outputs scored another way, and whether the conclusion stands
"""

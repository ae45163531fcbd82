"""Turns a study file into a plan of jobs, and their results into a document.

checkpoint_models.py  Plans language models from local files: put in place, and made specialists where that is wanted
checkpoints.py       Reads what must be known of a checkpoint before it is loaded: its place, its identity, its
                     tokens, its size
computing.py         Checks at plan what `computing` wants: an engine that knows it, a GPU and packages where
                     needed, an adapter
costs.py             Says what jobs cost: tokens, weights, FLOPs, queries, money and time
defence_checks.py     Checks the defences of a plan: each is one that the teacher can have, and says what it shows of
                      all that is read
defences.py          Says to the estimator what a study's defences are, and puts its findings beside costs and
                     literature
description.py       Describes a study besides its estimates: its arms, samples, setting, and what it cannot say
document.py          Puts a study's document together: the estimates of its records, and all that stands beside them
                     in the report
drawn_texts.py       Plans the texts that are drawn from models to be tested for a mark
evaluator_tasks.py   Reads what an evaluator's task is run with: its settings, the user's files behind it, and the
                     version installed
external_stages.py   Reads what an external stage is run with: its trainer, the user's template, and the version
                     that is installed
flipped_items.py     Lists the items on which the judged arm and its control differ most, with what was asked and the
                     right answer
gpu_costs.py         Estimates what the jobs of a plan take of GPUs: hours, and memory of those that our own engine
                     does
history.py           Keeps the history of a run: every start in a log that cannot be edited unseen, and what changed
                     between them
job_parts.py          Says of a planned job what decides its result, what it asks of a machine, and which code is
                      behind it
leftovers.py         Tells which results of a run its plan no longer needs, and why; removes them where that is
                     wanted
ledger.py            Sums the token ledger per arm, source and replicate: what was asked for, kept, dropped and
                     trained on
load.py              Goes from a study file to a plan: loads it, checks it against its world, plans it. Nothing runs
                     or is written
makers.py            Names the makers of models by kind, and defines what each says: how a model comes to be, and
                     what using it costs
marks.py             Tests what students write for the mark that a watermark left in what they learnt, beside text that
                     cannot bear it
models_elsewhere.py   Plans models that are elsewhere: behind an interface, or recorded
next_runs.py         Proposes how a budget is best spent, from a pilot run: replicates for the verdict, cells for the
                     forecast
plan.py              Holds a plan: every job that a study needs, and which of them make up each arm x replicate
plan_forecast.py     Forecasts what a plan will cost and what it could find, before anything runs
planner.py           Plans a study: teacher, base, then every arm stage by stage. What differs by kind of model, its
                     maker says
published_slopes.py  Estimates from the published evidence who gains most, to stand beside a study's own slopes
rebuild.py           Builds a finished run's document and tables once more, from its log and the results of its jobs
results.py           Gathers results of jobs into a run's tables: the records, the ledger, and what each arm was
                     trained on
run.py               Runs a study from start to end: freezes its rule, runs its jobs, estimates, and writes what it
                     found
run_ledger.py        Sums up the ledgers of a run's corpora: each corpus is read and kept once, however many arms were
                     trained on it
scale.py             Turns the cells of a study's scale into points of curves: scores, losses, tokens and spendings
scale_forecast.py    Says of a planned scale whether its curves can be fitted at all
scratch_models.py    Plans models that are trained from scratch on the texts of a world
shared_budgets.py    Divides the budgets for asking the teacher among all that asks within an arm: together it stays
                     within them
stage_corpora.py     Plans what stages train on: texts that somebody is asked for, or nobody, questions, pairs and
                     mixtures
threats.py           Says how a study stands on the five threats to a conclusion: seeds, mixture, benchmarks, context,
                     scale
unedited.py          Tells results that a run wrote from edited ones, by its log and its manifest, before they are
                     shown or read on
verify.py            Verifies a finished run: its log of starts, its manifest, its study, and its estimates built
                     anew
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

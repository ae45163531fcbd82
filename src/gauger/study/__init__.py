"""Moves a study from plan to results: jobs, where they are kept, and who executes them.

opening.py    study file -> checked study, its world, its plan
plan.py       a plan: jobs, and the cells that they make up
planner.py    study -> plan, for any world; atlas_plan.py fills in the embedded world's jobs
stage_plan.py  the plan of stages in which the student itself writes, for any world
language_plan.py, language_jobs.py  the same for real language models
language_stage_jobs.py, language_preference_jobs.py, language_reward_jobs.py
              stages in which a language model itself writes
vocabularies.py  whether two checkpoints speak the same tokens, before anything is loaded
costs.py      tokens, weights, queries, money and time of a job, world by world
registry.py   which function does each kind of job
jobs.py       what each kind of job of the embedded world does
stage_jobs.py  the same for stages in which the student itself writes; mixture_jobs.py for mixtures
trained.py    what a stage was trained on, source by source
study.py      a study from start to end
forecast.py   what a plan will cost, and what it could find
proposal.py   how a budget is best divided over arms, from a pilot
scale.py      cells of a scale -> points of curves
literature.py what the published evidence says beside a scale's slopes
collect.py    results of jobs -> records, ledger, failures
ledger.py     the token ledger in short
describe.py   arms, threats and limits, in the report's words
document.py   records -> estimates, verdict and everything that stands beside them
job.py        a job and its content address
cache.py      results by content address, verified on every read
schedule.py   which job next, and what a failure blocks (no processes, no files)
driver.py     drives a plan to its end: failures, retries, limits, resuming
result.py     what became of every job
executor.py   what every place where jobs run offers
local.py      runs jobs on this machine
pool.py       the worker processes, seen from the driver
worker.py     the worker process itself
ray.py        a Ray cluster in their stead
node.py       what a Ray worker does with one job
remote.py     results at a URL, for nodes that share no disk
execution.py  where and how far to run: the choice behind `gauger run --on`
limits.py     hours and FLOPs after which no job is started
flops.py      training FLOPs of each job
interrupt.py  signals become one exception
progress.py   how far it is and how long it takes, on a terminal or in a log
status.py     what a run directory says about its run
tally.py      the counting and the time left behind `progress.py`
"""

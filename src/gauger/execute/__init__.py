"""Runs jobs somewhere and keeps their results; knows no model, no world and no study.

cache.py      Keeps results by content address: whole or absent, verified on every read
code.py       Tells which code a job can reach, and gives it a version: the closure of imports, read from the sources
counts.py     Counts jobs and estimates the time left: what a progress display knows, without any display
devices.py    Counts the GPUs that this process may use, and the memory of each, without loading what uses them
driver.py     Drives a plan to its end: which job next, what became of each; *where* jobs run is the executor's
              business
execution.py  Chooses where and how far a plan is run, as `gauger run` offers it. It never changes what is computed
executor.py   Defines what every place where jobs run offers to the driver: this machine's processes, or a Ray cluster
interrupt.py  Turns signals that ask a run to stop into one exception
job.py        Describes a job: one function call whose result is kept under the hash of everything that can change it
keeper.py     Keeps programs of others from outliving who wanted them: ``python -P -m gauger.execute.keeper``
limits.py     Limits one call of a run: hours and training FLOPs, after which no job is started any more
local.py      Runs jobs on this machine: worker processes, one job each at a time
pool.py       Starts worker processes for the driver: spawns them, sends a job, hears an answer or a death
program.py    Starts programs of others (trainers, servers, evaluators) so that none outlives the job that wanted it
progress.py   Shows how far a run is and how long it takes: a live bar on a terminal, plain lines in a log file
ray.py        Runs jobs on a Ray cluster: a running one, or one that is started on this machine for the length of the
              run
ray_node.py   Runs one job inside a Ray worker: JSON text in, JSON text out
ray_start.py  Starts Ray quietly and for this machine alone, and says in words how one of its workers was lost
remote.py     Carries results to and from a URL, between machines that share no disk
result.py     Holds what became of every job of a plan
room.py       Counts what a cluster has left of each resource, job by job
schedule.py   Picks which job is next, and what a failure blocks: bookkeeping over the DAG, without processes or files
status.py     Reads from a run directory how its run stands: done, running, left, failed, damaged. Changes nothing
worker.py     Runs jobs in a worker process, one at a time, until its input ends: ``python -P -m
              gauger.execute.worker``
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

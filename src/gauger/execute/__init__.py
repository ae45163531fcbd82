"""Runs jobs somewhere and keeps their results; knows no model, no world and no study.

cache.py      Results by content address: whole or absent, verified on every read
code.py       Tells which code a job can reach, and gives it a version: the closure of imports, read from the sources
counts.py     Counting and time left: what a progress display knows, without any display
driver.py     Drives a plan to its end: which job next, what became of each; *where* jobs run is the executor's
              business
execution.py  Where and how far a plan is run: the choice that `gauger run` offers. It never changes what is computed
executor.py   What every place where jobs run offers to the driver: this machine's processes, or a Ray cluster
interrupt.py  Signals that ask a run to stop become one exception
job.py        A job: one function call whose result is kept under the hash of everything that can change it
limits.py     Limits of one call of a run: hours and training FLOPs, after which no job is started any more
local.py      Run jobs on this machine: worker processes, one job each at a time
pool.py       Worker processes as the driver sees them: spawn, send a job, hear an answer or a death
progress.py   How far a run is and how long it takes: a live bar on a terminal, plain lines in a log file
ray.py        Run jobs on a Ray cluster: a running one, or one that is started on this machine for the length of the
              run
ray_node.py   What a Ray worker does with one job: JSON text in, JSON text out
remote.py     Results at a URL: how they travel between machines that share no disk
result.py     What became of every job of a plan
schedule.py   Which job next, and what a failure blocks: bookkeeping over the DAG, without processes or files
status.py     What a run directory says about its run: done, running, left, failed, damaged. Changes nothing
worker.py     The worker process: ``python -P -m gauger.execute.worker``, one job at a time, until its standard input
              ends
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

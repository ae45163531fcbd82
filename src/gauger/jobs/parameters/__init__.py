"""Defines typed parameters between the planner and the jobs: one frozen record for each kind of job.

The planner makes the records, their JSON enters the job's address, and the job reads the same record back: neither
side ever names a key as a string.

asked.py      Says in which world a job stands, and who is asked in it, as whom, and what of its answers is shown
calling.py    Makes functions of typed parameters ones that a worker can call with JSON
corpora.py    Defines the parameters of jobs that make corpora: asked, gathered, paired, blended
measuring.py  Defines the parameters of jobs that measure models, here or with programs of others
training.py   Defines the parameters of jobs that make models: one record for each kind of training
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

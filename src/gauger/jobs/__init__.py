"""Does one job: typed parameters and input directories in, files out.

Each function is a pure function of its parameters and inputs; the runner decides where and when.

corpora.py             Makes corpora: what a teacher or a base was asked for, what nobody was asked for, and mixtures
                       of them
drawn_texts.py         Has a model write answers to benchmark items, and keeps them as the tokens that the teacher
                       counts
endpoint_places.py     Says where a study's endpoint is and how it is spoken to; imports no trainer, so that the
                       planner may ask
evaluating.py          Measures a model with a program of others: lm-eval or Inspect, against its files, its
                       server or its interface
measuring.py           Measures a model on benchmarks: its records, and where wanted the cross-entropy of the true
                       answers
models.py              Makes models: trained from scratch, checkpoints put in place, specialists; and reads them back
                       for other jobs
own_samples.py         Trains a student on what it writes itself: scored by somebody at hand, or rewarded by the
                       truth or a discriminator
pairs.py               Draws a student's answers, and pairs a right one with a wrong one, as the truth or a judge has
                       it
parameters/            Defines typed parameters between the planner and the jobs: one frozen record for each kind of
                       job
program_parameters.py  Defines the parameters of jobs in which somebody else's program trains: one frozen record for
                       each
registry.py            Names the function behind every kind of job, and what opens every kind of teacher, without
                       importing any of it
rewards_elsewhere.py   Trains a student with somebody else's program on its own answers, graded here while it runs
scope.py               Keeps open until a job has ended what was opened on its behalf: servers, folders
served.py              Asks models that a command of the user's serves: started for one job, and ended with it
teachers.py            Opens whoever a job asks, behind the surface and its budgets: models at hand, endpoints,
                       recordings
teachers_elsewhere.py  Opens teachers that no job makes: OpenAI-compatible endpoints, and recordings of what was
                       asked before
training.py            Trains a student on a corpus: on its texts, on log-probabilities along them, on pairs, or on a
                       blend of sources
training_elsewhere.py  Trains with somebody else's program: a student on texts or on pairs of answers, a teacher on
                       true answers
training_record.py     Writes `training.json`: what a stage was trained on, source by source, and its losses
unfinished.py          Keeps how far a training came, so that one that was killed goes on where it was in the next run
                       of its study
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

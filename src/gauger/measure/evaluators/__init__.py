"""Measures models with programs of others: lm-eval and Inspect run, and the importers read what they write.

inspect_program.py  Says how Inspect is run on a task, against a checkpoint or an endpoint
lm_eval_program.py  Says how lm-eval is run on a task, against a checkpoint or an endpoint
logged_records.py   Makes records of the logs that an evaluator wrote, read as `compare` reads them
run.py              Runs an evaluator on one model and one task, and returns records
target.py           Defines whom an evaluator asks, and what its program must tell of itself
"""

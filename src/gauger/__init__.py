"""Gauger.

__main__.py  ``python -m gauger``: the same as ``gauger``
cli/         The command line: one command per file, results on standard output, everything else on standard error
elicit/      Teacher to corpus: what was asked, what was answered, and where every sample comes from
errors.py    The exception tree: who made the mistake, and what they can do about it
estimate/    From records to estimates, verdict and assay checks: every reported number of a study
evidence/    The published literature on distillation: one table, cleaned by stated rules, pooled again whenever it
             is asked
execute/     Runs jobs somewhere and keeps their results; knows no model, no world and no study
jobs/        Does one job: typed parameters and input directories in, files out
measure/     From models and existing evaluation logs to records
plugs.py     Finds parts by name: our own from a table, those of other packages through entry points, imported when
             first used
records.py   The frozen types that cross rooms: records in, estimates out, and the document a report is made of
report/      Report: a document in, one self-contained HTML page out, with its figures also as SVG and PNG
spec/        The study file: its schema, loading with line-numbered errors, automatic controls, fingerprint, frozen
             rule
stats/       Arrays in, numbers out: the estimation engine. No files, no records, no study; imports only errors
store/       A run directory: what stands where, written whole or not at all
study/       Turns a study file into a plan of jobs, and their results into a document
train/       Corpus to model: one set of losses, rows and stages for every engine
worlds/      Where facts, skills, texts and benchmarks come from
"""

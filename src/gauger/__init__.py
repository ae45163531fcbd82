"""Measures what a teacher adds to a student, apart from what it would have gained anyway.

__main__.py  Runs ``python -m gauger``: the same as ``gauger``
cli/         Runs the command line: one command per file, results on standard output, everything else on standard
             error
elicit/      Makes corpora of teachers' replies: what was asked, what was answered, and where every sample comes from
errors.py    Sorts errors by who made the mistake, and says what they can do about it
estimate/    Estimates every reported number of a study: from records to estimates, verdict and assay checks
evidence/    Pools the published literature on distillation: one table, cleaned by stated rules, fitted again at
             every call
execute/     Runs jobs somewhere and keeps their results; knows no model, no world and no study
jobs/        Does one job: typed parameters and input directories in, files out
measure/     Makes records from models, and from evaluation logs that exist
plugs.py     Finds parts by name: our own from a table, those of other packages through entry points, imported when
             first used
records.py   Defines the frozen types that cross rooms: records, estimates, and the document a report is made of
report/      Draws the report: a document in, one self-contained HTML page out, with its figures also as SVG and PNG
spec/        Defines the study file: its schema, loading with line-numbered errors, controls, fingerprint, frozen rule
stats/       Turns arrays into numbers: the estimation engine. No files, no records, no study; imports only errors
store/       Keeps a run directory: what stands where, written whole or not at all
study/       Turns a study file into a plan of jobs, and their results into a document
train/       Trains models on corpora: one set of losses, rows and stages for every engine
worlds/      Makes worlds: where facts, skills, texts and benchmarks come from
"""

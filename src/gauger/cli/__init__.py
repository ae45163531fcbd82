"""The command line: one command per file, results on standard output, everything else on standard error.

Exit codes: 0 done, 2 the user's mistake, 1 our fault, 128 + n stopped by signal n.

application.py        The application: which commands there are, and what the process says and returns when one of
                      them stops
calibrate.py          ``gauger calibrate``: planted truths in; bias, coverage, width, power and false verdicts out
calibrate_tables.py   The tables of ``gauger calibrate``: how every cell, every estimand and every verdict did
compare.py            ``gauger compare``: what evaluation logs that already exist say about a distilled student
compare_arguments.py  Reads the arms that the command line of ``gauger compare`` names
compare_text.py       Shows a comparison as text: what was compared, the estimates in percentage points, ranks,
                      flips, other scorings
elicit.py             ``gauger elicit``: a teacher's answers as a corpus with its ledger
elicit_order.py       What ``gauger elicit`` was asked for, and its carrying out
elicit_text.py        What ``gauger elicit`` says: how far it is, and what came of it
evidence.py           ``gauger evidence``: the published literature on distillation, pooled, checked and open to
                      additions
evidence_text.py      The evidence as plain text for a terminal: every view of `gauger evidence` without `--json`
execution_options.py  Options of commands that run a study: where, how many at once, and how far
fit.py                ``gauger fit POINTS.csv``: scaling laws fitted to trained models, their extrapolation scored on
                      points held out
fit_text.py           The words and tables of ``gauger fit``, from the same document that ``--json`` prints
meta.py               ``gauger meta TABLE.csv``: a random-effects meta-analysis or meta-regression of any table of
                      effects
meta_category.py      The part of ``gauger meta --vary-by``: random effects that differ by category and correlate
                      within groups
meta_text.py          The words and tables of ``gauger meta``, from the same document that ``--json`` prints
meta_warnings.py      The warnings of ``gauger meta``: what a reader of the numbers must know and may not ask for
output.py             Printing results: text for people, JSON for programs, both on standard output
plan.py               ``gauger plan STUDY.yaml``: arms, jobs, tokens, FLOPs, time, and the smallest uplift the study
                      could detect
reference.py          Write docs/cli.md from the commands themselves: ``python -m gauger.cli.reference docs/cli.md``
report.py             ``gauger report DIR``: the report again, from `estimates.json`
run.py                ``gauger run STUDY.yaml``: from a study file to a verdict and its report
status.py             ``gauger status DIR``: what is done, what is left, what failed and why
table_input.py        Reads the tables of ``gauger meta`` and ``gauger fit``: every mistake is named by its file,
                      line and column
tables.py             Writes tables for the terminal: the one writer of all commands, as plain text that looks the
                      same everywhere
teachers.py           A teacher from what a command line says: ``URL#MODEL``, ``hf:PATH`` or ``replay:DIR``
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

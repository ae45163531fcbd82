"""Runs the command line: one command per file, results on standard output, everything else on standard error.

Exit codes: 0 done, 2 the user's mistake, 1 our fault, 128 + n stopped by signal n.

application.py        Builds the application from its commands, and says and returns what the process must when one
                      of them stops
audit.py              ``gauger audit``: looks for benchmark items in corpora, and says how often it errs
audit_text.py         Words and tabulates ``gauger audit``, from the same document that ``--json`` prints
calibrate.py          ``gauger calibrate``: plants truths and counts bias, coverage, width, power and false verdicts
calibrate_tables.py   Tabulates for ``gauger calibrate`` how every cell, every estimand and every verdict did
clean.py              ``gauger clean DIR``: names the results that a run's plan no longer needs, and removes them on
                      request
compare.py            ``gauger compare``: reads what evaluation logs that already exist say about a distilled student
compare_arguments.py  Reads the arms that the command line of ``gauger compare`` names
compare_cells.py      Writes the cells that the tables of ``gauger compare`` share: numbers, intervals, averages' names
compare_tables.py     Tabulates what ``gauger compare`` says besides its estimates: pairs, ranks, groups, audit,
                      flips, other scorings
compare_text.py       Shows a comparison as text: what was compared, the estimates in percentage points, ranks,
                      flips, other scorings
elicit.py             ``gauger elicit``: asks a teacher, and keeps its answers as a corpus with its ledger
elicit_options.py     Names the options of ``gauger elicit`` in groups, each with what it comes to
elicit_order.py       Reads what ``gauger elicit`` was asked for, and carries it out
elicit_text.py        Says for ``gauger elicit`` how far it is, and what came of it
evidence.py           ``gauger evidence``: pools and checks the published literature on distillation, and takes
                      additions to it
evidence_text.py      Words the evidence as plain text for a terminal: every view of `gauger evidence` without
                      `--json`
execution_options.py  Names the options of commands that run a study: where, how many at once, and how far
export_options.py     Names the options that write estimates as tables, the same on every command that estimates, and
                      writes them
fit.py                ``gauger fit POINTS.csv``: fits scaling laws to trained models, and scores them on points held
                      out
fit_text.py           Words and tabulates ``gauger fit``, from the same document that ``--json`` prints
init.py               ``gauger init``: writes a commented study file to start from
forecast.py           Registers ``gauger forecast [SCENARIO.yaml]``: forecasts, decision and back-test
forecast_text.py      Lays out forecasts, decisions and the back-test as text
meta.py               ``gauger meta TABLE.csv``: fits a random-effects meta-analysis or meta-regression to any table
                      of effects
meta_text.py          Words and tabulates ``gauger meta``, from the same document that ``--json`` prints
option_groups.py      Lets options that belong together be declared once, as a dataclass, and given to a command as
                      one parameter
output.py             Prints results: text for people, JSON for programs, both on standard output
plan.py               ``gauger plan STUDY.yaml``: lists arms, jobs, tokens, FLOPs and time, and the smallest uplift
                      it could detect
reference.py          Writes docs/cli.md from the commands themselves: ``python -m gauger.cli.reference docs/cli.md``
report.py             ``gauger report DIR``: writes the report again, from `estimates.json`
run.py                ``gauger run STUDY.yaml``: takes a study file to a verdict and its report
runs.py               ``gauger runs [DIR]``: lists runs with their verdicts
side_by_side_text.py  Shows runs side by side as text: every verdict, the judged difference, what differs, and all
                      differences
signature.py          Checks a signature of a run's manifest by somebody's SSH key (`ssh-keygen -Y`)
status.py             ``gauger status DIR``: tells what is done, what is left, what failed and why
tables.py             Writes tables for the terminal: the one writer of all commands, as plain text that looks the
                      same everywhere
teachers.py           Opens a teacher from what a command line says: ``URL#MODEL``, ``hf:PATH`` or ``replay:DIR``
validate.py           ``gauger validate STUDY.yaml``: checks study files, and nothing else
verify.py             ``gauger verify DIR``: builds a finished run's estimates and report anew, and says what differs
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

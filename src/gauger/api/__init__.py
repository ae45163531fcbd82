"""Does what the commands do, for Python: a function per question, a typed result that tells, draws and reports.

The command line is a thin layer over this room: it reads options, calls one of these functions and prints the result.
A new capability adds its file here, its function to the door (`__init__.pyi`) and its name to `gauger.FUNCTIONS`.

export.py         Writes results for others: estimates as CSV, Markdown and LaTeX, a model card, evaluation results
                  for a hub
forecasts.py      Forecasts a scenario from the published literature, and decides (`gauger.forecast`)
frames.py         Turns estimates into data frames and notebook tables, and data frames of either library into Polars
laws.py           Fits scaling laws to trained models (`gauger.fit`)
left_out.py       Says which rows of `gauger.fit` no law was fitted to, because their outcome is empty, and which runs
                  went too
literature.py     Opens the published evidence on distillation (`gauger.evidence`)
logs.py           Compares models from evaluation logs that exist (`gauger.compare`)
meta_analysis.py  Pools the effects of any table: a random-effects meta-analysis or meta-regression (`gauger.meta`)
meta_category.py  Fits and prints `gauger.meta` by category: random effects that differ and correlate within groups
meta_data.py      Turns the cells of a table into the data of a meta-analysis: a mistake is named by its line
meta_options.py   Holds what `gauger.meta` was asked, in column names and options, and refuses what does not go
                  together
meta_warnings.py  Warns readers of `gauger.meta` of what they must know about the numbers and may not ask for
new_study.py      Writes study files to start from: a commented first one, or one of those that come with Gauger
overlaps.py       Looks for benchmark items in training texts (`gauger.audit`)
places.py         Refuses places where a command cannot write what it makes, before it has made it
result.py         Defines what every function of the API returns: the document that the command prints, and ways to
                  look at it
run_list.py       Lists the runs in a folder with their verdicts, and says of one run what it ended with
same_question.py  Refuses runs that do not measure the same thing: their difference would mean nothing
share_columns.py  Matches the domain shares of models to predict with those fitted: by name, whatever the order of the
                  columns
side_by_side.py   Sets runs side by side (`gauger.compare_runs`): both verdicts, and every estimate of one less that of
                  another
studies.py        Runs studies and opens finished runs (`gauger.run`, `gauger.load_run`)
table_input.py    Reads the tables of `gauger.meta` and `gauger.fit`: every mistake is named by its file, line and
                  column
trackers.py       Sends estimates to experiment trackers: W&B and MLflow, each through its own client
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

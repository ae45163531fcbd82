"""Reads existing evaluation logs without a network: from files of many formats to arms whose items are matched.

alpaca_eval.py      Reads the annotations of alpaca_eval: each instruction's preference between a reference (1) and
                    the model (2)
archive.py          Unpacks zip archives from strangers under a limit
arm.py              Gathers an arm from its logs: what can be read, which of it counts, and which trained model each
                    log is of
contents.py         Looks at what a file is by its first bytes, whatever its name ends in, and unpacks what is only
                    wrapped
csv_file.py         Reads CSV as text columns, and finds the line of a row: Polars where it cannot differ from the
                    project's reader
detect.py           Finds the files that the user may have meant: a path, a folder with all that it holds, or a
                    pattern
differences.py      Says what differs between the sides besides the model: settings, prompts, and what is not known
                    of them
directions.py       Knows of which metrics lower is better, so that an error is never read as a score, nor a score as
                    an error
formats.py          Gives a file to the reader of its format, told by what it holds and never by what its name ends in
group_means.py      Recomputes lm-eval's averages over groups of tasks from the samples, and finds out how the
                    harness weighted them
helm.py             Reads HELM's `per_instance_stats.json`: one entry per instance and trial, with a list of
                    statistics
identity.py         Tells which logs come from one trained model, which benchmark each is of, and which evaluation of
                    several counts
inspect_file.py     Opens Inspect logs, `.eval` archives and `.json` files, without Inspect: one header, and samples
                    one after another
inspect_log.py      Reads Inspect logs, `.eval` (a zip archive) and `.json`: one log of one model on one task
inspect_samples.py  Turns one sample of an Inspect log into rows: identity, outcome, and scores on the 0-1 scale
item_keys.py        Chooses what items are matched by: the document, what was asked, or the id; never too few in
                    silence
item_texts.py       Reads what was asked from lm-eval and Inspect logs: the text of every item, with the identities
                    that match it
json_lines.py       Reads JSON Lines: chosen fields of every line at full speed, and the exact line of a fault
light_eval.py       Reads what LightEval and the Open LLM Leaderboard write as Parquet: one row per example, metrics
                    in a struct
lm_eval.py          Reads lm-eval's `samples_TASK_DATE.jsonl` (from `--log_samples`): one line per document and
                    answer filter
lm_eval_03.py       Reads what lm-eval 0.3 wrote under `--write_out`: an array of documents with `prompt_0` and
                    `truth`
lm_eval_lines.py    Turns the lines of an lm-eval samples file into rows: filters named, repeats dropped, items given
                    an identity
lm_eval_results.py  Reads lm-eval's `results_DATE.json`: the model, the settings, and a second opinion on the samples
                    beside it
log.py              Defines what every importer returns: one evaluation of one model on one benchmark, with each way
                    it was scored
match.py            Keeps the same items on every side: whatever has no counterpart is counted and named
measures.py         Chooses which score is compared: the primary measure by a stated rule, and others to test how
                    much it matters
mmlu_pro.py         Reads the results of MMLU-Pro's own scripts: a list of questions with `answer`, `pred` and
                    `category`
open_compass.py     Reads OpenCompass results: one benchmark a file, its accuracy and the `details` of every item
openai_evals.py     Reads the JSON Lines of OpenAI evals: a line with the specification, then events, of which
                    matches carry scores
repeated_questions.py  Tells items of one question apart by what means the same in every log: never by their rank in
                    a log that lacks some
repeats.py          Drops and counts the same item said twice in one log; refuses it where it is said differently
scored_items.py     Makes logs of items with their scores: what the readers of smaller formats have in common
shown_answers.py    Reads what was asked, the right answer and what the model said, for chosen items of a log
table.py            Reads a records table: the contract's columns, checked row by row, as logs per replicate and
                    benchmark
table_columns.py    Finds the columns of the records table under the names that a file gives them
table_source.py     Reads any table as text columns or typed ones, with the place of each row: CSV, TSV, semicolons,
                    Parquet, JSON
"""

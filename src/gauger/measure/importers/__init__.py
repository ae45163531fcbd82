"""Existing evaluation logs, read without a network: lm-eval samples, Inspect logs, records tables.

log.py              what every importer returns: one evaluation of one model on one benchmark
detect.py           from a path, folder or pattern to files, and from a file to its importer
json_lines.py       JSON Lines at full speed, and the exact line of a fault
lm_eval.py          lm-eval's samples_*.jsonl
lm_eval_lines.py    its lines as rows: filters, repeats, identity of items
lm_eval_results.py  its results_*.json: model, settings, and a second opinion on the samples
inspect_log.py      Inspect's .eval and .json logs
inspect_samples.py  one Inspect sample as rows
archive.py          zip archives from strangers, unpacked under a limit
csv_file.py         CSV as text columns, and the exact line of a fault
table.py            the records table (CSV, Parquet), checked
repeats.py          the same item twice in one log
arm.py              the logs of one arm and their replicate numbers
measures.py         which metric and answer extraction is compared
match.py            the same items on every side
differences.py      settings and prompts that differ between the sides
"""

"""A run directory: what stands where, written whole or not at all.

canonical.py   JSON in one spelling: for keys (sorted) and for documents (order kept), NaN refused
atomic.py      text, JSON and Parquet by temporary file, fsync and rename
directory.py   the paths of a run directory
documents.py   `estimates.json` to and from `records.Document`
failures.py    failed jobs as data
tables.py      the one reader of CSV and JSON Lines
lock.py        one driver per directory
views.py       DuckDB views over records and ledger
"""

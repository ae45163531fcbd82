"""A run directory: what stands where, written whole or not at all.

atomic.py     Files that are either wholly there or not there: temporary file beside the target, fsync, rename
canonical.py  JSON in one spelling: the same value always gives the same bytes, and NaN is refused
directory.py  The paths of a run directory
documents.py  `estimates.json`: the document that a report is made of, written and read back
failures.py   Failed jobs as data: one JSON file each, with the boundary at which it failed and the reason
lock.py       One driver per directory
tables.py     Reads CSV (and TSV) and JSON Lines: the project's only reader of both, so that one file never has two
              meanings
views.py      DuckDB views over the Parquet files of a run directory: ask any question of a run in SQL
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

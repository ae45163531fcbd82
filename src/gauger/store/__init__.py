"""Keeps a run directory: what stands where, written whole or not at all.

atomic.py     Writes files that are wholly there or not there: temporary file beside the target, fsync, rename
canonical.py  Spells JSON in one way: the same value always gives the same bytes, and NaN is refused
chain.py      Keeps a log whose entries are chained by hashes: one line of JSON each, which names the digest of the
              line before
directory.py  Names the paths of a run directory
documents.py  Writes and reads `estimates.json`: the document that a report is made of
failures.py   Keeps failed jobs as data: one JSON file each, with the boundary at which it failed and the reason
file_digests.py  Digests files of any size, and keeps the digests of large ones: a checkpoint is read once, not at
                 every plan
foreign_parquet.py  Turns what Polars says of a damaged Parquet file from outside into one message that names the file
json_text.py  Parses JSON in which no key stands twice in one object, and in which nothing is nested deeper than Python
              reads
lock.py       Locks a directory, so that it has one driver
manifest.py   Keeps the manifest of a run directory: size and SHA-256 of every file that a finished run left, to find
              any edit
streams.py    Writes and reads Parquet tables that need not fit into memory: rows come and go in pieces
tables.py     Reads CSV (and TSV) and JSON Lines: the project's only reader of both, so that one file never has two
              meanings
together.py   Writes several files of one folder together: after a full disk or a kill, all of them are old or all
              are new
views.py      Opens DuckDB views over the Parquet files of a run directory: ask any question of a run in SQL
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

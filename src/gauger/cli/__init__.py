"""The command line: one command per file, results on standard output, everything else on standard error.

application.py  the application, its exit codes, and how each kind of error is said
output.py       printing results, as text or as JSON
tables.py       the one writer of tables on the terminal
table_input.py  the tables that `meta` and `fit` read
reference.py    writes docs/cli.md from the commands themselves

Exit codes: 0 done · 2 the user's mistake · 1 our fault · 128 + n stopped by signal n.
"""

from gauger.cli.application import main

__all__ = ["main"]

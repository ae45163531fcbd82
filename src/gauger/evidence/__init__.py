"""The published literature on distillation: one table, cleaned by stated rules, pooled again whenever it is asked.

- columns.py: what each cell may hold; the format's only definition
- table.py: strict reading, mistakes told with file, line and column
- bias.py: the risk-of-bias instrument
- identity.py: which names mean the same model, benchmark or score
- clean.py: flags and cleaning rules: which row enters, and why the others do not
- effects.py: points, log-odds, gap recovered, and their sampling covariance
- pooled.py: what an analysis says, and what a sensitivity run may change
- pool.py: one meta-regression on evidence rows
- restrict.py: the pre-specified rows, and every restriction of them
- headline.py: the headline sentence
- check.py: do the published tables agree with themselves?
- data/: the table itself, with its README
"""

from gauger.evidence.headline import headline
from gauger.evidence.table import Table, load

__all__ = ["Table", "headline", "load"]

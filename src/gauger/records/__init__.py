"""Defines the frozen types that cross rooms: records, estimates, and the document a report is made of.

Scores and differences are on the 0-1 scale everywhere; only the report shows percentage points. Undefined is None with
a reason, never 0 and never NaN.

answers.py    Names what stands in the records table: one row per arm, replicate, item and sample
arms.py       Describes arms and benchmarks as a report introduces them
document.py   Describes the document that a report is made of, and its schema
estimates.py  Describes an estimate: one number with its interval, on which scale it stands, or why it is undefined
verdicts.py   Describes the last word of a study, and the checks of the instrument on itself that come before it
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

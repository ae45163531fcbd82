"""Makes records from models, and from evaluation logs that exist.

answers.py  Asks a model every item of a benchmark, and reads its answers as the world reads them: one score for each
            reading
evaluators/ Measures models with programs of others: lm-eval and Inspect run, and the importers read what they write
examples.py  Names the sample logs that come with the package: made-up answers in lm-eval's format, to try a comparison
             on
importers/  Reads existing evaluation logs without a network: from files of many formats to arms whose items are
            matched
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

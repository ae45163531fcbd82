"""Scores the estimators on simulated studies whose truth is planted.

designs.py           Calibration design files: which planted studies to draw, and how often
estimate_score.py    One estimate over many draws of a planted study: how far off, how often covered, how wide, how
                     often significant
item_models.py       How a planted study turns ability into answers: the scale on which its effects are uniform
pipeline_designs.py  The `pipelines` of a calibration design: planted factorials, each with what its ingredients add
planted.py           Planted studies: what is true in a simulated study, on the scale that estimates are reported on
planted_pipeline.py  Planted pipelines: a simulated factorial whose ingredient effects and interactions are known
                     exactly
score.py             Scores every estimator on planted studies: bias, coverage, width, power and false verdicts
score_pipelines.py   Scores every attribution on planted pipelines: bias, coverage, width and power, beside the
                     items-only interval
simulate.py          Draws of a planted study: scores whose expectations are exactly the planted truths
statement_score.py   Statements on two scales over many draws: how often *memorised* and *bound* are said, and what
                     one scale would say
verdict_score.py     Verdicts over many draws of a planted study: how often right, how often falsely *major*, and
                     what others would say
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

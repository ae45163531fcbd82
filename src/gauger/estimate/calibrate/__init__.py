"""Scores the estimators on simulated studies whose truth is planted.

designs.py           Reads calibration design files: which planted studies to draw, and how often
estimate_score.py    Scores one estimate over many draws: how far off, how often covered, how wide, how often
                     significant
item_models.py       Turns the ability of a planted study into answers, on the scale on which its effects are uniform
pipeline_designs.py  Reads the `pipelines` of a calibration design: planted factorials, each with what its
                     ingredients add
planted.py           Plants what is true in a simulated study, on the scale that estimates are reported on
planted_defences.py  Plants studies of defences: the uplift of every attacker on every surface, and what honest users
                     lose
planted_pipeline.py  Plants pipelines: simulated factorials whose ingredient effects and interactions are known
                     exactly
score.py             Scores every estimator on planted studies: bias, coverage, width, power and false verdicts
score_pipelines.py   Scores every attribution on planted pipelines: bias, coverage, width and power, beside the
                     items-only interval
simulate.py          Draws planted studies: scores whose expectations are exactly the planted truths
statement_score.py   Counts statements over many draws: how often *memorised* and *bound* are said, and what one
                     scale would say
verdict_score.py     Counts verdicts over many draws: how often right, how often falsely *major*, and what others
                     would say
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

"""Evaluators of others, run through their own Python interfaces, offline; their logs are read by `importers`.

lm_eval.py  lm-eval with a transformers model
inspect.py  Inspect with any local decoder
reading.py  a log of either as the records of the items that were asked
"""

"""Where models, facts and benchmarks come from.

atlas/   the embedded world: a symbolic language with knowledge and skills, ground truth known
texts.py        one training text
benchmarks.py   items with answers, clusters and known difficulty
"""

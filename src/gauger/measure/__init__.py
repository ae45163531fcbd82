"""From models and existing evaluation logs to records.

exact_match.py  ask a model every item of a benchmark, greedily, and compare word by word
importers/      evaluation logs that already exist
"""

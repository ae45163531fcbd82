"""From models and existing evaluation logs to records.

exact_match.py  ask a model of the embedded world every item of a benchmark, greedily, and compare word by word
language.py     ask a language model, read its answers strictly and flexibly, check them with the task's verifier
extraction.py   the two readings of an answer
decoder.py      what measuring needs of a language model
hf_decoder.py   a local transformers model as such a decoder
evaluators/     lm-eval and Inspect as evaluators, through their own Python interfaces
importers/      evaluation logs that already exist
"""

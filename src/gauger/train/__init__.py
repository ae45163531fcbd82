"""Corpus to model.

tiny/   small decoders trained from scratch
"""

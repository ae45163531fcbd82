"""Finds protected texts in others, at the speed of numpy: the one net of `elicit --protect` and of the audit.

index.py     Indexes items by the runs of words that they hold, and weighs each of their words by how rare it is among
             them
matching.py  Finds indexed items in texts: which, how much of each by weight, and where
words.py     Finds the words of many texts at once, and hashes each: numpy over the bytes, no Python per word
"""

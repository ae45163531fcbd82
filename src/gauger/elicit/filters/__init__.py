"""Decides which samples a corpus keeps, and names the filter that dropped each of the others.

checks.py        Drops samples, one filter at a time: each returns the sample that it was given, dropped under its
                 name or not
duplicates.py    Finds texts that are there already: the same but for case and spaces, or nearly the same
filters.py       Puts a corpus' filters in order: the first that fails is named, those before it have passed
language.py      Guesses a text's language: by script, and for a few languages in Latin letters by their commonest
                 words
normalise.py     Makes texts comparable: one spelling for what differs in case, width, spaces and typography alone
protected.py     Protects the items of the benchmarks: texts that no training text may repeat
registry.py      Names the filters that a stage, or a command, can ask for on top of those that every corpus has
world_checks.py  Drops texts by how their world reads them: form, subject, and what they touch of the held-out content
"""

"""Decides which samples a corpus keeps, and names the filter that dropped each of the others.

checks.py        Filters, one at a time: each takes an answered sample and returns it, dropped under the filter's
                 name or not
duplicates.py    Texts that are there already: the same but for case and spaces, or nearly the same
filters.py       Which filters a corpus has, and their order: the first that fails is named, those before it have
                 passed
language.py      Which language a text is in, roughly: by script, and for a few languages in Latin letters by their
                 commonest words
normalise.py     Texts made comparable: one spelling for what differs in case, width, spaces and typography alone
protected.py     Texts that no training text may repeat: the items of the benchmarks
registry.py      Names the filters that a stage, or a command, can ask for on top of those that every corpus has
world_checks.py  Filters that read a text as its world does: its form, its subject, and what it touches of the
                 held-out content
"""

"""Looks for benchmark items in corpora, and measures on every run how often it errs.

audit.py              Audits corpora against benchmarks: which items stand in them, and how often the audit itself errs
benchmarks.py         Reads the items of benchmarks, with their texts: seeds files, tables with prompts, lm-eval and
                      Inspect logs
by_model.py           Has the user's own model rephrase items: copies that are harder to find than those by rules
corpora.py            Reads corpora of any size: pieces of files that several processes can read side by side, and the
                      texts in each
corpus_folders.py     Finds the files of a folder that hold texts, and names those that are left out: what is not read
                      is not clean
document.py           Writes an audit as a document: items, shares with intervals, and the error rates behind every flag
flags.py              Reads a kept audit back: which items of which benchmarks it touches, by every identity that logs
                      give them
nearest_stretches.py  Finds the nearest stretches of a corpus to each of some texts, by word vectors, in one pass over
                      its pieces
planting.py           Plants what an audit must find, and what it must not: every class of copy of an item, and twins
                      that are no copies
rates.py              Measures how often each net errs, at its threshold: recall of each class of copy, and false alarms
                      of twins
rephrase.py           Rephrases a text by rules: other words, other forms, clauses in another order. Easier to find than
                      a person's own
rephrased.py          Finds rephrased items: of every item the nearest stretches of the corpus by word vectors, judged
                      by a sentence model
scan.py               Scans a corpus for items by their runs of words, on several cores, and keeps the best places of
                      each item
stretches.py          Cuts texts into overlapping stretches of whole sentences, about as long as items
vectors.py            Turns texts into vectors: static word vectors, fast, and a small sentence model, slow; both from
                      packages
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

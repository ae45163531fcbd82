"""Teacher to corpus: what was asked, what was answered, and where every sample comes from.

teacher.py     what a model must offer to be asked (the surface's other side)
surface.py     what the interface shows, and its budgets: a hard stop
samples.py     one sample and its ledger row; corpora on disk
strategies.py  how prompts are made: label, expand, textbook, seedless
filters.py     which samples are kept, and why the others are not
sources.py     corpora that no teacher wrote: web, shuffled answers, truth, test items
elicitation.py one stage's corpus from start to end
"""

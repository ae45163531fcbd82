"""Changes what leaves a teacher: one defence a file, named in `registry.py`.

registry.py  Names the defences that are views: pure functions of a reply that came, which ask nothing again
shorten.py   Shortens answers: a share of each answer's words, from its end, is not shown
"""

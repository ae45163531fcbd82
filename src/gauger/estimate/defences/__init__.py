"""Estimates what defences take from attackers, against the best of a declared family of them.

best.py       Bounds the best of several contrasts: whichever it is, never chosen by its own luck
findings.py   Estimates a study's defences: a question and scores in, estimates and one outcome per defence out
outcome.py    Decides about a defence: works, does not, undetermined or not powered
plan.py       Plans the contrasts: every attacker on every surface, all pairs of them, the honest user's loss
question.py   Holds what was fixed before the run: surfaces, attackers, thresholds, and the arms that they are
ratio_set.py  Finds every ratio of two best contrasts that is not rejected, as Fieller does for one of each
"""

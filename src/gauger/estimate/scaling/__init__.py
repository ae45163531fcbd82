"""Fits scaling laws to points and to a study's scale.

ability.py           Who gains most: how uplift changes with where the student started, or with its size
ability_of_scale.py  Who gains most in a study's scale: uplift against the starting ability and the size of the
                     student
accuracy.py          The second step of a chained prediction: from predicted losses to accuracies, with the
                     uncertainty of both steps
allocation.py        How a budget is best divided over arms, for one estimate, given what a pilot showed of its
                     variance
equivalents.py       What a teacher was worth in data and compute: a distilled model held against the fitted curve of
                     its control
fit.py               Scaling laws fitted to points: parameters, predictions with intervals, back-test and warnings as
                     one document
next_cells.py        Which cells a scale should be grown by: those that tell most, per FLOP, of what distillation is
                     worth further on
study_points.py      A study's scale: curves of the control and of every distilled arm, the largest cells predicted,
                     what a teacher saved
validation.py        What the back-test of a fit showed, and what it says of predictions further out
"""

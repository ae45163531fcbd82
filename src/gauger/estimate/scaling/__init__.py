"""Fits scaling laws to points and to a study's scale.

ability.py           Estimates who gains most: how uplift changes with where the student started, or with its size
ability_of_scale.py  Estimates who gains most in a study's scale: uplift against the student's starting ability and
                     size
accuracy.py          Predicts accuracies from predicted losses, with the uncertainty of both steps
allocation.py        Divides a budget over arms so that one estimate becomes most precise, given what a pilot showed
cautions.py          Warns of what a fit does not know: predictions outside its points, and columns that its laws do not
                     read
crossings.py         Finds at how many tokens fitted curves cross: where a control catches up with its distilled arm
equivalents.py       Estimates what a teacher was worth in data and compute, against the fitted curve of its control
fit.py               Fits scaling laws to points: parameters, predictions with intervals, back-test and warnings as
                     one document
next_cells.py        Proposes the next cells of a scale: those that tell most, per FLOP, of what distillation is
                     worth further on
prediction_rows.py   Writes predictions down, one row per model: scale, value, interval, and how far it lies from
                     the fitted points
study_points.py      Fits the curves of a study's scale, predicts its largest cells, and estimates what each teacher
                     saved
validation.py        Describes what the back-test of a fit showed, and what it says of predictions further out
"""

"""The chapters of a report, in reading order; each takes the `View` and returns a `Section`, or None to be left out.

assay.py           The instrument's checks on itself: what must be seen is seen, what must not be seen is not
attribution.py     Where the raw gain comes from: learning the format, more training of any kind, and the teacher
cards.py           The headline figures: three or four numbers that carry the story from raw gain to what really
                   carried over
carryover.py       Does it carry over: the uplift in another form or skill, as a share of the targeted uplift
comparison.py      What a comparison of logs says item by item and student by student: flips, ranks, checkpoints,
                   sub-groups, errors
difficulty.py      Scores by difficulty: whether what was gained reaches the hard items
extraction.py      Whether the conclusion depends on how answers were read out of the same outputs (logs, language
                   models)
forgetting.py      What was lost on the way: raw gain on far benchmarks, losses in front
gap.py             How far each arm came: uplift as a share of the distance between matched training and the teacher
ingredients.py     What each ingredient of a pipeline added, and which share of the whole is the teacher's
interactions.py    Which ingredients help each other, and which do one another's work: the matrix of their
                   interactions
material.py        What the arms were trained on: the token ledger, what became of every answer, and samples of the
                   teacher's text
memorisation.py    Gains that stop at the items themselves: a difference in differences of targeted and parallel
                   benchmarks
number_line.py     The judged estimate on a line between minor and major: the one picture of the verdict
reproduce.py       How to get these numbers again, and all of them in one table
scaling.py         What distillation is worth as students, budgets and teachers grow: curves, held-out cells,
                   equivalents
scaling_gains.py   Who gains most: uplift against the starting score and size of the student, in the study and in the
                   literature
scaling_tables.py  The tables of a study's scale: every cell, predictions of the largest, fitted laws, equivalents
scores.py          Where every arm stands: scores with base, teacher and controls as reference marks, one panel per
                   role
setup.py           What was compared: the words the report uses, the arms and the benchmarks
threats.py         How far the numbers can be trusted beyond chance: the five threats, what cannot be said, what is
                   missing
uplift.py          What the teacher added: uplift over the matched arm, benchmark by benchmark, one panel per
                   distilled arm
verdict.py         The last word first: what the study concludes, in a sentence, with the number, its interval and
                   the threshold
waterfall.py       The waterfall of a pipeline: from none of its ingredients to all of them, in order and by Shapley
                   values
"""

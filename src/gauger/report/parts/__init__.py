"""Writes the chapters of a report; each takes the `View` and returns a `Section`, or None to be left out.

assay.py           Shows the instrument's checks on itself: what must be seen is seen, what must not be seen is not
attribution.py     Shows where the raw gain comes from: learning the format, more training of any kind, and the
                   teacher
cards.py           Picks the headline figures: three or four numbers from raw gain to what really carried over
carryover.py       Shows what carries over: the uplift in another form or skill, as a share of the targeted uplift
comparison.py      Shows a comparison of logs item by item and student by student: flips, ranks, checkpoints,
                   sub-groups, errors
defences.py        Shows what each defence takes from the best of its attackers, and what it costs honest users
defences_figures.py  Draws defences: the frontier of what is removed and what it costs, uplift by attacker, passive
                   beside adaptive
defences_rows.py   Looks up what the document says of defences: estimates by defence and attacker, what was spent, who
                   passes
defences_tables.py  Tabulates defences: outcomes with costs, what every attacker spent, and what the literature has
                   of the same kind
difficulty.py      Shows scores by difficulty: whether what was gained reaches the hard items
extraction.py      Shows whether the conclusion depends on how answers were read out of the same outputs (logs,
                   language models)
forgetting.py      Shows what was lost on the way: raw gain on far benchmarks, losses in front
gap.py             Shows how far each arm came: uplift as a share of the distance between matched training and the
                   teacher
ingredients.py     Shows what each ingredient of a pipeline added, and which share of the whole is the teacher's
interactions.py    Shows which ingredients help each other, and which do one another's work: the matrix of their
                   interactions
items.py           Shows item by item where the judged arm and its control part: what was asked, the right answer,
                   both scores
laundering.py      Shows how much of a leak comes through a teacher that was trained on the test items
material.py        Shows what the arms were trained on: the token ledger, the fate of every answer, samples of the
                   teacher's text
memorisation.py    Shows gains that stop at the items themselves: targeted against parallel benchmarks
number_line.py     Draws the judged estimate on a line between minor and major: the one picture of the verdict
reproduce.py       Tells how to get these numbers again, and lists all of them in one table
scaling.py         Shows what distillation is worth as students, budgets and teachers grow: curves, held-out cells,
                   equivalents
scaling_gains.py   Shows who gains most: uplift against the student's starting score and size, in the study and in
                   the literature
scaling_tables.py  Tabulates a study's scale: every cell, predictions of the largest, fitted laws, equivalents
scores.py          Shows where every arm stands: scores with base, teacher and controls as reference marks, one panel
                   per role
setup.py           Introduces what was compared: the words the report uses, the arms and the benchmarks
threats.py         Says how far to trust the numbers beyond chance: the five threats, what cannot be said, what is
                   missing
uplift.py          Shows what the teacher added: uplift over the matched arm, benchmark by benchmark, one panel per
                   distilled arm
verdict.py         Says the last word first: what the study concludes, with the number, its interval and the threshold
waterfall.py       Draws a pipeline's waterfall: from none of its ingredients to all of them, in order and by Shapley
                   values
watermark.py       Shows whether students write the mark that a watermark left in what they learnt, beside text that
                   cannot bear it
"""

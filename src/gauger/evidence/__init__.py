"""Pools the published literature on distillation: one table, cleaned by stated rules, fitted again at every call.

The table itself lies in `data/`, with a README and the protocol.

add.py              Adds a new study to the table (`gauger evidence add`), checks it, and shows what it changes
archive.py          Writes the review as one archive, ready for a repository that gives DOIs: table, protocol,
                    claims, references
bias.py             Judges the risk of bias: six questions per study, each low, some, high or unclear, and one
                    overall judgement
carryover.py        Estimates carry-over: where a study reports both, how much of the targeted gain arrives on
                    held-out benchmarks?
certainty.py        Grades the certainty of a claim by stated rules: GRADE's five domains, adapted to published model
                    evaluations
check.py            Checks whether the published tables agree with themselves (`gauger evidence check`); each finding
                    names its row
citing.py           Names studies as people cite them, and writes their references and the review's own as BibTeX and
                    CITATION.cff
claims.py           States what the published evidence says, claim by claim: effect, interval, studies, certainty,
                    what would change it
clean.py            Cleans by rules: says which row enters which analysis, and why the others do not
columns.py          Defines the columns of the evidence table: what each cell may hold
control.py          Derives what kind of control a row has from the words of `control_arm`; contradictions with
                    `contrast` are errors
effects.py          Computes effects and their sampling errors: points, log-odds and gap recovered, from scores and
                    n_items
empty_cells.py      Counts what the literature cannot tell: questions whose cells in the table are empty
explorer.py         Computes what a reader's restrictions show: means for every combination of them, and the rows
                    behind the forest
fit.py              Runs the whole pre-specified analysis (`gauger evidence fit`), and measures how much the headline
                    moves
forest.py           Pools each study's own rows per role: the lines of a forest plot, and the points of the funnel
                    and dose figures
headlines.py        Words the headline of the evidence: one sentence, with intervals, computed from the shipped table
                    at every call
identity.py         Tells which names mean the same model, the same benchmark or the same measured score
laboratories.py     Estimates the noise between laboratories: the same model on the same benchmark, measured by
                    several of them
moderators.py       Asks what goes with a larger uplift: meta-regressions fixed in advance, one moderator at a time
multiverse.py       Fits every combination of the switches: the multiverse behind the headline, as a specification
                    curve by role
multiverse_rows.py  Prepares the arrays that every specification of the multiverse selects from: masks, roles and
                    effects, made once
other_contrasts.py  Pools rows that answer other questions: another teacher, another method, and the GSM8K - GSM1k gap
pool.py             Makes one pooled analysis of evidence rows: effects and covariances in, coefficients with
                    intervals out
pooled.py           Holds what an analysis of the evidence says: one pooled number, one fit, and what a sensitivity
                    run may change
published_defences.py  Reads what the literature has published about defences: students and teachers before and
                    after, as printed
releases.py         Reads the versions of the table: when each came, what it holds, and how it moved each claim
restrict.py         Selects the rows an analysis reads: the pre-specified set, and each restriction or relaxation of
                    it, by name
review.py           Counts what reviewers ask for: the flow of rows (PRISMA), the agreement of the two coders, the
                    data dictionary
sensitivity.py      Measures how far the headline moves: every restriction, every study left out, and small-study
                    effects
stored.py           Reads the multiverse of the shipped table, which is computed once per release and quoted by the
                    headline
switches.py         Defines the switches of the multiverse: every defensible choice of the analysis, with the reason
                    why it stands open
table.py            Reads the evidence table: every cell is checked, and every mistake is told with its file, line
                    and column
uplift.py           Answers the first pre-specified question: uplift by role under each kind of control, and gap
                    recovered
wording.py          Words a claim from its numbers by rules, so that no sentence says more than its interval and its
                    certainty allow
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

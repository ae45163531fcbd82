"""The published literature on distillation: one table, cleaned by stated rules, pooled again whenever it is asked.

- columns.py: what each cell may hold; the format's only definition
- table.py: strict reading, mistakes told with file, line and column
- bias.py: the risk-of-bias instrument
- identity.py: which names mean the same model, benchmark or score
- clean.py: flags and cleaning rules: which row enters, and why the others do not
- effects.py: points, log-odds, gap recovered, and their sampling covariance
- pooled.py: what an analysis says, and what a sensitivity run may change
- pool.py: one meta-regression on evidence rows
- restrict.py: the pre-specified rows, and every restriction of them
- headline.py: the headline sentence
- check.py: do the published tables agree with themselves?
- data/: the table itself, with its README

add.py              `gauger evidence add`: a new study joins the table, is checked, and one sees what it changes
archive.py          Writes the review as one archive, ready for a repository that gives DOIs: table, protocol,
                    claims, references
bias.py             Risk of bias: six questions per study, each answered low, some, high or unclear, and one overall
                    judgement
carryover.py        Carry-over: where a study reports both, how much of the targeted gain arrives on held-out
                    benchmarks?
certainty.py        Grades the certainty of a claim by stated rules: GRADE's five domains, adapted to published model
                    evaluations
check.py            `gauger evidence check`: do the published tables agree with themselves? Each finding names its row
citing.py           Names studies as people cite them, and writes their references and the review's own as BibTeX and
                    CITATION.cff
claims.py           States what the published evidence says, claim by claim: effect, interval, studies, certainty,
                    what would change it
clean.py            The cleaning rules: which row enters which analysis, and why the others do not
columns.py          The columns of the evidence table: what each cell may hold
control.py          Derives what kind of control a row has from the words of `control_arm`; contradictions with
                    `contrast` are errors
effects.py          Effects and their sampling errors: percentage points, log-odds and gap recovered, from published
                    scores and n_items
empty_cells.py      What the literature cannot tell: questions whose cells in the table are empty, found by counting
explorer.py         Computes what a reader's restrictions show: means for every combination of them, and the rows
                    behind the forest
fit.py              `gauger evidence fit`: the whole pre-specified analysis in one call, and how much the headline
                    moves
forest.py           Each study's own estimate per role: the lines of a forest plot, and the points of the funnel and
                    dose figures
headlines.py        The headline of the evidence: one sentence, with intervals, computed from the shipped table each
                    time it is asked
identity.py         Which names mean the same model, the same benchmark or the same measured score
laboratories.py     The same model on the same benchmark, measured by several laboratories: noise between
                    laboratories, not new evidence
moderators.py       What goes with a larger uplift? Meta-regressions fixed in advance, one moderator at a time
multiverse.py       Fits every combination of the switches: the multiverse behind the headline, as a specification
                    curve by role
multiverse_rows.py  Prepares the arrays that every specification of the multiverse selects from: masks, roles and
                    effects, made once
other_contrasts.py  Rows that answer other questions: another teacher, another method, and the GSM8K - GSM1k gap
pool.py             One pooled analysis of evidence rows: effects and covariances in, coefficients with intervals out
pooled.py           What an analysis of the evidence says: one pooled number, one fit, and what a sensitivity run may
                    change
releases.py         Reads the versions of the table: when each came, what it holds, and how it moved each claim
restrict.py         Which rows an analysis reads: the pre-specified set, and every restriction or relaxation of it,
                    each under a name
review.py           Counts what reviewers ask for: the flow of rows (PRISMA), the agreement of the two coders, the
                    data dictionary
sensitivity.py      How far does the headline move? Every restriction, every study left out, and small-study effects
stored.py           Reads the multiverse of the shipped table, which is computed once per release and quoted by the
                    headline
switches.py         Defines the switches of the multiverse: every defensible choice of the analysis, with the reason
                    why it stands open
table.py            Reading the evidence table: every cell is checked, and every mistake is told with its file, line
                    and column
uplift.py           The first pre-specified question: uplift by role of the benchmark, under each kind of control,
                    and gap recovered
wording.py          Words a claim from its numbers by rules, so that no sentence says more than its interval and its
                    certainty allow
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

"""Changes what leaves a teacher: one defence a file, named in `registry.py`.

antidistillation.py
             Tilts answers towards tokens that a proxy student is the worse for having learnt: antidistillation sampling
asking.py    Asks a teacher something else than it was asked: what most generations are
brief.py     Lets answers be only so long: a generation, for a teacher that may write less is asked anew
chance.py    Draws by what a text says: the same text always gives the same number, whenever and beside whatever it
             comes
experts.py   Answers as the product of the teacher and a proxy student: what the proxy would not say is said less
flagged.py   Refuses what a monitor flags: an account that was flagged is served no more (a policy)
heat.py      Draws answers at a higher temperature: a generation, so everything is asked anew
kinds.py     Defines the three kinds of defence: views of what came, other generations, and policies about who is
             answered
ration.py    Refuses a share of the queries, evenly along the stream: a policy
reasoning.py Hides the reasoning of a share of the replies, or shows a summary of it: two views of replies with
             reasoning
registry.py  Names the defences: records of one of the kinds in `kinds.py`; a bare function of reply and strength is a
             view
rewrite.py   Has the teacher rewrite a share of its replies before they are shown: other words, the same content; a
             generation
rounding.py  Rounds log-probabilities: a view that leaves texts as they are
shorten.py   Shortens answers: a share of each answer's words, from its end, is not shown
steering.py  Defines how a defence chooses next tokens otherwise: numbers in, numbers out, whichever model computes them
watermark.py Marks answers by a green list of next tokens, and tests tokens of any text for the mark: also a student's
wrong.py     Puts wrong steps into the reasoning of a share of the replies; the answers stay: a view
"""

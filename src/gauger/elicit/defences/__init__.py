"""Changes what leaves a teacher: one defence a file, named in `registry.py`.

asking.py    Asks a teacher something else than it was asked: what most generations are
chance.py    Draws by what a text says: the same text always gives the same number, whenever and beside whatever it
             comes
heat.py      Draws answers at a higher temperature: a generation, so everything is asked anew
kinds.py     Defines the three kinds of defence: views of what came, other generations, and policies about who is
             answered
ration.py    Refuses a share of the queries, evenly along the stream: a policy
reasoning.py Hides the reasoning of a share of the replies, or shows a summary of it: two views of replies with
             reasoning
registry.py  Names the defences: records of one of the kinds in `kinds.py`; a bare function of reply and strength is a
             view
rounding.py  Rounds log-probabilities: a view that leaves texts as they are
shorten.py   Shortens answers: a share of each answer's words, from its end, is not shown
"""

"""Reads what a teacher sent: a pure function of the raw reply, for every kind of teacher.

finish_reasons.py    Says what the providers' reasons for ending a reply mean; one that nobody knows is flagged
raw_reply.py         Reads a raw reply: its outcome, answer, reasoning, tokens and log-probabilities
reasoning_fields.py  Finds reasoning that stands in a reply beside the answer: fields, details, parts of the content
reasoning_marks.py   Finds reasoning that stands in the answer's own text, between marks: a table of the known forms
token_logs.py        Reads log-probabilities, of chats and of completions
usage.py             Reads what an endpoint says that a reply used, in the words of many providers; what cannot be is no
                     statement
"""

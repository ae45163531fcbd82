"""Defines what a teacher offers, its budget, and the journal of what it replied.

budget.py          Budgets on queries, tokens and money: a hard stop
journal.py         Paid replies on disk as they come: append-only JSON lines, one writer at a time
journal_format.py  One reply as one line of JSON, and back: the format `gauger.journal/1`
journalled.py      A teacher whose replies are kept: nothing is asked, or paid, a second time
limited.py         A budget for teachers that have none of their own: local checkpoints and recordings
messages.py        A request, a reply, and what every language-model teacher offers
prices.py          What tokens cost, as the study states it: nothing here knows a price list, which would be wrong in
                   a month
replay.py          A recorded teacher: answers what was asked before, from the journal of a corpus
surfaced.py        Shows of a teacher's replies what its surface shows, whatever kind of teacher it is
"""

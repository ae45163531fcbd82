"""Defines what a teacher offers, its budget, and the journal of what it replied.

bill.py            Counts what requests took: as the endpoint states it, and at the most possible where it states
                   nothing
budget.py          Keeps budgets on queries, tokens and money: a hard stop
journal.py         Keeps paid replies on disk as they come: append-only JSON lines, one writer at a time
journal_format.py  Writes one reply as one line of JSON, and reads it back: the format `gauger.journal/2`
journalled.py      Keeps a teacher's replies, so that nothing is asked, or paid, a second time
limited.py         Puts a budget on teachers that have none of their own: local checkpoints and recordings
messages.py        Defines a request, a reply, and what every language-model teacher offers
prices.py          Computes what tokens cost at the study's own prices: a price list kept here would be wrong in a
                   month
replay.py          Answers what was asked before, from the journal of a corpus: a recorded teacher
sendings.py        Logs requests before they are sent, so that one that is never heard of again is not forgotten
surfaced.py        Shows of a teacher's replies what its surface shows: the one place where answers leave a teacher of
                   any kind
"""

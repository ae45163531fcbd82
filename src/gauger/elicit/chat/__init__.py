"""Asking language models: real endpoints, local checkpoints and recorded answers, all behind one protocol.

messages.py    a request, a reply, and what every teacher offers
endpoint.py    a teacher behind an OpenAI-compatible endpoint; `URL#MODEL`
session.py     one batch of requests to it: workers, retries, limits
attempts.py    one request from its first sending to its reply
transport.py   one attempt, through the `openai` client
wire.py        the OpenAI-compatible format, both ways
faults.py      what can go wrong, and what each fault means
pacing.py      requests at once and per minute, timeouts, waits
budget.py      queries, tokens and money: a hard stop
prices.py      what tokens cost
secret.py      the key: from the environment, and nowhere else
journalled.py  a teacher whose replies are kept: nothing is paid twice
journal.py     paid replies on disk as they come
lines.py       one reply as one line of JSON
replay.py      a recorded teacher
background.py  work in another thread, its results here as they come
seeds.py       questions that prompts are made from, as JSON Lines
templates.py   versioned prompts of a strategy; templates/ holds ours
programs.py    the strategies by name, each with its template
asking.py      what a strategy works with: rounds of requests
asking_seeds.py  label, rationale, self
writing.py     expand, seedless
textbook.py    textbook
feedback.py    feedback: preference pairs
parsing.py     what a teacher's reply says: lists, rankings, final answers
filters.py     which filters a corpus has, and their order
checks.py      the filters, one at a time
duplicates.py  texts that are there already, exactly or nearly
protected.py   texts that no sample may repeat
language.py    which language a text is in, roughly
normal.py      texts made comparable
collect.py     one corpus from start to end
sample.py      one sample with everything that stands about it in the ledger
corpus.py      a corpus on disk, with its ledger
lineage.py     from a training row back to benchmark items
export.py      training files for TRL, Axolotl and LLaMA-Factory
"""

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
"""

"""Asks OpenAI-compatible endpoints: requests, retries, limits, the format, both ways.

attempts.py     One request from its first sending to its reply: what was set aside for it, what was sent, what went
                wrong
chat_format.py  The OpenAI-compatible format: a request to the JSON that is sent, and the JSON that came back to a
                reply
endpoint.py     A teacher behind an OpenAI-compatible endpoint: vLLM, a llama.cpp server, a hosted model
faults.py       What can go wrong between a request and its reply, and what each fault means for the money and for
                the next attempt
pacing.py       How fast an endpoint is asked, and how long an answer is waited for
secret.py       The endpoint's key: from the environment, at the time of use, and nowhere else
session.py      One batch of requests to an endpoint: an event loop in a thread, a few workers in it, replies out as
                they come
threads.py      Work in another thread, its results here as they come: how asynchronous clients look synchronous from
                outside
transport.py    One attempt at one request; whatever happens comes back as bytes or as a fault
"""

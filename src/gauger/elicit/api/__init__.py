"""Asks OpenAI-compatible endpoints: requests, retries, limits, the format, both ways.

address.py      Says where a teacher is and how it is spoken to; secrets stand in it by the names of environment
                variables alone
attempts.py     Follows one request from its first sending to its reply: what was set aside for it, was sent, and
                went wrong
batch_desk.py   Speaks with an endpoint's interface for batches: sends files, begins batches and finds them again,
                fetches files
batch_files.py  Spells a batch of requests as a file of JSON Lines, and reads the files that an endpoint makes of it
batch_session.py
                Asks requests through an endpoint's interface for batches: files in, files out, one after the other
chat_format.py  Turns what an OpenAI-compatible endpoint sends back into a reply, or says what is wrong with it
dialect.py      Spells requests as one model wants to hear them, and respells them where it refuses how they were put
endpoint.py     Offers a teacher behind an OpenAI-compatible endpoint: vLLM, a llama.cpp server, a hosted model
faults.py       Sorts what goes wrong between request and reply, and says what it means for the money and the next
                attempt
held_port.py    Finds a free port on loopback and keeps other jobs of Gauger off it
model_server.py
                Serves a local model by the user's command: starts it, waits until it answers, and ends all of it
                afterwards
pacing.py       Decides how fast an endpoint is asked, and how long an answer is waited for
refusals.py     Reads from an endpoint's error which parameter it refuses, or whether it declines this one prompt
secret.py       Reads the endpoint's key: from the environment, at the time of use, and nowhere else
session.py      Sends one batch of requests to an endpoint: an event loop in a thread, a few workers, replies out as
                they come
stream.py       Puts the pieces of a streamed reply together: the same JSON as if it had come in one
threads.py      Runs work in another thread and yields its results here, so that asynchronous clients look synchronous
transport.py    Makes one attempt at one request; whatever happens comes back as bytes or as a fault
"""

"""What the tests of this folder share: requests, an endpoint with little patience."""

from dataclasses import replace

from gauger.elicit.api.address import parse_teacher
from gauger.elicit.api.endpoint import OpenAIEndpoint, Pace, Patience
from gauger.elicit.teacher.messages import Message, Request

QUICK = Patience(connect_s=20.0, total_s=60.0, attempts=12, first_wait_s=0.01, longest_wait_s=0.1, give_up_s=120.0)
"""Retries at once, and waits long enough for a busy machine."""
UNTIRING = replace(QUICK, total_s=1.5, attempts=10_000, give_up_s=3600.0, slow=10_000)
"""For servers that stall. A busy machine may be as slow: such a reply is asked again, and counted, like any other."""


def question(prompt, **settings):
    return Request((Message("user", prompt),), settings.pop("max_tokens", 20), **settings)


def questions(count):
    return [question(f"question {number}") for number in range(count)]


def endpoint(url, budget=None, in_flight=16, patience=QUICK, **pace):
    return OpenAIEndpoint(parse_teacher(f"{url}#m"), budget, Pace(in_flight, **pace), patience)

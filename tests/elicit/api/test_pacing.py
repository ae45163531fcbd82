"""Limits per minute and waits, against a clock that only sleeping moves."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.elicit.api.pacing import Pace, Pacer, Patience
from gauger.errors import UserError


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


def sent_at(pace, tokens, between=lambda pacer, clock, sending: None):
    """When each request goes out, asked for one after the other."""
    clock = Clock()
    pacer = Pacer(pace, clock)

    async def run():
        times = []
        for amount in tokens:
            sending = await pacer.turn(amount, clock.sleep)
            times.append(clock.now)
            between(pacer, clock, sending)
        return times

    return asyncio.run(run())


def test_without_limits_nothing_waits():
    assert sent_at(Pace(), [10**9] * 5) == [1000.0] * 5


def test_requests_per_minute_are_spaced_evenly():
    times = sent_at(Pace(requests_per_minute=120), [1] * 5)
    assert times == pytest.approx([1000.0, 1000.5, 1001.0, 1001.5, 1002.0])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 1000), st.lists(st.integers(1, 400), max_size=40))
def test_no_window_of_a_minute_holds_more_tokens_than_the_limit(limit, tokens):
    times = sent_at(Pace(tokens_per_minute=limit), tokens)
    for start in times:
        window = [amount for at, amount in zip(times, tokens, strict=True) if start <= at < start + 60.0 - 1e-6]
        assert sum(window) <= limit or len(window) == 1  # what is larger than the limit goes alone


def test_tokens_that_were_not_used_are_given_back():
    def unused(pacer, clock, sending):
        pacer.used(sending, 10)

    assert sent_at(Pace(tokens_per_minute=100), [90, 90, 90], unused)[:2] == [1000.0, 1000.0]
    assert sent_at(Pace(tokens_per_minute=100), [90, 90])[1] == pytest.approx(1060.0, abs=0.3)


def test_what_is_given_back_after_its_minute_changes_nothing():
    sendings = []

    def late(pacer, clock, sending):
        sendings.append(sending)
        clock.now += 61.0
        pacer.used(sendings[0], 1)

    assert sent_at(Pace(tokens_per_minute=100), [90, 90, 90], late) == [1000.0, 1061.0, 1122.0]


def test_a_pause_holds_all_requests():
    paused = []

    def once(pacer, clock, sending):
        if not paused:
            pacer.pause(7.0)
            paused.append(True)

    assert sent_at(Pace(), [1, 1, 1], once) == pytest.approx([1000.0, 1007.0, 1007.0])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers())
def test_waits_double_up_to_the_longest_and_their_upper_half_is_random(faults, seed):
    patience = Patience(first_wait_s=0.5, longest_wait_s=60.0)
    longest = min(60.0, 0.5 * 2 ** (faults - 1))
    assert longest / 2 <= patience.wait_s(faults, random.Random(seed)) <= longest


def test_a_pace_that_is_none_is_refused():
    for pace in ({"in_flight": 0}, {"requests_per_minute": 0.0}, {"tokens_per_minute": -1.0}):
        with pytest.raises(UserError, match=next(iter(pace))):
            Pace(**pace)

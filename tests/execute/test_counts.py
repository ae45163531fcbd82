"""Counting and time left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.execute.counts import RunTally, in_words
from gauger.execute.job import Job
from gauger.execute.schedule import JobSchedule


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def job(key, *inputs, cost=1.0):
    return Job(key, "write", key, {}, {str(i): other for i, other in enumerate(inputs)}, cost, "arm", None, "stage")


def tally_of(jobs, workers, clock):
    tally = RunTally(clock)
    tally.begin(jobs, workers, JobSchedule(jobs, ()).priority)
    return tally


def test_time_left_is_work_over_workers():
    clock = Clock()
    jobs = [job(str(index)) for index in range(9)]
    tally = tally_of(jobs, 2, clock)
    assert tally.seconds_left() is None
    tally.finish(jobs[0], 10.0)
    assert tally.seconds_left() == pytest.approx(8 * 10 / 2)
    assert tally.share == pytest.approx(1 / 9)


def test_a_long_chain_bounds_the_time_left():
    clock = Clock()
    jobs = [job("x"), job("a"), job("b", "a"), job("c", "b")]
    tally = tally_of(jobs, 4, clock)
    tally.finish(jobs[0], 10.0)
    assert tally.seconds_left() == pytest.approx(30)


def test_what_running_jobs_have_used_is_taken_off_up_to_their_cost():
    clock = Clock()
    jobs = [job("x"), job("a"), job("b", "a")]
    tally = tally_of(jobs, 1, clock)
    tally.finish(jobs[0], 10.0)
    tally.start(jobs[1])
    clock.now = 4.0
    assert tally.seconds_left() == pytest.approx(16)
    clock.now = 99.0
    assert tally.seconds_left() == pytest.approx(10), "an overdue job counts as nearly done, its reader in full"
    tally.stop(jobs[1])
    assert tally.seconds_left() == pytest.approx(20), "its worker died: all of it again"


def test_dear_jobs_count_more():
    clock = Clock()
    jobs = [job("x", cost=1.0), job("a", cost=9.0)]
    tally = tally_of(jobs, 1, clock)
    tally.finish(jobs[0], 2.0)
    assert tally.seconds_left() == pytest.approx(18)
    assert tally.share == pytest.approx(0.1)


def test_results_from_before_tell_the_pace():
    jobs = [job("x"), job("a")]
    tally = tally_of(jobs, 1, Clock())
    tally.reuse(jobs[0], 5.0)
    assert (tally.seconds_left(), tally.cached, tally.done) == (pytest.approx(5), 1, 1)


def test_failed_and_blocked_jobs_are_no_work_left():
    jobs = [job("x"), job("a"), job("b", "a")]
    tally = tally_of(jobs, 1, Clock())
    tally.finish(jobs[0], 5.0)
    tally.fail(jobs[1])
    tally.block(jobs[2])
    assert (tally.seconds_left(), tally.settled, tally.share) == (0.0, 3, 1.0)


def test_a_plan_without_cost_is_all_done():
    tally = tally_of([], 1, Clock())
    assert tally.share == 1.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "time left unknown"),
        (0.0, "about 1 s left"),
        (59.4, "about 59 s left"),
        (59.6, "about 1 min left"),
        (60.0, "about 1 min left"),
        (3569, "about 59 min left"),
        (3600, "about 1 h 0 min left"),
        (5000, "about 1 h 23 min left"),
    ],
)
def test_durations_in_words(seconds, words):
    assert in_words(seconds) == words


@given(st.lists(st.tuples(st.sampled_from(["start", "stop", "finish", "fail"]), st.integers(0, 5)), max_size=25))
def test_time_left_is_what_looking_at_every_job_anew_says(events):
    clock = Clock()
    jobs = [job("x", cost=2.0), job("a", cost=5.0), job("b", "a"), job("c", "b", cost=3.0), job("d"), job("e", "d")]
    tally = tally_of(jobs, 2, clock)
    tally.timed_cost, tally.timed_seconds = 1.0, 4.0  # an earlier run: 4 s for each unit of cost
    for what, place in events:
        clock.now += 1.0
        if jobs[place].key in tally.unsettled and (what == "start") != (jobs[place].key in tally.started):
            getattr(tally, what)(jobs[place], *([1.0] if what == "finish" else []))
        pace = tally.timed_seconds / tally.timed_cost
        used = {key: min(clock.now - since, pace * one.cost) for key, (one, since) in tally.started.items()}
        chains = [pace * tally.priority[key] - used.get(key, 0.0) for key in tally.unsettled]
        work = pace * (tally.cost_total - tally.cost_settled) - sum(used.values())
        assert tally.seconds_left() == pytest.approx(max(0.0, work / 2, *chains))

"""Limits of hours and FLOPs: what they keep from starting, and what a stopped run says."""

import pytest
from tests.execute.noting import Notes

from gauger.execute.cache import Cache
from gauger.execute.driver import Rules, drive
from gauger.execute.limits import RunLimits, SpentLimits
from gauger.execute.pool import Pool
from gauger.execute.progress import RunProgress


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def run_within(toys, tmp_path):
    def call(jobs, budget, progress=None):
        pool = Pool(1, tmp_path / "logs", toys[1])
        return drive(jobs, Cache(tmp_path / "jobs"), pool, Rules(toys[0], budget=budget), progress or RunProgress())

    return call


def test_no_limit_allows_everything(toy):
    budget = SpentLimits(flops_of={toy("a").key: 1e30})
    assert budget.allows(toy("a"))
    assert budget.reached == ""


def test_hours_are_counted_from_the_start(toy):
    clock = Clock()
    clock.now = 1000.0
    budget = SpentLimits(RunLimits(hours=0.5), clock=clock)
    clock.now += 1799.9
    assert budget.allows(toy("a"))
    clock.now += 0.1
    assert not budget.allows(toy("a"))
    assert budget.reached == "the limit of 0.5 hours"


def test_flops_are_those_of_started_jobs_and_may_be_used_up_exactly(toy):
    a, b, measure = toy("a"), toy("b"), toy("measure")
    budget = SpentLimits(RunLimits(flops=10.0), {a.key: 6.0, b.key: 4.0})
    budget.start(a)
    assert budget.allows(b)
    budget.start(b)
    assert not budget.allows(b)
    assert budget.allows(measure), "a job that trains nothing costs no training FLOPs"
    assert (budget.spent_flops, budget.reached) == (10.0, "the limit of 10 training FLOPs")


def test_a_job_of_less_than_one_flop_counts_too(toy):
    small = toy("a")
    budget = SpentLimits(RunLimits(flops=0.7), {small.key: 0.5})
    assert budget.allows(small)
    budget.start(small)
    assert not budget.allows(small)


def test_a_run_that_reaches_its_flops_ends_cleanly_and_says_what_is_left(run_within, run, toy):
    a, b, c = toy("a", cost=3.0), toy("b", cost=2.0), toy("c")
    after, notes = toy("after", b), Notes()
    result = run_within([a, b, c, after], SpentLimits(RunLimits(flops=7.0), {a.key: 5.0, b.key: 5.0}), notes)
    assert result.stopped == "the limit of 7 training FLOPs"
    assert result.failed == result.blocked == []
    assert set(result.done) | {job.key for job in result.left} == {a.key, b.key, c.key, after.key}
    assert c.key in result.done
    assert [job.name for job in result.left] == ["label · b", "label · after"]
    assert notes.said == [
        "stopped: the limit of 7 training FLOPs was reached; 2 jobs left: label · b, label · after",
    ]
    rest = run([a, b, c, after])
    assert len(rest.done) == 4
    assert rest.cached == set(result.done)


def test_no_hours_at_all_start_nothing(run_within, toy):
    result = run_within([toy("a"), toy("b", toy("a"))], SpentLimits(RunLimits(hours=0.0)))
    assert (result.done, [job.name for job in result.left]) == ({}, ["label · a", "label · b"])
    assert result.stopped == "the limit of 0 hours"


def test_a_limit_that_nothing_reaches_is_not_named(run_within, toy):
    result = run_within([toy("a")], SpentLimits(RunLimits(hours=1.0, flops=1.0)))
    assert (len(result.done), result.left, result.stopped) == (1, [], "")


def test_a_job_that_starts_again_is_paid_again(toy):
    a, b = toy("a"), toy("b")
    budget = SpentLimits(RunLimits(flops=10.0), {a.key: 4.0, b.key: 3.0})
    for _ in range(2):
        assert budget.allows(a)
        budget.start(a)
    assert budget.spent_flops == 8.0
    assert not budget.allows(b)
    assert "10 training FLOPs" in budget.reached


def test_a_job_that_trains_nothing_costs_nothing_when_it_starts(toy):
    budget = SpentLimits(RunLimits(flops=10.0), {toy("a").key: 4.0})
    budget.start(toy("measure"))
    assert budget.spent_flops == 0.0

"""Order of jobs, and what a failure blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import GaugerError
from gauger.execute.job import Job
from gauger.execute.schedule import JobSchedule, unique


def job(key, *inputs, cost=1.0, name=""):
    roles = {str(index): other for index, other in enumerate(inputs)}
    return Job(key, "write", name or key, {}, roles, cost, "arm", None, "stage")


def drain(schedule):
    order = []
    while taken := schedule.next():
        order.append(taken.key)
        schedule.finish(taken)
    return order


def test_the_longest_chain_starts_first():
    jobs = [job("short", cost=3), job("a", cost=1), job("b", "a", cost=1), job("c", "b", cost=5)]
    schedule = JobSchedule(jobs, ())
    assert schedule.priority == {"short": 3, "a": 7, "b": 6, "c": 5}
    assert drain(schedule) == ["a", "b", "c", "short"]


def test_ties_keep_the_order_of_the_plan():
    assert drain(JobSchedule([job("b"), job("a"), job("c")], ())) == ["b", "a", "c"]


def test_nothing_starts_before_all_its_inputs():
    schedule = JobSchedule([job("both", "x", "y"), job("x"), job("y")], ())
    first, second = schedule.next(), schedule.next()
    assert schedule.next() is None
    schedule.finish(first)
    assert not schedule.has_ready
    schedule.finish(second)
    assert schedule.next().key == "both"


def test_done_jobs_are_not_handed_out():
    schedule = JobSchedule([job("a"), job("b", "a"), job("c", "b")], {"a", "b"})
    assert drain(schedule) == ["c"]


def test_an_absent_intermediate_result_is_made_again_beside_a_present_final_one():
    assert drain(JobSchedule([job("a"), job("b", "a")], {"b"})) == ["a"]


def test_a_failure_blocks_all_that_follow_and_nothing_else():
    schedule = JobSchedule([job("a"), job("b", "a"), job("c", "b", "x"), job("x"), job("y", "x")], ())
    assert [other.key for other in schedule.fail(schedule.next())] == ["b", "c"]
    assert drain(schedule) == ["x", "y"]
    assert schedule.left == []


def test_two_failures_block_a_job_once():
    schedule = JobSchedule([job("a"), job("b"), job("c", "a", "b")], ())
    first, second = schedule.next(), schedule.next()
    assert [other.key for other in schedule.fail(first)] == ["c"]
    assert schedule.fail(second) == []


def test_a_job_put_back_comes_again():
    schedule = JobSchedule([job("a")], ())
    taken = schedule.next()
    assert not schedule.has_ready
    schedule.put_back(taken)
    assert schedule.next() is taken


def test_an_input_outside_the_plan_is_said():
    with pytest.raises(GaugerError, match="b reads the result of nowhere"):
        JobSchedule([job("b", "nowhere")], ())


def test_a_cycle_is_said():
    with pytest.raises(GaugerError, match="cycle"):
        JobSchedule([job("a", "b"), job("b", "a")], ())


def test_unique_keeps_the_first():
    kept = unique([job("a", name="one"), job("b"), job("a", name="two")])
    assert [(one.key, one.name) for one in kept] == [("a", "one"), ("b", "b")]


@st.composite
def dags(draw):
    count = draw(st.integers(1, 12))
    edges = [draw(st.sets(st.integers(0, index - 1), max_size=3)) if index else set() for index in range(count)]
    jobs = [job(str(index), *map(str, sorted(inputs))) for index, inputs in enumerate(edges)]
    return draw(st.permutations(jobs)), draw(st.sets(st.sampled_from([one.key for one in jobs])))


@given(dags())
def test_every_job_is_done_failed_or_blocked_exactly_once(plan):
    jobs, failing = plan
    schedule, done, failed, blocked = JobSchedule(jobs, ()), [], [], []
    while taken := schedule.next():
        assert set(taken.inputs.values()) <= set(done)
        if taken.key in failing:
            failed.append(taken.key)
            blocked += [other.key for other in schedule.fail(taken)]
        else:
            done.append(taken.key)
            schedule.finish(taken)
    assert sorted(done + failed + blocked) == sorted(one.key for one in jobs)
    reachable = set(failed)
    for one in sorted(jobs, key=lambda one: int(one.key)):  # the literal closure, in topological order
        if reachable & set(one.inputs.values()):
            reachable.add(one.key)
    assert set(blocked) == reachable - set(failed)

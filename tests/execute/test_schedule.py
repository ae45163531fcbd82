"""Order of jobs, and what a failure blocks."""

from dataclasses import replace

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


def asking(key, gpus, *inputs, cost=1.0):
    return replace(job(key, *inputs, cost=cost), resources={"gpus": gpus} if gpus else {})


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2, 4]), st.integers(0, 3), st.booleans()), max_size=12),
    st.integers(0, 5),
)
def test_the_next_job_is_the_one_that_asking_every_job_in_turn_would_pick(asked, gpus_left):
    jobs = [asking(str(index), gpus, cost=cost) for index, (gpus, cost, _) in enumerate(asked)]
    allowed = {str(index): allows for index, (_, _, allows) in enumerate(asked)}
    schedule, taken = JobSchedule(jobs, ()), []
    in_turn = sorted(jobs, key=lambda one: -one.cost)  # equal costs keep the order of the plan
    while True:
        left = gpus_left - sum(one.resources.get("gpus", 0) for one in taken)
        fits = lambda one: one.resources.get("gpus", 0) <= left  # noqa: E731, B023
        wanted = [one for one in in_turn if one not in taken and allowed[one.key] and fits(one)]
        picked = schedule.next(fits, lambda one: allowed[one.key])
        assert picked == (wanted[0] if wanted else None)
        if picked is None:
            break
        taken.append(picked)
    assert schedule.left == jobs, "what was refused or found no room is not lost"


@pytest.mark.parametrize("waiting", [10, 1000])
def test_room_is_asked_for_once_a_resource_class_however_many_jobs_wait(waiting):
    schedule = JobSchedule([asking(str(index), index % 3) for index in range(waiting)], ())
    questions = []
    assert schedule.next(lambda one: questions.append(one)) is None
    assert [one.key for one in questions] == ["0", "1", "2"]
    assert schedule.next(lambda one: one.resources == {"gpus": 2}).key == "2"


def test_a_refused_job_is_not_asked_about_again_and_stays_left():
    schedule = JobSchedule([job("dear", cost=9), job("cheap"), job("after", "dear")], ())
    asked = []
    refuse = lambda one: asked.append(one.key) or one.key != "dear"  # noqa: E731
    assert schedule.next(allows=refuse).key == "cheap"
    assert schedule.next(allows=refuse) is None
    assert asked == ["dear", "cheap"]
    assert ([one.key for one in schedule.left], schedule.has_ready) == (["dear", "cheap", "after"], False)


def test_a_class_is_taken_whole_and_no_other():
    schedule = JobSchedule([asking("a", 8), asking("b", 1), asking("c", 8, cost=5)], ())
    assert [one.key for one in schedule.heads] == ["c", "b"]
    assert [one.key for one in schedule.take_class(asking("any", 8))] == ["c", "a"]
    assert drain(schedule) == ["b"]

"""Running a plan: results, failures as data, dying workers, damaged results, one driver at a time."""

import json
import os
import threading
import time

import pytest
from tests.execute.noting import Notes

from gauger.errors import GaugerError, UserError
from gauger.execute.cache import Cache
from gauger.execute.driver import Rules, drive
from gauger.execute.executor import ONE_THREAD
from gauger.execute.local import cores, run_jobs
from gauger.execute.pool import Pool
from gauger.execute.progress import RunProgress
from gauger.store.failures import read_failures
from gauger.store.lock import holder


@pytest.fixture
def diamond(toy):
    top = toy("top;")
    left, right = toy("left;", top), toy("right;", top)
    return [top, left, right, toy("bottom;", left, right)]


def text(result, job):
    return (result.done[job.key] / "text.txt").read_text()


def test_results_flow_from_job_to_job(run, diamond):
    result = run(diamond)
    assert text(result, diamond[-1]) == "top;left;top;right;bottom;"
    assert (result.failed, result.blocked, result.cached) == ([], [], set())
    assert set(result.seconds) == {job.key for job in diamond}


def test_the_second_run_does_nothing_and_finds_the_same(run, diamond):
    first, second = run(diamond), run(diamond)
    assert second.done == first.done
    assert second.cached == set(first.done)
    assert second.seconds == first.seconds


def test_jobs_with_the_same_key_run_once(run, toy):
    a, b = toy("same", arm="a"), toy("same", arm="b")
    assert a.key == b.key
    notes = Notes()
    assert set(run([a, b], progress=notes).done) == {a.key}
    assert notes.tally.total == 1


def test_an_empty_plan(run):
    assert run([]).done == {}


def test_a_failure_is_data_and_independent_arms_go_on(run, toy, tmp_path):
    bad = toy("bad", kind="fail", arm="placebo")
    after = toy("after", bad)
    last = toy("last", after)
    good = toy("good", toy("fine"))
    notes = Notes()
    result = run([bad, after, last, toy("fine"), good], progress=notes)
    assert [(job.key, reason) for job, reason in result.failed] == [(bad.key, "ValueError: the loss is not finite")]
    assert result.blocked == [after, last]
    assert text(result, good) == "finegood"
    (failure,) = read_failures(tmp_path / "jobs" / "failures")
    assert (failure.arm, failure.stage, failure.boundary) == ("placebo", "bad", "job")
    assert "toy_jobs.py" in failure.detail
    assert "failed: placebo · bad: ValueError: the loss is not finite" in notes.said
    assert "blocked: label · last (waits for placebo · bad)" in notes.said
    assert not list((tmp_path / "jobs" / "partial").iterdir())


def test_a_failed_job_is_tried_again_by_the_next_run(run, toy, tmp_path):
    bad, good = toy("bad", kind="fail"), toy("good")
    run([bad, good])
    result = run([good])
    assert (result.failed, set(result.done)) == ([], {good.key})
    assert read_failures(tmp_path / "jobs" / "failures") == []


def test_a_job_that_calls_exit_fails_and_its_worker_goes_on(run, toy):
    leaves, good = toy("leaves", kind="leave"), toy("good")
    result = run([leaves, good], workers=1)
    assert [reason for _, reason in result.failed] == ["SystemExit: 3"]
    assert set(result.done) == {good.key}


def test_a_missing_function_is_a_failure_with_its_reason(tmp_path, toy):
    result = run_jobs([toy("x")], Cache(tmp_path), workers=1, registry={"write": "gauger.no_module:write"})
    assert result.failed[0][1].startswith("ModuleNotFoundError")
    result = run_jobs([toy("x")], Cache(tmp_path), workers=1, registry={"write": "gauger.errors:nothing"})
    assert result.failed[0][1] == "JobError: gauger.errors:nothing is not a function"


def test_an_unregistered_kind_is_our_own_mistake(run, toy):
    with pytest.raises(GaugerError, match="kind teleport"):
        run([toy("x", kind="teleport")])


def test_a_killed_worker_gets_its_job_done_by_a_new_one(run, toy, tmp_path):
    where = tmp_path / "deaths"
    where.mkdir()
    job = toy("dies", kind="die", where=str(where), times=1)
    notes = Notes()
    result = run([job, toy("other")], progress=notes)
    assert text(result, job) == "survived"
    assert sorted(path.name for path in result.done[job.key].iterdir()) == ["done.json", "text.txt"]
    assert any("SIGKILL" in line and line.startswith("again: ") for line in notes.said)
    assert any("want of memory; fewer workers at once (--workers) need less" in line for line in notes.said)


def test_a_job_that_kills_three_workers_is_given_up_and_named(run, toy, tmp_path):
    where = tmp_path / "deaths"
    where.mkdir()
    job = toy("dies", kind="die", where=str(where), times=9)
    after, other = toy("after", job), toy("other")
    result = run([job, after, other])
    assert len(list(where.iterdir())) == 3
    assert "SIGKILL" in result.failed[0][1]
    assert "for want of memory" in result.failed[0][1], "so does the kernel end a process that has taken too much"
    assert result.failed[0][1].endswith("given up after 3 tries")
    assert (result.blocked, set(result.done)) == ([after], {other.key})
    (failure,) = read_failures(tmp_path / "jobs" / "failures")
    assert failure.boundary == "worker"
    assert "label · dies" in failure.detail


def test_a_job_that_finds_no_memory_fails_with_the_reason_and_the_others_go_on(run, toy, tmp_path):
    """The limit of a process stands in for a machine's: the allocation fails, and nobody is killed."""
    job, other = toy("large", kind="hog"), toy("other")
    result = run([job, other])
    assert result.failed == [(job, "MemoryError: no memory was left; fewer workers at once (--workers) need less")]
    assert set(result.done) == {other.key}
    (failure,) = read_failures(tmp_path / "jobs" / "failures")
    assert failure.boundary == "job"


def test_a_damaged_result_is_noticed_and_computed_again(run, diamond, tmp_path):
    first = run(diamond)
    path = first.done[diamond[1].key] / "text.txt"
    before = path.read_bytes()
    path.write_bytes(b"spoiled!!"[: len(before)].ljust(len(before)))
    notes = Notes()
    second = run(diamond, progress=notes)
    assert path.read_bytes() == before
    assert second.cached == set(first.done) - {diamond[1].key}
    assert [(job.key, reason) for job, reason in second.damaged] == [
        (diamond[1].key, "text.txt does not match its checksum")
    ]
    assert notes.said == [
        "damaged: the result of label · left;: text.txt does not match its checksum; set aside and computed again"
    ]


def test_order_of_params_never_reaches_the_job(tmp_path, toy, run):
    one, two = toy("order", kind="order", b=1, a=2), toy("order", kind="order", a=2, b=1)
    assert one.key == two.key
    texts = [text(run([job], root=tmp_path / name), job) for name, job in (("one", one), ("two", two))]
    assert texts == ["a b text", "a b text"]


def test_workers_have_one_thread_and_the_given_environment(run, toy):
    job = toy("env", kind="environment", names=[*ONE_THREAD, "PYTHONPATH"])
    values = json.loads(text(run([job]), job))
    assert {name: values[name] for name in ONE_THREAD} == ONE_THREAD
    assert values["PYTHONPATH"].split(os.pathsep)[0].endswith("execute")


def test_only_one_driver_works_in_a_directory(run, toy, tmp_path):
    slow = toy("slow", sleep=1.0)
    thread = threading.Thread(target=run, args=([slow],))
    thread.start()
    while holder(tmp_path / "jobs" / "lock") is None:
        time.sleep(0.01)
    with pytest.raises(UserError, match=f"process {os.getpid()} .* already working"):
        run([toy("other")])
    thread.join()
    assert run([slow]).cached == {slow.key}


def test_what_jobs_print_stands_in_the_worker_s_log(run, toy, tmp_path):
    run([toy("x")], workers=1)
    log = (tmp_path / "jobs" / "logs" / "worker-1.log").read_text()
    assert "== label · x" in log
    assert "printed by a job" in log
    assert "printed to stderr" in log


def test_scheduling_costs_little(run, toy):
    jobs = [toy(f"job {index}") for index in range(60)]
    run(jobs[:2])
    start = time.perf_counter()
    run(jobs, workers=1)
    # Measured below 6 ms per job, fsync and start of the worker included; waiting out a tick would cost 500 ms each.
    assert time.perf_counter() - start < 15


def test_cores_counts_at_least_one():
    assert cores() >= 1


@pytest.fixture
def resume(toys, tmp_path):
    """Run a plan of whose results the caller reads some files, or none."""

    def call(jobs, read):
        pool = Pool(2, tmp_path / "jobs" / "logs", toys[1])
        return drive(jobs, Cache(tmp_path / "jobs"), pool, Rules(toys[0], read=read), RunProgress())

    return call


def rot(result, job):
    """Spoil a result so that neither size nor time tells."""
    path = result.done[job.key]
    (path / "text.txt").write_text("x" * (path / "text.txt").stat().st_size)
    os.utime(path / "done.json", ns=(0, time.time_ns() + 10**9))


def test_rot_is_noticed_before_a_job_reads_it_and_left_alone_where_nobody_does(run, resume, diamond, tmp_path):
    first, (top, left, right, bottom) = run(diamond), diamond[:4]
    rot(first, left)
    again = resume(diamond, read=())
    assert (again.damaged, len(again.cached)) == ([], 4), "nobody reads it"
    Cache(tmp_path / "jobs").discard(bottom.key)
    again = resume(diamond, read=())
    assert [job.key for job, _ in again.damaged] == [left.key], "bottom reads it"
    assert again.cached == {top.key, right.key}
    assert (again.done[bottom.key] / "text.txt").read_bytes() == b"top;left;top;right;bottom;"


def test_rot_is_noticed_in_what_the_caller_reads_and_in_what_its_making_reads(run, resume, diamond):
    first, (top, left, _, _) = run(diamond), diamond[:4]
    rot(first, left)
    rot(first, top)
    again = resume(diamond, read=("text.txt",))
    assert {job.key for job, _ in again.damaged} == {left.key, top.key}
    assert len(again.done) == 4

"""What a run directory says about its run."""

import threading
import time

import pytest

from gauger.errors import InputError
from gauger.execute.status import read_plan, read_status


@pytest.fixture
def directory(tmp_path):
    return tmp_path


@pytest.fixture
def finished(run, toy, directory):
    """A run with one failed job, one blocked, three done."""
    bad = toy("bad", kind="fail", arm="placebo")
    jobs = [toy("one"), toy("two", toy("one")), toy("three"), bad, toy("after", bad)]
    run(jobs)
    return jobs


def names(jobs):
    return [job.name for job in jobs]


def test_a_finished_run(finished, directory):
    status = read_status(directory)
    assert names(status.done) == ["label · one", "label · two", "label · three"]
    assert [(job.arm, job.stage, failure.reason) for job, failure in status.failed] == [
        ("placebo", "bad", "ValueError: the loss is not finite")
    ]
    assert names(status.blocked) == ["label · after"]
    assert (status.left, status.running, status.damaged, status.driver) == ([], [], [], None)
    assert status.seconds_left == 0.0


def test_the_plan_reads_back_as_it_was(finished, directory):
    assert read_plan(directory) == finished


def test_a_lost_and_a_damaged_result_are_left(finished, directory):
    entries = directory / "jobs" / "entries"
    (entries / finished[0].key / "text.txt").write_text("xyz")
    (entries / finished[2].key).rename(directory / "away")
    status = read_status(directory)
    assert [(job.name, reason) for job, reason in status.damaged] == [
        ("label · one", "text.txt does not match its checksum")
    ]
    assert names(status.left) == ["label · three"]
    assert status.seconds_left > 0
    assert (entries / finished[0].key).exists(), "status changes nothing"


def test_results_set_aside_are_listed(finished, run, directory):
    (directory / "jobs" / "entries" / finished[0].key / "text.txt").write_text("xyz")
    run(finished)
    status = read_status(directory)
    assert [name.split(".")[0] for name in status.set_aside] == [finished[0].key]
    assert status.damaged == []


def test_a_run_that_is_going_on(run, toy, directory):
    slow, waits = toy("slow", sleep=2.0), None
    waits = toy("waits", slow)
    thread = threading.Thread(target=run, args=([slow, waits],))
    thread.start()
    while not list(directory.glob("jobs/partial/*")):
        time.sleep(0.01)
    status = read_status(directory)
    thread.join()
    assert (names(status.running), names(status.left)) == (["label · slow"], ["label · waits"])
    assert status.driver is not None
    assert read_status(directory).driver is None


def test_the_mapping_says_the_same(finished, directory):
    value = read_status(directory).to_dict()
    assert value["schema"] == "gauger.status/1"
    assert value["done"] == 3
    (failed,) = value["failed"]
    assert failed["arm"] == "placebo"
    assert failed["reason"] == "ValueError: the loss is not finite"
    assert "Traceback" in failed["detail"]


def test_no_run_there(tmp_path):
    with pytest.raises(InputError, match="a directory in which a run has begun"):
        read_status(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": "gauger.jobs/9", "jobs": []}'])
def test_an_unreadable_plan(tmp_path, content):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "jobs.json").write_text(content)
    with pytest.raises(InputError, match=r"jobs\.json"):
        read_status(tmp_path)

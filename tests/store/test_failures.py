"""Failed jobs as data."""

import pytest

from gauger.errors import DamagedError
from gauger.store.failures import JobFailure, clear_failures, read_failures, write_failure


def failure(key="k", **changes):
    values = {"name": "n", "arm": "a", "replicate": 1, "stage": "s", "boundary": "job", "error": "E", "message": "m"}
    return JobFailure(key, **(values | changes))


def test_failures_read_back_in_the_order_of_their_keys(tmp_path):
    two, one = failure("b"), failure("a", replicate=None, detail="Traceback\n…")
    for item in (two, one):
        write_failure(tmp_path, item)
    assert read_failures(tmp_path) == [one, two]


def test_the_last_failure_of_a_job_counts(tmp_path):
    write_failure(tmp_path, failure(message="first"))
    write_failure(tmp_path, failure(message="second"))
    assert [item.reason for item in read_failures(tmp_path)] == ["E: second"]


def test_a_failure_without_message():
    assert failure(message="").reason == "E"


def test_clearing(tmp_path):
    clear_failures(tmp_path / "none")
    write_failure(tmp_path, failure())
    clear_failures(tmp_path)
    assert read_failures(tmp_path) == []
    assert read_failures(tmp_path / "none") == []


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": "x"}', '{"schema": "gauger.failure/1", "key": "k"}'])
def test_something_else(tmp_path, content):
    (tmp_path / "k.json").write_text(content)
    with pytest.raises(DamagedError, match=r"k\.json"):
        read_failures(tmp_path)

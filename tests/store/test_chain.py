"""A log whose entries are chained: what was written stays, and every edit of the past is noticed."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import DamagedError
from gauger.store.chain import FIRST, append_entry, read_chain


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.jsonl"
    for word in ("one", "two", "three"):
        append_entry(path, {"word": word, "n": 0.1})
    return path


def test_what_was_added_comes_back(log, tmp_path):
    entries = read_chain(log)
    assert [entry["word"] for entry in entries] == ["one", "two", "three"]
    assert [entry["number"] for entry in entries] == [1, 2, 3]
    assert entries[0]["previous"] == FIRST
    assert len({entry["previous"] for entry in entries}) == 3
    assert read_chain(tmp_path / "none") == []


def test_the_chain_is_what_its_description_says(log):
    """Recomputed by hand: each line names the SHA-256 of the line before, without its end."""
    import hashlib

    lines = log.read_bytes().splitlines()
    for before, line in pairwise(lines):
        assert json.loads(line)["previous"] == hashlib.sha256(before).hexdigest()


EDITS = {
    "a word in the past": lambda lines: [lines[0].replace(b"one", b"eno"), *lines[1:]],
    "left out in the middle": lambda lines: [lines[0], lines[2]],
    "left out at the front": lambda lines: lines[1:],
    "swapped": lambda lines: [lines[1], lines[0], lines[2]],
    "doubled": lambda lines: [lines[0], lines[0], *lines[1:]],
    "another spelling": lambda lines: [lines[0].replace(b":", b": ", 1), *lines[1:]],
    "a key twice": lambda lines: [lines[0].replace(b"{", b'{"n":0.1,', 1), *lines[1:]],
    "no object": lambda lines: [b"[]", *lines[1:]],
    "no JSON": lambda lines: [b"{", *lines[1:]],
    "nested without end": lambda lines: [b"[" * 100_000, *lines[1:]],
}


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_of_the_past_is_noticed_and_nothing_is_added_to_it(log, edit):
    edited = b"\n".join(EDITS[edit](log.read_bytes().split(b"\n")[:-1])) + b"\n"
    assert edited != log.read_bytes()
    log.write_bytes(edited)
    with pytest.raises(DamagedError, match=r"log\.jsonl:\d"):
        read_chain(log)
    with pytest.raises(DamagedError):
        append_entry(log, {"word": "four"})
    assert log.read_bytes() == edited


def test_a_log_that_breaks_off(log):
    log.write_bytes(log.read_bytes()[:-1])
    with pytest.raises(DamagedError, match="breaks off"):
        read_chain(log)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_one_byte_changed_before_the_last_line_is_noticed(tmp_path_factory, place, byte):
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    for word in ("one", "two"):
        append_entry(path, {"word": word})
    content = path.read_bytes()
    place %= content.index(b"\n") + 1
    if content[place] == byte:
        return
    path.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
    with pytest.raises(DamagedError):
        read_chain(path)

"""The ledger equals the bill of a server that keeps its own, and bounds what it was not told (validation/bill)."""

import importlib
import re
import sys
from pathlib import Path

import pytest

from gauger.elicit.teacher.bill import Usage

FOLDER = Path(__file__).parents[2] / "validation" / "bill"
FIRST = 20_000
"""Sequences that the validation does not draw."""


@pytest.fixture(scope="module")
def bill():
    """The modules of the validation."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("sequences"), importlib.import_module("server")
    finally:
        sys.path.remove(str(FOLDER))
        for name in ("sequences", "server"):
            sys.modules.pop(name, None)


def drawn(bill, folder, count):
    sequences, server = bill
    with server.serving() as serving:
        return [sequences.run(FIRST + number, serving, folder) for number in range(count)]


def test_over_random_sequences_of_quirks_ledger_and_bill_agree_and_caps_hold(bill, tmp_path):
    found = drawn(bill, tmp_path, 40)
    assert [one.wrong for one in found if one.wrong] == []
    assert [one for one in found if one.over_usd > one.allowed_usd + 1e-12] == []
    rows, exact = sum(one.rows for one in found), sum(one.exact for one in found)
    assert 0.3 * rows < exact < 0.9 * rows, "both what is stated and what is not are met"
    assert sum(one.naive_wrong for one in found) > 20, "a naive ledger misses the bill"


@pytest.mark.parametrize(
    "broken",
    [
        lambda found, text="": Usage(found.get("prompt_tokens"), found.get("completion_tokens")) if found else Usage(),
        lambda found, text="": Usage(0, 0) if found is None else Usage(9, 3),
    ],
)
def test_a_reader_of_usage_that_believes_what_is_listed_is_caught(bill, tmp_path, monkeypatch, broken):
    for module in ("gauger.elicit.replies.raw_reply", "gauger.elicit.api.chat_format"):
        monkeypatch.setattr(importlib.import_module(module), "read_usage", broken)
    sequences, _ = bill
    monkeypatch.setattr(sequences, "SLACK", 1e-9)
    assert sum(bool(one.wrong) for one in drawn(bill, tmp_path, 8)) >= 6


def test_the_committed_results_are_within_their_targets():
    text = (FOLDER / "results.txt").read_text()
    counts = {count: int(found) for found, count in re.findall(r": (\d+) \((target 0)\)", text)}
    assert counts == {"target 0": 0}
    assert len(re.findall(r": 0 \(target 0\)", text)) == 4
    assert int(re.search(r"^(\d+) sequences", text, re.M)[1]) > 1000
    assert int(re.search(r"^(\d+) kills", text, re.M)[1]) >= 50

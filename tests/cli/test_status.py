"""`gauger status DIR`."""

import json
from pathlib import Path

import pytest

from gauger.cli import main
from gauger.execute.cache import Cache
from gauger.execute.job import make_job
from gauger.execute.local import run_jobs

TOYS = Path(__file__).parents[1] / "execute"


def job(text, *inputs, kind="write", arm="label"):
    roles = {str(index): one.key for index, one in enumerate(inputs)}
    labels = {"cost": 1.0, "arm": arm, "replicate": 0, "stage": text, "version": "1"}
    return make_job(kind, f"{arm} · {text}", {"text": text}, roles, **labels)


@pytest.fixture
def directory(tmp_path):
    bad = job("sft", kind="fail", arm="placebo")
    run_jobs(
        [job("one"), job("two"), bad, job("measure", bad, arm="placebo")],
        Cache(tmp_path / "jobs"),
        workers=1,
        registry={"write": "toy_jobs:write", "fail": "toy_jobs:fail"},
        environment={"PYTHONPATH": str(TOYS)},
    )
    return tmp_path


def test_text(directory, capsys):
    assert main(["status", str(directory)]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "2 of 4 jobs done, 1 failed, 1 blocked, no run is going on",
        "failed: placebo · sft",
        "  arm placebo, stage sft: ValueError: the loss is not finite",
        "tracebacks: --json, or jobs/failures; the next run tries these jobs again",
        "blocked: placebo · measure",
    ]
    assert captured.err == ""


def test_json(directory, capsys):
    assert main(["status", str(directory), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["done"], value["left"]) == (2, [])
    assert [(one["arm"], one["stage"], one["reason"]) for one in value["failed"]] == [
        ("placebo", "sft", "ValueError: the loss is not finite")
    ]


def test_damaged_and_left(directory, capsys):
    (directory / "jobs" / "entries" / job("one").key / "text.txt").write_text("xyz")
    Cache(directory / "jobs").discard(job("two").key)
    assert main(["status", str(directory)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("0 of 4 jobs done, 1 failed, 1 blocked, 2 left, ")
    assert lines[-1] == "damaged: label · one: text.txt does not match its checksum; the next run computes it again"


def test_no_run_there(tmp_path, capsys):
    assert main(["status", str(tmp_path / "none")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "expected a directory in which a run has begun" in captured.err
    assert "Traceback" not in captured.err

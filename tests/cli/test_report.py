"""`gauger report DIR`."""

import json

import pytest

from gauger.cli import main
from gauger.records import Document, Estimate
from gauger.store.directory import RunDirectory
from gauger.store.documents import write_document


@pytest.fixture
def run(tmp_path):
    run = RunDirectory(tmp_path / "toy")
    estimate = Estimate(
        "uplift", "label", "matched", "quiz", "targeted", value=0.1, se=0.02, df=5.0, low=0.05, high=0.15
    )
    write_document(run.estimates, Document(study={"name": "toy study", "fingerprint": "f"}, estimates=[estimate]))
    return run


def test_the_report_is_written_again(run, capsys):
    assert main(["report", str(run.root)]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{run.report}\n"
    assert "toy study" in run.report.read_text()
    first = run.report.read_bytes()
    run.report.unlink()
    assert main(["report", str(run.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"report": str(run.report), "estimates": str(run.estimates)}
    assert run.report.read_bytes() == first


def test_no_estimates_there(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no estimates are there yet" in captured.err

"""The paths of a run directory."""

from pathlib import Path

from gauger.store.directory import RunDirectory

NAMES = {
    "study": "study.resolved.json",
    "frozen": "frozen.json",
    "starts": "starts.jsonl",
    "manifest": "manifest.json",
    "records": "records.parquet",
    "ledger": "ledger.parquet",
    "corpora": "corpora.parquet",
    "estimates": "estimates.json",
    "report": "report.html",
    "figures": "figures",
    "jobs": "jobs",
}


def test_names_that_other_programs_rely_on():
    run = RunDirectory(Path("runs/toy"))
    public = {name for name in vars(RunDirectory) if isinstance(getattr(RunDirectory, name), property)}
    assert public == set(NAMES)
    assert {name: getattr(run, name) for name in NAMES} == {
        name: Path("runs/toy") / value for name, value in NAMES.items()
    }


def test_making_one_touches_nothing(tmp_path):
    RunDirectory(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []

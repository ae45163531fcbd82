"""`gauger init`, `gauger validate`, `gauger runs` and shell completion: the first minutes with Gauger."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gauger.api.new_study import recipes
from gauger.api.run_list import list_runs
from gauger.cli import main
from gauger.spec import render_json_schema
from gauger.store.manifest import write_manifest

ROOT = Path(__file__).parents[2]


def test_a_new_study_is_valid_and_named_after_its_file(tmp_path, capsys):
    path = tmp_path / "new" / "My First.yaml"
    assert main(["init", str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"wrote {path}")
    assert "\nstudy: my-first\n" in path.read_text()
    assert (path.parent / "study.schema.json").read_text() == render_json_schema()
    assert main(["validate", str(path), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["studies"]
    assert (found["study"], found["problems"]) == ("my-first", [])
    assert found["arms"] > 4
    # Every key of the study stands under a comment that explains it.
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if line.endswith(":") and not line.startswith((" ", "#")):
            assert lines[number - 1].startswith("#") or lines[number - 1] == "", line


def test_what_is_there_is_not_replaced(tmp_path, capsys):
    path = tmp_path / "study.yaml"
    path.write_text("mine")
    assert main(["init", str(path)]) == 2
    assert path.read_text() == "mine"
    assert "expected a new file, got one that exists" in capsys.readouterr().err
    assert main(["init", str(path), "--force"]) == 0
    assert path.read_text() != "mine"


@pytest.mark.parametrize("recipe", sorted(recipes()))
def test_every_recipe_is_valid(recipe, tmp_path, capsys):
    path = tmp_path / "study.yaml"
    assert main(["init", str(path), "--recipe", recipe]) == 0
    for name in re.findall(r"model: (models/[\w-]+)", path.read_text()):  # checkpoints that the user brings
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "config.json").write_text("{}")
    assert main(["validate", str(path)]) == 0, capsys.readouterr().err
    (schema,) = re.findall(r"\$schema=(\S+)", path.read_text()) or ["study.schema.json"]
    assert (tmp_path / schema).exists()


def test_recipes_are_the_studies_of_the_repository():
    assert set(recipes()) == {"first", *(one.stem for one in (ROOT / "studies").rglob("*.yaml"))}
    assert recipes()["quickstart"] == (ROOT / "studies" / "quickstart.yaml").read_text()


def test_an_unknown_recipe(tmp_path, capsys):
    assert main(["init", str(tmp_path / "x.yaml"), "--recipe", "quikstart"]) == 2
    assert "Did you mean 'quickstart'?" in capsys.readouterr().err


def test_every_mistake_of_every_file_at_once(tmp_path, capsys, tiny_study):
    text = tiny_study.read_text()
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("replicates: 2", "replicates: 0").replace("role: near", "role: naer"))
    assert main(["validate", str(tiny_study), str(wrong), str(tmp_path / "absent.yaml")]) == 2
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [f"{tiny_study}: no mistakes (10 arms, 5 benchmarks)"]
    assert f"{wrong}:4: replicates" in captured.err
    assert "Did you mean 'near'?" in captured.err
    assert "absent.yaml" in captured.err


def test_overrides_are_checked_too(tiny_study, capsys):
    assert main(["validate", str(tiny_study), "--set", "replicates=3"]) == 0
    assert main(["validate", str(tiny_study), "--set", "replicates=none"]) == 2
    assert list(tiny_study.parent.glob("*.json")) == [], "nothing is written"


# --- runs ------------------------------------------------------------------------------------------------------------


def test_runs_with_their_verdicts(copy_of_run, capsys):
    folder = copy_of_run.parent
    (folder / "begun").mkdir()
    (folder / "begun" / "frozen.json").write_text("{}")
    (folder / "broken").mkdir()
    (folder / "broken" / "estimates.json").write_text("{")
    (folder / "other").mkdir()
    assert main(["runs", str(folder), "--json"]) == 0
    found = {Path(one["run"]).name: one for one in json.loads(capsys.readouterr().out)["runs"]}
    assert list(found) == ["begun", "broken", "copy"]
    document = json.loads((copy_of_run / "estimates.json").read_bytes())
    assert found["copy"]["verdict"] == document["verdict"]["outcome"]
    assert found["copy"]["value"] == document["verdict"]["estimate"]["value"]
    assert found["begun"]["problem"] == "not finished"
    assert found["broken"]["problem"]
    assert main(["runs", str(folder)]) == 0
    assert document["verdict"]["outcome"].replace("_", " ") in capsys.readouterr().out


def forge(estimates):
    estimates.write_text(estimates.read_text().replace('"outcome": "', '"outcome": "major", "was": "', 1))


EDITS = {
    "its estimates": (lambda run: forge(run / "estimates.json"), "edited: estimates.json is not what manifest.json"),
    "its manifest": (lambda run: (run / "manifest.json").unlink(), "edited: manifest.json is missing"),
    "its log": (lambda run: (run / "starts.jsonl").write_text("{}\n"), "edited: starts.jsonl is not what was logged"),
    "its list": (lambda run: write_manifest(run), "edited: manifest.json is not the one that the run ended with"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_run_is_listed_as_one_without_its_verdict(edit, copy_of_run, capsys):
    change, problem = EDITS[edit]
    if edit == "its list":
        forge(copy_of_run / "estimates.json")
    change(copy_of_run)
    (listed,) = list_runs(copy_of_run)
    assert listed["problem"].startswith(problem)
    assert [listed[name] for name in ("verdict", "value", "low", "high", "set", "level")] == [None] * 6
    assert main(["runs", str(copy_of_run)]) == 0
    assert problem in capsys.readouterr().out
    assert main(["status", str(copy_of_run)]) == 0
    assert f"verdict: {problem}" in capsys.readouterr().out
    assert main(["status", str(copy_of_run), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["problem"]) == (None, listed["problem"])


@pytest.mark.parametrize(
    ("low", "high", "kind", "level", "shown"),
    [
        (0.224, 3.854, "outside", 0.95, "below +22.4 or above +385.4 (95 %)"),
        (0.1, 0.3, "interval", 0.9, "+10.0 to +30.0 (90 %)"),
        (0.1, 0.3, "interval", 0.975, "+10.0 to +30.0 (97.5 %)"),
        (None, 0.3, "below", 0.95, "-inf to +30.0 (95 %)"),
        (None, None, "everything", 0.95, "no value is ruled out (95 %)"),
    ],
)
def test_a_list_of_runs_shows_the_set_that_is_left_and_its_level(
    low, high, kind, level, shown, copy_of_run, capsys, monkeypatch
):
    monkeypatch.setattr("gauger.study.doubt", lambda place: None)
    document = json.loads((copy_of_run / "estimates.json").read_bytes())
    document["verdict"]["estimate"] |= {"value": 0.2, "low": low, "high": high, "kind": kind, "level": level}
    (copy_of_run / "estimates.json").write_text(json.dumps(document))
    (listed,) = list_runs(copy_of_run)
    assert (listed["set"], listed["level"]) == (kind, level)
    assert main(["runs", str(copy_of_run)]) == 0
    assert shown in " ".join(capsys.readouterr().out.split())


def test_a_run_without_log_and_manifest_is_listed_without_its_verdict(copy_of_run):
    for name in ("manifest.json", "starts.jsonl"):
        (copy_of_run / name).unlink()
    (listed,) = list_runs(copy_of_run)
    assert listed["verdict"] is None
    assert listed["problem"].startswith("edited: starts.jsonl and manifest.json are missing")


def test_a_run_that_was_killed_before_its_end_is_no_edited_one(copy_of_run):
    lines = (copy_of_run / "starts.jsonl").read_bytes().splitlines(keepends=True)
    (copy_of_run / "starts.jsonl").write_bytes(b"".join(lines[:-1]))
    (copy_of_run / "manifest.json").unlink()
    (listed,) = list_runs(copy_of_run)
    assert (listed["verdict"], listed["problem"]) == (None, "not ended: the same gauger run command ends it")


def test_no_runs_there(tmp_path, capsys):
    assert main(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"no runs in {tmp_path}\n"
    assert main(["runs", str(tmp_path / "absent")]) == 2
    assert "expected a folder of runs, got no such folder" in capsys.readouterr().err


def test_the_status_of_a_finished_run_says_verdict_and_report(copy_of_run, capsys):
    assert main(["status", str(copy_of_run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    outcome = json.loads((copy_of_run / "estimates.json").read_bytes())["verdict"]["outcome"]
    assert lines[-2].startswith(f"verdict: {outcome.replace('_', ' ')} (")
    assert lines[-1] == f"report: {copy_of_run / 'report.html'}"
    assert main(["status", str(copy_of_run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == outcome


# --- completion ------------------------------------------------------------------------------------------------------


def completed(words: str, shell: str = "bash") -> str:
    environment = os.environ | {
        "_GAUGER_COMPLETE": f"complete_{shell}", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_TYPER_COMPLETE_ARGS": words,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "gauger"], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout


def test_the_shell_completes_commands_and_options():
    assert "compare" in completed("gauger comp")
    assert "calibrate" in completed("gauger cal")
    assert "--moderator" in completed("gauger meta --mod")

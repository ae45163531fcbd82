"""`gauger plan STUDY.yaml`."""

import json

import pytest

from gauger.cli import main


def test_json(tiny_study, finished_run, capsys):
    assert main(["plan", str(tiny_study), "--out", str(finished_run), "--workers", "3", "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    value = json.loads(said.out)
    assert (value["schema"], value["study"], value["workers"]) == ("gauger.plan/1", "tiny", 3)
    assert (value["jobs_done"], value["minutes"]) == (value["jobs_total"], 0.0)
    assert [arm["name"] for arm in value["arms"]][:2] == ["base", "matched-cloze"]


def test_text(tiny_study, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["plan", str(tiny_study), "--workers", "2", "--set", "controls.leak.off=Shown before."]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0] == "tiny: 8 arms x 2 replicates (base and teacher are one model each)"
    assert lines[1].split() == ["base", "base", "untouched"]
    assert "  logits              distilled  text-distill, logit-distill, 50 steps, against matched-cloze-quiz" in lines
    assert "off        leak: Shown before." in lines
    assert "directory  runs/tiny: nothing is done yet" in lines
    heads = [line.split("  ")[0] for line in lines[9:]]
    assert heads[:6] == ["off", "directory", "jobs", "training", "teacher", "time left"]
    assert lines[-3].startswith("could find an uplift of ")
    assert lines[-1] == "seeds      2 alike leave 78% of seeds that could still behave otherwise (at 95 %)"
    assert list(tmp_path.iterdir()) == [], "nothing was run or written"


def test_a_scale_of_too_few_cells_is_told(tiny_study, tmp_path, monkeypatch, capsys):
    """Three budgets of one student, three of them held out: the defaults leave no cell to fit a law to."""
    monkeypatch.chdir(tmp_path)
    scale = "scale={arm: logits, role: targeted"
    assert main(["plan", str(tiny_study), "--set", f"{scale}}}"]) == 0
    assert "scale      3 cells a curve, 3 of them held out: no law can be fitted to 0, and" in capsys.readouterr().out
    enough = f"{scale}, budgets: [0.25, 0.5, 1, 2, 4, 8], held_out: 0}}"
    assert main(["plan", str(tiny_study), "--set", enough, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["no_curves"] is None


def test_what_is_done_is_said(tiny_study, finished_run, capsys):
    assert main(["plan", str(tiny_study), "--out", str(finished_run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    total = next(line for line in lines if line.startswith("jobs ")).split()[1]
    assert f"directory  {finished_run}: {total} of {total} jobs are done" in lines
    assert "time left  none: the next run only reports" in lines


@pytest.mark.parametrize("setting", ["world.seed=2", "student.training.steps=101"])
def test_another_study_in_the_same_directory_starts_anew(tiny_study, finished_run, capsys, setting):
    assert main(["plan", str(tiny_study), "--out", str(finished_run), "--set", setting, "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["jobs_done"] < value["jobs_total"]

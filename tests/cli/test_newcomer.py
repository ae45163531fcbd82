"""What a newcomer types in the first hour: nothing is silent, and no mistake of theirs is shown as a fault of ours."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gauger.cli import main

from .test_application import leaves

CASES = Path(__file__).parent / "newcomer"
EXACT = 2e-9
"""Documents hold ten significant digits."""
GAUGER = [sys.executable, "-m", "gauger"]
STUDENT = ("compare", "outside.csv", "--distilled", "student", "--control", "plain")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command line in a folder that holds the cases; give its exit code, output and messages."""
    shutil.copytree(CASES, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")

    def call(*arguments):
        code = main(list(arguments))
        said = capsys.readouterr()
        assert "Traceback" not in said.err, said.err[-900:]
        return code, said.out, said.err

    return call


def rows(out, name):
    """Return the lines of a printed table that begin with a name."""
    return [line for line in out.splitlines() if line.startswith(name)]


# --- estimates that look like more than they are --------------------------------------------------------------------


def test_a_ratio_without_a_sure_denominator_is_printed_as_the_set_that_it_is(run):
    code, out, _ = run(*STUDENT, "--base", "raw", "--role", "gsm8k=targeted", "--role", "svamp=near", "--json")
    found = {(one["estimand"], one["over"], one["scale"]): one for one in json.loads(out)["estimates"]}
    carried, bound = found["carryover", "near", "points"], found["benchmark_bound_share", "near", "points"]
    assert code == 0
    assert carried["kind"] == bound["kind"] == "outside"
    for mirrored, end in ((bound["value"], carried["value"]), (bound["low"], carried["high"])):
        assert mirrored == pytest.approx(1 - end, abs=EXACT)
    assert bound["high"] == pytest.approx(1 - carried["low"], abs=EXACT)
    _, out, _ = run(*STUDENT, "--base", "raw", "--role", "gsm8k=targeted", "--role", "svamp=near")
    (line,) = rows(out, "carryover   ")[:1]
    ends = tuple(f"{100 * carried[end]:+.1f}" for end in ("low", "high"))
    assert f"below {ends[0]} or above {ends[1]}" in line
    assert all(line.split()[1] in ("student", "plain") for line in rows(out, "gain"))


def test_forty_of_forty_is_no_certainty(run):
    _, out, _ = run("compare", "ceiling.csv", "--distilled", "student", "--control", "plain")
    (line,) = rows(out, "uplift")
    assert "-8.8 to +8.8" in line
    assert "No variation was seen" in line


def test_a_teacher_that_is_not_above_the_control_has_no_gap(run):
    """On gsm8k it stands exactly level with the control, on svamp below it."""
    _, out, _ = run(*STUDENT, "--teacher", "raw")
    gaps = rows(out, "gap recovered")
    assert len(gaps) == 3
    for line in gaps:
        assert "undefined" in line
        assert line.endswith("the teacher is not above the control")


def test_an_average_names_what_it_is_of(run):
    _, out, _ = run(*STUDENT)
    assert "all benchmarks, each alike" in out
    assert "all all" not in out


def test_memorisation_that_cannot_be_known_is_not_denied(run, tmp_path):
    assert run(*STUDENT, "--role", "gsm8k=targeted", "--out", "c")[0] == 0
    page = (tmp_path / "c" / "report.html").read_text()
    assert "Cannot be said: no parallel benchmark." in page
    assert "In no distilled arm" not in page
    assert "leak arm" not in page


# --- what is refused, in one line ------------------------------------------------------------------------------------


OTHER = "b/samples_gsm8k_2026-01-01T00-00-00.000001.jsonl"


@pytest.fixture
def parent(run, tmp_path):
    """A folder that holds the logs of two arms, `a` and `b`."""
    (log,) = (tmp_path / "seed0").iterdir()
    for arm, text in (("a", log.read_text()), ("b", log.read_text().replace(": 1.0}", ": 0.0}"))):
        (tmp_path / "parent" / arm).mkdir(parents=True)
        (tmp_path / "parent" / arm / log.name).write_text(text)
    shutil.copytree(tmp_path / "seed0", tmp_path / "copy")
    return tmp_path / "parent"


@pytest.mark.usefixtures("parent")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("distilled=seed0", "control=seed0"), "got the same log for both"),
        (("distilled=seed0", "control=copy"), "got a copy of copy/"),
        (("distilled=parent/a", "control=parent"), "got the same log for both"),
        (("distilled=parent", "control=parent/b"), "got the same log for both"),
        (("distilled=parent/a", "control=parent/b", "teacher=parent"), "different logs for distilled and teacher"),
        (("outside.csv", "--distilled", "student", "--control", "student"), "arms with different names"),
        ((*STUDENT[1:], "--role", "gsm8k=targeted", "--role", "gsm8k=near"), "'targeted' and 'near'"),
        (("no_arm.csv", "--distilled", "student", "--control", "plain"), "a column 'arm', got columns model, "),
        ((*STUDENT[1:], "--out", "outside.csv"), "outside.csv: expected a folder for --out, got an existing file"),
        ((*STUDENT[1:], "--out", "outside.csv/x"), "outside.csv: expected a folder for --out, got an existing file"),
        ((*STUDENT[1:], "--out", "x" * 300), "File name too long"),
        ((*STUDENT[1:], "--out", "/proc/x"), "No such file or directory"),
    ],
)
def test_comparisons_that_are_none(run, arguments, says):
    code, out, err = run("compare", *arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert says in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("report", "outside.csv"), "outside.csv: expected the directory of a run, got a file"),
        (("status", "outside.csv"), "outside.csv: expected a directory in which a run has begun, got a file"),
        (("report", "nowhere"), "no estimates are there yet"),
        (("status", "nowhere"), "a directory in which a run has begun"),
        (("evidence", "fit", "--html", "."), ".: expected a file for --html, got a folder"),
        (
            ("evidence", "fit", "--html", "outside.csv/page.html"),
            "outside.csv: expected a folder for --html, got an existing file",
        ),
        (("evidence", "export", "outside.csv/x.zip"), "outside.csv: expected a folder for the archive"),
        (("run", "outside.csv/study.yaml"), "outside.csv"),
        (("plan", "."), "."),
        (("meta", ".", "--effect", "a", "--variance", "b"), "."),
        (("fit", "outside.csv/x", "--law", "auto"), "outside.csv"),
    ],
)
def test_places_that_cannot_be_used(run, arguments, says):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert says in err


def test_another_study_s_directory_is_refused_and_left_as_it_is(run, tiny_study, copy_of_run):
    before = {path.name: path.read_bytes() for path in copy_of_run.iterdir() if path.is_file()}
    again = ("run", str(tiny_study), "--set", "study=second", "--out", str(copy_of_run))
    code, out, err = run(*again)
    assert (code, out) == (2, "")
    assert err.startswith(f"{copy_of_run}: expected a directory for study 'second', got one that holds 'tiny'.")
    (copy_of_run / "frozen.json").write_text(
        json.dumps({key: value for key, value in json.loads(before["frozen.json"]).items() if key != "study"})
    )
    assert run(*again)[0] == 2, "a run that began before its name was frozen"
    (copy_of_run / "frozen.json").write_bytes(before["frozen.json"])
    assert {path.name: path.read_bytes() for path in copy_of_run.iterdir() if path.is_file()} == before
    code, _, err = run(*STUDENT, "--out", str(copy_of_run))
    assert (code, "the directory of a study's run" in err) == (2, True)


def test_a_comparison_s_folder_is_no_place_for_a_study(run, tiny_study, tmp_path):
    assert run(*STUDENT, "--out", "c")[0] == 0
    code, _, err = run("run", str(tiny_study), "--out", "c")
    assert code == 2
    assert "for study 'tiny', got one that holds " in err


# --- the terminal ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("redirected", "code"), [(">&-", 2), (">/dev/full", 2), ("| head -1", 0)])
@pytest.mark.parametrize("what", ["--help", "--version", "evidence check", "evidence check --json"])
def test_output_that_has_no_reader(redirected, code, what):
    """`head` itself ends with 0; what is asked of Gauger then is silence."""
    line = f"{sys.executable} -m gauger {what} {redirected}"
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    found = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, env=environment)
    assert found.returncode == code
    assert len(found.stderr.splitlines()) == (0 if code == 0 else 1)


def test_a_help_text_without_a_reader_ends_as_shells_expect():
    read, write = os.pipe()
    os.close(read)
    found = subprocess.run([*GAUGER, "run", "--help"], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (found.returncode, found.stderr) == (141, b"")


def test_help_texts_are_shown_whole(run, monkeypatch):
    """Square brackets are markup to the library that prints help; every character of every text must be there."""
    import typer.rich_utils

    monkeypatch.setattr(typer.rich_utils, "MAX_WIDTH", 4000)
    swallowed = []
    for words, command in leaves():
        _, out, _ = run(*words.split()[1:], "--help")
        shown = re.sub(r"\s+", "", out)
        texts = [command.help, *(param.help for param in command.params)]
        swallowed += [(words, text) for text in texts if text and re.sub(r"\s+", "", text) not in shown]
    assert swallowed == []
    assert "[default: (runs/NAME)]" in run("run", "--help")[1]

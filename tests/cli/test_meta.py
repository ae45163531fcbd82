"""`gauger meta`: the golden analyses from a CSV, as text and as JSON, and the user's mistakes with file and line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gauger.cli.application import main

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "random_effects.json").read_text(encoding="utf-8"))

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    for name, columns in GOLDEN["data"].items():
        lines = [",".join(columns)] + [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
        Path(f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["meta", *arguments])
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


def golden(name: str) -> dict[str, Any]:
    return next(case["values"] for case in GOLDEN["cases"] if case["name"] == name)


CASES = {
    "bcg REML z": ["bcg.csv"],
    "bcg REML Knapp-Hartung": ["bcg.csv", "--test", "knapp-hartung"],
    "bcg allocation and latitude t": ["bcg.csv", "--moderator", "alloc", "--moderator", "ablat", "--test", "t"],
    "bcg latitude CR2 by pair": ["bcg.csv", "--moderator", "ablat", "--robust", "pair"],
    "schools ML": ["school.csv", "--within", "district", "--method", "ML"],
    "schools t contain": ["school.csv", "--within", "district", "--test", "t", "--df", "contain"],
    "schools CR2": ["school.csv", "--within", "district", "--within", "school", "--robust", "district"],
    "shared control across arms": [
        "shared.csv", "--within", "study", "--within", "arm",
        "--shared-control", "control", "--shared-variance", "c",
    ],
    "four random levels": ["deep.csv", "--within", "lab", "--within", "study", "--within", "arm", "--within", "row"],
}  # fmt: skip
NAMES = {"schools ML": "schools three-level ML"}


def test_rows_that_share_no_control_leave_both_cells_empty(run: Run) -> None:
    rows = ["a,0.5,0.04,x,0.02", "a,0.6,0.04,x,0.02", "b,0.2,0.03,,", "c,0.1,0.05,,", "d,0.3,0.02,,"]
    asked = (*BASE, "--shared-control", "s", "--shared-variance", "c", "--json")
    documents = []
    for name, cells in (("empty", rows), ("zeros", [row.replace(",,", ",,0") for row in rows])):
        Path(f"{name}.csv").write_text("\n".join(["study,y,v,s,c", *cells]) + "\n")
        code, out, _ = run(f"{name}.csv", *asked)
        assert code == 0
        documents.append(json.loads(out))
    assert documents[0]["study"]["rows"] == 5
    assert documents[0]["warnings"] == documents[1]["warnings"]
    assert documents[0]["estimates"] == documents[1]["estimates"]
    Path("t.csv").write_text("\n".join(["study,y,v,s,c", *rows, "e,0.3,0.02,x,"]) + "\n")
    code, _, err = run("t.csv", *asked)
    assert code == 2
    assert "t.csv:7: c: expected the variance of the shared control 'x', got nothing" in err


@pytest.mark.parametrize("name", CASES)
def test_json_equals_r(run: Run, name: str) -> None:
    table, *options = CASES[name]
    code, out, _ = run(table, "--effect", "yi", "--variance", "vi", *options, "--json")
    assert code == 0
    document, wanted = json.loads(out), golden(NAMES.get(name, name))
    assert document["schema"] == "gauger.estimates/2"
    estimates = document["estimates"]

    def close(found: Any, stored: Any) -> None:
        found, stored = (value if isinstance(value, list) else [value] for value in (found, stored))
        assert found == pytest.approx(stored, rel=1e-6, abs=1e-9)

    close([one["value"] for one in estimates], wanted["beta"])
    close([one["se"] for one in estimates], wanted["se"])
    close([one["low"] for one in estimates], wanted["ci.lb"])
    close([one["p"] for one in estimates], wanted["pval"])
    close([one["tau2"] for one in document["variance_components"]], wanted["tau2"])
    close(document["heterogeneity"]["q"], wanted["QE"])
    if "pi.lb" in wanted:
        close(document["prediction"]["prediction_low"], wanted["pi.lb"])
    else:
        close(document["joint_test"]["p"], wanted["QMp"])


def test_text_says_it_all(run: Run) -> None:
    code, out, err = run(
        "school.csv", "--effect", "yi", "--variance", "vi", "--within", "district", "--moderator", "year",
        "--robust", "district", "--small-study",
    )  # fmt: skip
    assert code == 0
    assert "56 rows, levels district (11) > row (56), CR2 errors by district" in out
    for words in ("intercept", "year", "All moderators together: F", "profile interval", "Cochran's Q", "Egger"):
        assert words in out
    assert err == ""
    _, out, err = run("bcg.csv", "--effect", "yi", "--variance", "vi", "--small-study")
    assert "A new true effect would lie between -1.867 and 0.4376 (95% prediction interval)" in out
    assert "extrapolated to standard error 0" in out
    assert "z tests are too narrow with 13 groups" in err


def test_empty_cells_are_left_out_aloud(run: Run) -> None:
    Path("holes.csv").write_text('y,v,s\n0.1,0.2,a\nNA,0.1,a\n0.3,0.2,"b\nc"\n0.4,,b\n\n0.2,0.1,\n', encoding="utf-8")
    code, out, err = run("holes.csv", "--effect", "y", "--variance", "v", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["study"]["rows"] == 3
    assert document["left_out_lines"] == [3, 6]
    assert "2 rows left out for an empty cell (lines 3, 6)" in err


def test_few_degrees_of_freedom_are_said(run: Run) -> None:
    _, _, err = run("bcg.csv", "--effect", "yi", "--variance", "vi", "--moderator", "alloc", "--robust", "pair")
    assert "Fewer than 4 degrees of freedom" in err


GOOD = "y,v,s,x\n0.1,0.2,a,1\n0.2,0.1,a,1\n0.3,0.2,b,1\n0.5,0.3,b,1\n"
BASE = ("--effect", "y", "--variance", "v")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (
            GOOD,
            ("--effect", "Y", "--variance", "v"),
            "t.csv:1: expected a column of the table, got 'Y'. Known: s, v, x",
        ),
        (GOOD, ("--effect", "y", "--variance", "vv"), "Did you mean 'v'?"),
        (GOOD.replace("0.1,a", "-0.1,a"), BASE, "t.csv:3: v: expected a variance above 0, got -0.1"),
        (GOOD.replace("0.3,b", "0,b"), BASE, "t.csv:5: v: expected a variance above 0, got 0"),
        (GOOD.replace("0.5,", "much,"), BASE, "t.csv:5: y: expected a number, got 'much'"),
        (GOOD.replace("0.5,", "inf,"), BASE, "t.csv:5: y: expected a finite number, got 'inf'"),
        (GOOD + "0.1,0.2\n", BASE, "t.csv:6: expected 4 cells, as in the header, got 2"),
        ("y,v\n0.1,0.2\n", BASE, "t.csv: expected at least two rows with every asked value, got 1"),
        ("y,v,y\n", BASE, "expected one column of each name"),
        ("", BASE, "expected a table with a header line, got an empty file"),
        (GOOD, (*BASE, "--moderator", "x"), "t.csv: x: expected a moderator that varies"),
        (GOOD, (*BASE, "--within", "x"), "at least two groups at level 'x'"),
        (GOOD, (*BASE, "--within", "s", "--robust", "x"), "at least two clusters"),
        (GOOD, (*BASE, "--test", "knha"), "expected a known test, got 'knha'"),
        (GOOD, (*BASE, "--method", "DL"), "expected a known method, got 'DL'"),
        (GOOD, (*BASE, "--level", "95"), "a coverage from 0.5 to below 1"),
        (GOOD, (*BASE, "--shared-control", "s"), "--shared-control and --shared-variance together"),
        (GOOD, (*BASE, "--shared-control", "s", "--shared-variance", "x"), "below the row's whole variance"),
    ],
)
def test_mistakes_name_their_place(run: Run, text: str, options: tuple[str, ...], message: str) -> None:
    Path("t.csv").write_text(text, encoding="utf-8")
    code, out, err = run("t.csv", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_not_a_table(run: Run, tmp_path: Path) -> None:
    Path("latin.csv").write_bytes("y,v\né,1\n".encode("latin-1"))
    for name, words in (("no.csv", "no such file"), (str(tmp_path), "a folder"), ("latin.csv", "in UTF-8")):
        code, _, err = run(name, *BASE)
        assert code == 2
        assert words in err


def test_tabs(run: Run) -> None:
    Path("t.tsv").write_text(GOOD.replace(",", "\t"), encoding="utf-8")
    code, out, _ = run("t.tsv", *BASE, "--json")
    assert code == 0
    assert json.loads(out)["study"]["rows"] == 4

"""`gauger fit`: the document, its text, and the user's mistakes with file, line and column."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gauger.cli.application import main
from gauger.estimate.scaling.cautions import teacher_warnings
from gauger.stats.laws import Points

Run = Callable[..., tuple[int, str, str]]
QUICK = ("--bootstrap", "100", "--starts", "20")


def losses(n_params: np.ndarray, n_tokens: np.ndarray) -> np.ndarray:
    noise = np.exp(0.003 * np.random.default_rng(0).standard_normal(len(n_params)))
    return (1.8172 + 482.01 / n_params**0.3478 + 2085.43 / n_tokens**0.3658) * noise


def table(**more: np.ndarray) -> str:
    n_params, n_tokens = (one.ravel() for one in np.meshgrid(np.geomspace(3e7, 1e9, 5), np.geomspace(5e8, 2e10, 6)))
    columns = {"n_params": n_params, "n_tokens": n_tokens, "loss": losses(n_params, n_tokens), **more}
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(f"{cell:.6g}" for cell in row) for row in rows)]) + "\n"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("points.csv").write_text(table(), encoding="utf-8")

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["fit", *arguments])
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


def write(text: str) -> str:
    Path("bad.csv").write_text(text, encoding="utf-8")
    return "bad.csv"


def test_the_document_holds_what_the_contract_names(run: Run) -> None:
    Path("far.csv").write_text("n_params,n_tokens\n2e9,4e10\n1e11,2e12\n", encoding="utf-8")
    code, out, err = run("points.csv", "--law", "chinchilla", "--predict", "far.csv", "--json", *QUICK)
    assert code == 0
    document = json.loads(out)
    assert document["law"] == "hoffmann"
    assert document["n"] == 30
    names = [one["name"] for one in document["parameters"]]
    assert names == ["E", "A", "B", "alpha", "beta"]
    truth = dict(zip(names, (1.8172, 482.01, 2085.43, 0.3478, 0.3658), strict=True))
    for one in document["parameters"]:
        assert {"name", "value", "se", "low", "high"} <= one.keys()
        assert one["low"] < truth[one["name"]] < one["high"]
    near, far = document["predictions"]
    wanted = 1.8172 + 482.01 / 2e9**0.3478 + 2085.43 / 4e10**0.3658
    assert near["low"] < wanted < near["high"]
    assert near["n_params"] == 2e9
    assert far["efolds_beyond"] == pytest.approx(np.log(1e11 * 2e12 / (1e9 * 2e10)))
    assert document["validation"]["held_out"] > 0
    assert 0.7 < document["validation"]["coverage"] <= 1.0
    assert any("further than the back-test" in one for one in document["warnings"])
    assert any("one law was asked for" in one for one in document["warnings"])
    assert all(one in err for one in document["warnings"])


def test_the_objective_is_hubers_at_the_reported_parameters(run: Run) -> None:
    document = json.loads(run("points.csv", "--law", "hoffmann", "--json", *QUICK)[1])
    p = {one["name"]: one["value"] for one in document["parameters"]}
    rows = np.array([line.split(",") for line in table().splitlines()[1:]], dtype=float)
    r = np.abs(
        np.log(p["E"] + p["A"] / rows[:, 0] ** p["alpha"] + p["B"] / rows[:, 1] ** p["beta"]) - np.log(rows[:, 2])
    )
    assert document["objective"] == pytest.approx(np.where(r <= 1e-3, r**2 / 2, 1e-3 * (r - 5e-4)).sum(), rel=1e-9)


def test_auto_lets_laws_compete_and_says_so_in_text(run: Run) -> None:
    code, out, _ = run("points.csv", *QUICK)
    assert code == 0
    laws = ("hoffmann", "tied", "interaction", "kaplan", "is not refuted")
    for word in (*laws, "weight", "Back-test in the order of compute, size and tokens", "e-folds beyond"):
        assert word in out


def test_accuracies_are_predicted_through_the_loss(run: Run) -> None:
    rows = np.array([line.split(",") for line in table().splitlines()[1:]], dtype=float)
    accuracy = 0.25 + 0.65 / (1 + np.exp(3 * (rows[:, 2] - 3.0)))
    Path("both.csv").write_text(table(accuracy=accuracy, n_items=np.full(30, 2000.0)), encoding="utf-8")
    Path("far.csv").write_text("n_params,n_tokens\n2e9,4e10\n", encoding="utf-8")
    document = json.loads(run("both.csv", "--law", "hoffmann", "--predict", "far.csv", "--json", *QUICK)[1])
    wanted = 0.25 + 0.65 / (1 + np.exp(3 * (document["predictions"][0]["value"] - 3.0)))
    found = document["predictions"][0]["accuracy"]
    assert found["value"] == pytest.approx(wanted, abs=0.01)
    assert found["low"] < wanted < found["high"]
    link = document["accuracy_link"]
    assert [one["name"] for one in link["parameters"]] == ["floor", "ceiling", "k", "middle"]
    assert {one["law"] for one in link["links"]} == {"link", "gompertz"}
    assert link["held_out"] > 0
    assert link["rmse"] < 0.01


def test_accuracies_alone_are_fitted_at_once(run: Run) -> None:
    n_tokens = np.geomspace(1e6, 1e9, 16)
    accuracy = 0.2 + 0.6 / (1 + np.exp(-(np.log(n_tokens) - 17)))
    lines = [f"1e8,{d:.6g},{a:.5f},500" for d, a in zip(n_tokens, accuracy, strict=True)]
    path = write("n_params,n_tokens,accuracy,n_items\n" + "\n".join(lines) + "\n")
    document = json.loads(run(path, "--json", *QUICK)[1])
    assert document["outcome"] == "accuracy"
    assert document["law"] == "sigmoid-tokens"
    assert {one["law"] for one in document["laws"]} == {"sigmoid-tokens", "error-tokens"}


HEADER = "n_params,n_tokens,loss\n"
MISTAKES = {
    "no such column": ("n_params,n_tokens\n1,2\n", "expected a column 'loss' or 'accuracy'"),
    "no tokens": ("n_params,loss\n1,2\n", "bad.csv:1: expected a column of the table, got 'n_tokens'"),
    "a word": (HEADER + "1e8,1e9,3\n1e8,two,3\n", "bad.csv:3: n_tokens: expected a number, got 'two'"),
    "not above 0": (HEADER + "0,1e9,3\n", "bad.csv:2: n_params: expected a number above 0, got 0"),
    "negative loss": (HEADER + "1e8,1e9,-3\n", "bad.csv:2: loss: expected a number above 0, got -3"),
    "infinite": (HEADER + "1e8,1e9,inf\n", "bad.csv:2: loss: expected a number above 0, got inf"),
    "percent": (
        "n_params,n_tokens,accuracy\n1e8,1e9,45\n",
        "bad.csv:2: accuracy: expected an accuracy between 0 and 1, got 45",
    ),
    "cells missing": (HEADER + "1e8,1e9\n", "bad.csv:2: expected 3 cells, as in the header, got 2"),
    "repeats too few": (
        "n_params,n_tokens,loss,unique_tokens\n1e8,1e9,3,2e9\n",
        "bad.csv:2: unique_tokens: expected unique_tokens of at most n_tokens, got 2e+09",
    ),
    "half pretrained": ("n_params,n_tokens,loss,pretrained\n1e8,1e9,3,0.5\n", "bad.csv:2: pretrained: expected 0"),
    "no rows": (HEADER, "expected at least one row"),
    "no outcome in any row": (HEADER + "1e8,1e9,\n", "expected a loss or an accuracy in some row"),
    "weights of 0": ("n_params,n_tokens,loss,weight\n1e8,1e9,3,0\n", "expected a weight above 0"),
    "empty file": ("", "bad.csv"),
    "too few points": (HEADER + "1e8,1e9,3\n1e8,2e9,2.9\n", "got 2 points"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_without_a_traceback(run: Run, name: str) -> None:
    text, wanted = MISTAKES[name]
    code, out, err = run(write(text))
    assert code == 2
    assert wanted in err
    assert "Traceback" not in err
    assert out == ""


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("nowhere.csv",), "nowhere.csv: expected a CSV file, got no such file"),
        (("points.csv", "--law", "hofmann"), "Did you mean 'hoffmann'?"),
        (("points.csv", "--law", "transfer"), "a column 'pretrained'"),
        (("points.csv", "--level", "95"), "a coverage from 0.5 to below 1"),
        (("points.csv", "--delta", "0"), "a --delta above 0"),
        (("points.csv", "--bootstrap", "10"), "100"),
    ],
)
def test_mistakes_of_the_command_line(run: Run, arguments: tuple[str, ...], wanted: str) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert wanted in err


def test_a_column_that_is_nearly_known_is_named(run: Run) -> None:
    text = table().splitlines()
    Path("near.csv").write_text("\n".join([text[0] + ",teacher_los", *(f"{row},2" for row in text[1:])]), "utf-8")
    err = run("near.csv", "--law", "hoffmann", *QUICK)[2]
    assert "column 'teacher_los' is not read; did you mean 'teacher_loss'?" in err


def test_groups_widen_the_intervals(run: Run) -> None:
    group = np.repeat(np.arange(6.0), 5)
    Path("grouped.csv").write_text(table(group=group), encoding="utf-8")
    document = json.loads(run("grouped.csv", "--law", "hoffmann", "--json", *QUICK)[1])
    assert any("6 independent points for 5 parameters" in one for one in document["warnings"])


def test_teachers_outside_the_points_are_named() -> None:
    one = np.ones(3)
    fitted = Points(one, one, teacher_loss=np.array([2.0, np.nan, 3.0]))
    assert teacher_warnings(Points(one, one), Points(one, one)) == []
    assert "without a teacher" in teacher_warnings(fitted, Points(one, one))[0]
    assert teacher_warnings(fitted, Points(one, one, teacher_loss=np.array([2.5, 2.0, np.nan]))) == []
    assert teacher_warnings(fitted, Points(one, one, teacher_loss=np.array([1.5, 2.0, 9.0])))[0].startswith("2 pred")


def test_the_link_alone_needs_losses_to_predict_from(run: Run) -> None:
    Path("both.csv").write_text(table(accuracy=np.linspace(0.3, 0.8, 30)), encoding="utf-8")
    Path("far.csv").write_text("n_params,n_tokens\n2e9,4e10\n", encoding="utf-8")
    code, _, err = run("both.csv", "--law", "link", "--predict", "far.csv", *QUICK)
    assert code == 2
    assert "a column 'loss' in what is to be predicted" in err


def test_shares_of_domains_and_runs_are_read(run: Run) -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(2), 14).round(4)
    shares[:, 1] = 1 - shares[:, 0]
    loss = 1.2 + np.exp(shares @ np.array([-1.5, 0.5]))
    lines = [f"1e8,1e9,{x:.5f},{a:.4f},{b:.4f}" for x, (a, b) in zip(loss, shares, strict=True)]
    path = write("n_params,n_tokens,loss,share_code,share_web\n" + "\n".join(lines) + "\n")
    assert json.loads(run(path, "--json", *QUICK)[1])["law"] == "mixture-2"
    code, _, err = run(write("n_params,n_tokens,loss,share_code,share_web\n1e8,1e9,2,0.5,0.6\n"))
    assert code == 2
    assert "bad.csv:2: share_code: expected shares of domains that sum to 1, got 1.1" in err


def test_checkpoints_of_a_run_are_left_out_of_the_law_of_scale(run: Run) -> None:
    names = [f"r{i // 2}" for i in range(30)]
    rows = table().splitlines()
    text = "\n".join([rows[0] + ",run", *(f"{row},{name}" for row, name in zip(rows[1:], names, strict=True))])
    document = json.loads(run(write(text + "\n"), "--law", "hoffmann", "--json", *QUICK)[1])
    assert document["n"] == 15
    assert any("15 checkpoints from within 15 runs are left out" in one for one in document["warnings"])

"""`gauger meta` where a number would be wrong: undefined with a reason, or a message; never SE 1e-18 or a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gauger.cli.application import main

Run = Callable[..., tuple[int, str, str]]
BASE = ("--effect", "y", "--variance", "v")
JOINT = {
    ("1", "a"): [(0.206, 0.024), (0.27, 0.0215), (0.339, 0.0292)],
    ("2", "a"): [(0.462, 0.028), (0.41, 0.0254), (0.294, 0.0228)],
    ("3", "a"): [(0.133, 0.0221), (0.163, 0.0293), (0.229, 0.028)],
    ("3", "b"): [(0.161, 0.0219), (0.323, 0.0273), (0.596, 0.0285)],
    ("4", "a"): [(0.347, 0.0261), (0.256, 0.0267), (0.206, 0.0247)],
    ("5", "a"): [(-0.004, 0.0209), (0.275, 0.0255), (-0.12, 0.023)],
    ("5", "b"): [(0.464, 0.0288), (0.194, 0.0285), (0.145, 0.026)],
    ("6", "a"): [(0.192, 0.0243), (0.268, 0.0281), (0.309, 0.0204)],
    ("7", "a"): [(0.602, 0.0228), (0.46, 0.0253), (0.265, 0.03)],
    ("8", "a"): [(0.125, 0.022), (0.014, 0.0263), (0.153, 0.0228)],
    ("8", "b"): [(0.247, 0.0232), (0.596, 0.0256), (0.457, 0.0206)],
    ("8", "c"): [(0.561, 0.0223), (0.62, 0.0224), (0.394, 0.0233)],
    ("9", "a"): [(0.373, 0.0204), (0.449, 0.027), (0.596, 0.0273)],
    ("10", "a"): [(-0.227, 0.0296), (0.123, 0.0297), (0.014, 0.0278)],
    ("11", "a"): [(-0.104, 0.0262), (0.392, 0.0282), (0.174, 0.0244)],
    ("12", "a"): [(0.494, 0.0214), (0.118, 0.0233), (0.66, 0.0201)],
}
"""Level c stands in study 8 alone."""


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(text: str, *options: str) -> tuple[int, str, str]:
        Path("t.csv").write_text(text, encoding="utf-8")
        code = main(["meta", "t.csv", *BASE, *options])
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


def loads(done: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = done
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_joint_test_where_one_cluster_carries_a_coefficient(run: Run) -> None:
    """clubSandwich 0.5.8, Wald_test(test = "HTZ"): F = 202.8 on 2 and 0.98 df, p = 0.052; whitening by the model's
    covariance instead of the expected CR2 matrix gives F = 343 on 5.2 df, p < 0.0001."""
    lines = [f"{study},{kind},{y},{v}" for (study, kind), rows in JOINT.items() for y, v in rows]
    options = ("--within", "study", "--moderator", "kind", "--robust", "study", "--json")
    found = loads(run("study,kind,y,v\n" + "\n".join(lines) + "\n", *options))
    joint = found["joint_test"]
    assert joint["statistic"] == pytest.approx(202.8, rel=1e-3)
    assert joint["df_denominator"] == pytest.approx(0.98, abs=0.01)
    assert joint["p"] == pytest.approx(0.0516, abs=5e-4)
    assert any("kind=c rests on too few clusters" in warning for warning in found["warnings"])


def test_as_many_clusters_as_coefficients(run: Run) -> None:
    table = "y,v,m\n0.1,0.02,a\n0.2,0.02,a\n0.3,0.02,b\n"
    found = loads(run(table, "--moderator", "m", "--robust", "m", "--json"))
    for one in found["estimates"]:
        assert (one["value"], one["se"], one["low"], one["p"]) == (None, None, None, None)
        assert one["reason"].startswith("as many clusters as coefficients (2 and 2)")
    assert found["joint_test"]["statistic"] is None
    assert "too few clusters" in found["joint_test"]["reason"]
    _, out, err = run(table, "--moderator", "m", "--robust", "m")
    assert "undefined" in out
    assert "1e-1" not in out
    assert "Without --robust" in err


def test_two_clusters_that_both_know_the_difference_have_an_error(run: Run) -> None:
    table = "y,v,m,c\n0.1,0.02,a,1\n0.2,0.02,b,1\n0.3,0.02,a,2\n0.7,0.02,b,2\n"
    found = loads(run(table, "--moderator", "m", "--robust", "c", "--within", "c", "--json"))
    assert all(one["se"] > 0.01 for one in found["estimates"])
    assert found["joint_test"]["p"] is not None


def test_a_variance_ratio_of_1e12_converges_to_the_maximum(run: Run) -> None:
    found = loads(run("y,v\n0.2,1e-8\n0.5,1e4\n0.1,1e-8\n0.8,1e2\n0.4,1\n", "--json"))
    assert found["variance_components"][0]["tau2"] == pytest.approx(0.004965, rel=1e-3)
    assert found["fit"]["log_likelihood"] == pytest.approx(-8.01, abs=0.01)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_uneven_variances_at_two_levels(run: Run, order: tuple[int, int]) -> None:
    """Six exact rows in three groups, six hopeless ones: the exact rows alone say what varies."""
    exact = [f"{y},1e-8,{g}" for y, g in ((0.1, "a"), (0.12, "a"), (0.5, "b"), (0.51, "b"), (0.9, "c"), (0.88, "c"))]
    vague = [f"{y},1e4,{g}" for y, g in ((0.4, "d"), (0.7, "d"), (1, "e"), (0, "e"), (0.9, "f"), (-1, "f"))]
    parts = (exact, vague)
    rows = [*parts[order[0]], *parts[order[1]]]
    whole = loads(run("y,v,g\n" + "\n".join(rows) + "\n", "--within", "g", "--json"))
    alone = loads(run("y,v,g\n" + "\n".join(exact) + "\n", "--within", "g", "--json"))
    for one, other in zip(whole["variance_components"], alone["variance_components"], strict=True):
        assert one["tau2"] == pytest.approx(other["tau2"], rel=1e-3)


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ("y,v,g\n0.1,0.02,a\n0.3,0.03,a\n0.5,0.01,b\n-0.1,0.05,b\n", ("--within", "g", "--moderator", "g"),
         "moderator g leaves no groups at level g to compare"),
        ("y,v\n0.1,0.02\n0.2,0.02\n0.3,0.02\n0.5,0.02\n", ("--small-study",),
         "All rows have one variance, so there is no small-study test"),
        ("y,v\n1e308,0.02\n-1e308,0.02\n0.3,0.02\n", (), "t.csv:2: y: expected numbers up to 1e+100, got 1e+308"),
        ("y,v\n1,0.02\n2,1e200\n0.3,0.02\n", (), "t.csv:3: v: expected numbers up to 1e+100, got 1e+200"),
        ("y,v\n1,1e-200\n2,1\n0.3,0.02\n", (), "variances of at least 1e-100"),
    ],
)  # fmt: skip
def test_messages_instead_of_tracebacks(run: Run, table: str, options: tuple[str, ...], message: str) -> None:
    code, out, err = run(table, *options)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_crossed_ids_are_named(run: Run) -> None:
    table = "y,v,s,a\n" + "".join(f"0.{i},0.0{1 + i % 3},s{i % 3},a{i % 2}\n" for i in range(9))
    code, _, err = run(table, "--within", "s", "--within", "a")
    assert code == 0
    assert "2 ids of a stand in several groups of s (a0, a1)" in err
    _, _, err = run(table.replace("s0,a", "s0,s0a"), "--within", "s")
    assert "stand in several groups" not in err


SCHOOLS = json.loads((Path(__file__).parents[1] / "golden" / "by_category.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("structure", ["hcs", "un"])
def test_random_effects_by_category_equal_metafor(run: Run, structure: str) -> None:
    columns = SCHOOLS["data"]["school"]
    rows = zip(columns["yi"], columns["vi"], columns["group"], columns["category"], strict=True)
    table = "y,v,g,c\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n"
    options = ("--within", "g", "--moderator", "c", "--vary-by", "c", "--structure", structure, "--robust", "g")
    found = loads(run(table, *options, "--json"))
    wanted = next(
        case["values"] for case in SCHOOLS["cases"] if case["struct"] == structure.upper() and case["rows"] == "DIAG"
    )
    early, difference = (one["value"] for one in found["estimates"])
    assert [early, early + difference] == pytest.approx(wanted["beta"], rel=1e-5)
    assert found["fit"]["log_likelihood"] == pytest.approx(wanted["log_likelihood"], abs=1e-5)
    assert found["estimates"][0]["se"] == pytest.approx(wanted["cr2_se"][0], rel=1e-4)
    assert len(found["by_category"]["predictions"]) == 2
    text = run(table, *options)[1]
    assert "Correlation within groups: early and late" in text
    assert "A new true effect of late would lie between" in text


def test_the_structure_is_chosen_by_aic(run: Run) -> None:
    columns = SCHOOLS["data"]["school"]
    rows = zip(columns["yi"], columns["vi"], columns["group"], columns["category"], strict=True)
    table = "y,v,g,c\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n"
    found = loads(run(table, "--within", "g", "--moderator", "c", "--vary-by", "c", "--json"))["by_category"]
    best = min(found["aic"], key=found["aic"].__getitem__)
    assert found["structure"].startswith(best.split(",")[0])
    assert len(found["aic"]) >= 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--vary-by", "c"), "one --within with --vary-by"),
        (("--structure", "un"), "--vary-by with --structure"),
        (("--within", "g", "--vary-by", "c", "--structure", "ar"), "a known --structure"),
        (("--within", "g", "--vary-by", "c", "--test", "t"), "--robust instead of --test"),
        (("--within", "g", "--vary-by", "c", "--robust", "c"), "--robust g or none"),
    ],
)
def test_options_that_do_not_go_with_categories(run: Run, options: tuple[str, ...], message: str) -> None:
    table = "y,v,g,c\n0.1,0.02,a,x\n0.3,0.03,a,z\n0.5,0.01,b,x\n-0.1,0.05,b,z\n0.2,0.05,c,z\n"
    code, _, err = run(table, *options)
    assert code == 2
    assert message in err

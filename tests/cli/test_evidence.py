"""`gauger evidence`: every sub-command as text and as JSON, and the user's mistakes."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from gauger.cli.evidence import register
from gauger.errors import UserError
from gauger.evidence.table import data_path

HEADER = (data_path() / "results.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
CELLS = {
    "study_id": "limo-2025", "title": "LIMO", "year": "2025", "reference": "arXiv:2502.03387",
    "source_grade": "primary",
    "student_base": "Qwen2.5-32B-Instruct", "arm": "A new arm", "contrast": "untouched-base", "control_arm": "base",
    "benchmark": "MATH500", "benchmark_role": "targeted", "metric": "accuracy", "score_scale": "percent",
    "n_items": "500", "score_control": "80.0", "score_distilled": "90.0",
}  # fmt: skip
CODING = {
    "seeds_from_benchmark": "low", "confounded_mixture": "low", "contamination_check_reported": "y",
    "heldout_eval_reported": "n", "control_quality": "matched", "variance_reported": "n", "note": "",
}  # fmt: skip

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    app = typer.Typer()

    @app.callback()
    def root() -> None:
        """Stand in for the whole application."""

    register(app)

    def call(*arguments: str | Path, answers: str | None = None) -> Result:
        return CliRunner().invoke(app, ["evidence", *map(str, arguments)], input=answers, catch_exceptions=True)

    return call


def block(**changes: str) -> str:
    cells = {**CELLS, **changes}
    return ",".join(HEADER) + "\n" + ",".join(cells.get(name, "") for name in HEADER) + "\n"


def loads(done: Result) -> dict:  # type: ignore[type-arg]
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def after_echo(done: Result) -> dict:  # type: ignore[type-arg]
    """Read the JSON behind the answers, which the runner echoes as a terminal would."""
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout[done.stdout.index("{") :])


def test_without_a_sub_command_it_summarises(run: Run) -> None:
    bare, named = run(), run("summary")
    assert bare.exit_code == named.exit_code == 0
    assert bare.stdout == named.stdout
    assert "Published evidence (162 studies, 3,924 rows)" in bare.stdout
    assert "What the literature cannot tell" in bare.stdout


def test_summary_as_json(run: Run) -> None:
    found = loads(run("summary", "--json"))
    assert found["untouched"]["n_rows"] == 1060
    assert found["cannot_tell"][0]["n_rows"] == 0
    assert sum(found["excluded"].values()) + found["controls"]["n_rows"] == 3924


def test_forest(run: Run) -> None:
    text = run("forest").stdout
    assert "Uplift in percentage points over: untouched base" in text
    found = loads(run("forest", "--all-controls", "--json"))
    assert found["over"] == "every control that is not itself distilled"
    assert {line["role"] for line in found["lines"]} == {"targeted", "fresh", "held-out", "general"}


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a table of a few studies, so that the whole analysis takes a moment."""
    kept = ("limo-2025", "light-r1-2025", "sky-t1-2025", "rethink-sft-2026", "huan-transfer-2025", "s1-2025")
    folder = tmp_path_factory.mktemp("table")
    for name in ("results.csv", "studies.csv"):
        with (data_path() / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([rows[0], *(row for row in rows if row[0] in kept)])
    return folder


def test_fit(run: Run, few: Path) -> None:
    found = loads(run("fit", "--table", few, "--json"))
    assert found["schema"] == "gauger.evidence/1"
    assert found["studies"] == 6
    assert len(found["restrictions"]) == 28
    text = run("fit", "--table", few).stdout
    assert found["headline"] in text
    assert "How far the headline moves" in text


def test_fit_writes_the_page(run: Run, few: Path, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "evidence.html"
    done = run("fit", "--table", few, "--html", page)
    assert done.exit_code == 0, done.output
    assert f"Wrote {page}" in done.stderr
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_check(run: Run) -> None:
    every = loads(run("check", "--json"))["findings"]
    some = loads(run("check", "--study", "limo-2025", "--json"))["findings"]
    assert some == [one for one in every if one["study_id"] == "limo-2025"]
    assert "row 244, limo-2025" in run("check").stdout


def test_check_of_an_unknown_study(run: Run) -> None:
    done = run("check", "--study", "limo-2026")
    assert isinstance(done.exception, UserError)
    assert "Did you mean 'limo-2025'?" in str(done.exception)


def test_add_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text(block(), encoding="utf-8")
    assert "1 rows read" in run("add", file).stdout
    found = loads(run("add", file, "--json"))
    assert found["entered"] == {"pooled": 1}
    assert len(found["changes"]) == 6


def test_add_writes_only_where_it_is_told(run: Run, tmp_path: Path) -> None:
    for name in ("results.csv", "studies.csv"):
        (tmp_path / name).write_bytes((data_path() / name).read_bytes())
    rows, study = tmp_path / "rows.csv", tmp_path / "study.csv"
    rows.write_text(block(study_id="new-2026"), encoding="utf-8")
    study.write_text(
        ",".join(["study_id", *CODING]) + "\nnew-2026," + ",".join(CODING.values()) + "\n", encoding="utf-8"
    )
    assert run("add", rows, "--study", study, "--table", tmp_path).exit_code == 0
    assert (tmp_path / "results.csv").read_bytes() == (data_path() / "results.csv").read_bytes()
    done = run("add", rows, "--study", study, "--into", tmp_path, "--json")
    assert loads(done)["rows"] == 1
    assert loads(run("summary", "--table", tmp_path, "--json"))["studies"] == 163


def test_add_refuses_a_bad_row(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text(block(contrast="base"), encoding="utf-8")
    done = run("add", file)
    assert isinstance(done.exception, UserError)
    assert f"{file}:2: contrast" in str(done.exception)


def test_add_by_prompts_asks_again_after_a_mistake(run: Run) -> None:
    answers = [CELLS.get(name, "") for name in HEADER]
    at = HEADER.index("benchmark_role")
    answers.insert(at, "held out")
    done = run("add", "--json", answers="\n".join(answers) + "\n")
    assert after_echo(done)["entered"] == {"pooled": 1}
    assert "Expected one of targeted, fresh, held-out, general, got 'held out'." in done.stderr


def test_add_by_prompts_asks_for_the_coding_of_a_new_study(run: Run) -> None:
    answers = [{**CELLS, "study_id": "new-2026"}.get(name, "") for name in HEADER]
    coding = list(CODING.values())
    done = run("add", "--json", answers="\n".join([*answers, "perhaps", *coding]) + "\n")
    assert after_echo(done)["rows"] == 1
    assert "Expected a coding that begins with one of" in done.stderr


def test_a_folder_without_a_table(run: Run, tmp_path: Path) -> None:
    done = run("summary", "--table", tmp_path)
    assert isinstance(done.exception, UserError)
    assert "results.csv" in str(done.exception)


def test_claims(run: Run) -> None:
    found = loads(run("claims", "--json"))
    wanted = {"id", "sentence", "effect", "low", "high", "prediction_low", "prediction_high", "n_studies", "n_rows",
              "certainty", "domains", "would_change"}  # fmt: skip
    assert 5 <= len(found) <= 10
    for one in found:
        assert wanted <= set(one)
        assert one["certainty"] in {"high", "moderate", "low", "very low"}
    text = run("claims").stdout
    assert all(one["sentence"] in text for one in found)


def test_shares_are_refused_with_the_question(run: Run, tmp_path: Path) -> None:
    file, study = tmp_path / "fractions.csv", tmp_path / "study.csv"
    cells = {"study_id": "newstudy-2026", "n_items": "30", "score_control": "0.40", "score_distilled": "0.50"}
    file.write_text(block(**cells), encoding="utf-8")
    study.write_text(
        ",".join(["study_id", *CODING]) + "\nnewstudy-2026," + ",".join(CODING.values()) + "\n", encoding="utf-8"
    )
    done = run("add", file, "--study", study)
    assert isinstance(done.exception, UserError)
    assert "these look like shares" in str(done.exception)


def test_a_block_with_the_columns_of_the_first_release_still_joins(run: Run, tmp_path: Path) -> None:
    old = [name for name in HEADER if name not in {"surface", "defence", "n_seeds", "risk_row", "control_handicapped"}]
    file = tmp_path / "old.csv"
    file.write_text(",".join(old) + "\n" + ",".join(CELLS.get(name, "") for name in old) + "\n", encoding="utf-8")
    assert loads(run("add", file, "--json"))["entered"] == {"pooled": 1}


def test_contradictions_are_not_appended(run: Run, tmp_path: Path) -> None:
    for name in ("results.csv", "studies.csv"):
        (tmp_path / name).write_bytes((data_path() / name).read_bytes())
    file = tmp_path / "rows.csv"
    file.write_text(block(control_arm="Qwen3-8B (itself distilled by its vendor)"), encoding="utf-8")
    shown = loads(run("add", file, "--json"))
    assert [one for one in shown["findings"] if one["error"]]
    done = run("add", file, "--into", tmp_path)
    assert isinstance(done.exception, UserError)
    assert "itself distilled" in str(done.exception)
    assert (tmp_path / "results.csv").read_bytes() == (data_path() / "results.csv").read_bytes()


def test_check_ends_with_2_where_the_table_contradicts_its_rules(run: Run, few: Path, tmp_path: Path) -> None:
    for name in ("results.csv", "studies.csv"):
        (tmp_path / name).write_bytes((few / name).read_bytes())
    assert run("check", "--table", tmp_path).exit_code == 0
    wrong = block(control_arm="Qwen3-8B (itself distilled by its vendor)").splitlines()[1]
    with (tmp_path / "results.csv").open("a", encoding="utf-8") as file:
        file.write(wrong + "\n")
    done = run("check", "--table", tmp_path)
    assert done.exit_code == 2
    assert "1 contradictions" in done.stderr


def test_export(run: Run, few: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "a.zip", tmp_path / "new" / "b.zip"
    assert run("export", one, "--table", few).exit_code == 0
    assert run("export", two, "--table", few).exit_code == 0
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        names = set(archive.namelist())
        assert {"results.csv", "studies.csv", "PROTOCOL.md", "data_dictionary.csv", "references.bib", "CITATION.cff",
                "claims.json", "flow.json", "releases.csv", "README.md"} <= names  # fmt: skip
        assert archive.read("references.bib").decode().count("@misc{") == 6
    assert run("export", one, "--table", few, "--page").exit_code == 0
    with zipfile.ZipFile(one) as archive:
        assert archive.read("evidence.html").startswith(b"<!DOCTYPE html>")
    done = run("export", tmp_path / "a.tar")
    assert isinstance(done.exception, UserError)

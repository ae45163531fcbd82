"""The API gives what the commands print, to the last bit, from files and from data frames."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.main import get_command

import gauger
from api.samples import effects, points, records, written
from cli.log_cases import CONTROL, STUDENT, line, write
from gauger.cli.application import build, main
from gauger.store import csv_text, document_bytes, read_csv

QUICK = {"bootstrap": 100, "starts": 20}
Command = Callable[..., bytes]


@pytest.fixture
def command(capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Run a command and return the bytes on standard output."""

    def call(*arguments: str) -> bytes:
        capfdbinary.readouterr()
        assert main([*arguments, "--json"]) == 0
        return capfdbinary.readouterr().out

    return call


def test_a_comparison_of_logs(command: Command, tmp_path: Path) -> None:
    for arm, scores in (("student", STUDENT), ("control", CONTROL)):
        for task in ("maths", "facts"):
            write(tmp_path / arm, task, [line(i, score) for i, score in enumerate(scores)], model=arm)
    paths = {"distilled": tmp_path / "student", "control": str(tmp_path / "control")}
    printed = command("compare", *(f"{arm}={path}" for arm, path in paths.items()), "--role", "maths=near")
    assert document_bytes(gauger.compare(paths, roles={"maths": "near"}).to_dict()) == printed
    assert document_bytes(gauger.compare(paths).to_dict()) != printed


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_comparison_of_a_records_table(command: Command, tmp_path: Path, kind: str) -> None:
    frame, path = records(), tmp_path / f"records.{kind}"
    frame.write_parquet(path) if kind == "parquet" else frame.write_csv(path)
    names = {"distilled": "student", "control": "plain", "teacher": "boss"}
    options = [text for name, arm in names.items() for text in (f"--{name}", arm)]
    printed = command("compare", str(path), *options, "--independent")
    assert document_bytes(gauger.compare(path, **names, paired=False).to_dict()) == printed
    assert document_bytes(gauger.compare(path, **names).to_dict()) != printed
    # A frame has no file name; every number is that of the file.
    for source in (frame, frame.to_pandas()):
        found = gauger.compare(source, **names, paired=False).to_dict()
        assert found["estimates"] == json.loads(printed)["estimates"]


def test_every_option_of_a_meta_analysis(command: Command, tmp_path: Path) -> None:
    frame = effects()
    path = written(frame, tmp_path / "effects.csv")
    options = ["--effect", "yi", "--variance", "vi", "--within", "study", "--moderator", "size", "--robust", "study"]
    printed = command("meta", path, *options, "--method", "ML", "--level", "0.9")
    given: dict[str, Any] = {"effect": "yi", "variance": "vi", "within": ["study"], "moderators": ["size"]}
    given |= {"robust": "study", "method": "ML", "level": 0.9}
    assert document_bytes(gauger.meta(path, **given).to_dict()) == printed
    for source in (frame, frame.to_pandas()):
        found = gauger.meta(source, **given).to_dict()
        wanted = json.loads(printed)
        assert {**found, "study": 0, "warnings": 0, "left_out_lines": 0} == {
            **wanted, "study": 0, "warnings": 0, "left_out_lines": 0
        }  # fmt: skip
        # Rows of a frame are counted from 1; line 1 of the file is its header.
        assert [row + 1 for row in found["left_out_lines"]] == wanted["left_out_lines"] == [5]


def test_a_fit_with_predictions(command: Command, tmp_path: Path) -> None:
    frame, wanted = points(), points().select("n_params", "n_tokens").tail(2)
    paths = written(frame, tmp_path / "points.csv"), written(wanted, tmp_path / "wanted.csv")
    options = ["--predict", paths[1], "--bootstrap", "100", "--starts", "20", "--seed", "3", "--law", "hoffmann"]
    printed = command("fit", paths[0], *options)
    for source, predict in (paths, (frame, wanted), (frame.to_pandas(), wanted.to_pandas())):
        found = gauger.fit(source, predict=predict, seed=3, law="hoffmann", **QUICK)
        assert document_bytes(found.to_dict()) == printed
        assert len(found.predictions) == 2


@pytest.fixture
def few_studies(tmp_path: Path) -> Path:
    """Write the evidence of a tenth of the studies: the whole table takes a minute."""
    for name in ("results.csv", "studies.csv"):
        table = read_csv(Path(gauger.evidence.__file__).parent / "data" / name)
        rows = list(table.rows)
        at = table.header.index("study_id")
        kept = sorted({cells[at] for _, cells in rows})[::10]
        text = csv_text([table.header, *(cells for _, cells in rows if cells[at] in kept)])
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_published_evidence(command: Command, few_studies: Path) -> None:
    known, table = gauger.evidence(few_studies), ("--table", str(few_studies))
    assert document_bytes(known.summary()) == command("evidence", "summary", *table)
    assert document_bytes([one.to_dict() for one in known.claims()]) == command("evidence", "claims", *table)
    found = [known.forest(all_controls=every).to_dict() for every in (False, True)]
    assert document_bytes(found[0]) == command("evidence", "forest", *table)
    assert document_bytes(found[1]) == command("evidence", "forest", "--all-controls", *table)
    assert document_bytes(known.to_dict()) == command("evidence", "fit", *table)
    quoted = json.loads(command("evidence", "summary", *table))
    for over in ("untouched", "controls", "matched"):
        rows = known.estimates.filter(pl.col("over") == over).drop("over").to_dicts()
        assert rows == quoted[over]["estimates"]


def test_a_run(finished_run: Path) -> None:
    found = gauger.load_run(finished_run)
    assert document_bytes(found.to_dict()) == (finished_run / "estimates.json").read_bytes()
    assert f"{found.headline}\n" in (finished_run.parent / "stdout").read_text(encoding="utf-8")
    assert len(found.records) == pl.read_parquet(finished_run / "records.parquet").height


def test_a_run_that_is_done_is_run_again(command: Command, copy_of_run: Path, tiny_study: Path) -> None:
    printed = command("run", str(tiny_study), "--out", str(copy_of_run))
    again = gauger.run(tiny_study, out=copy_of_run)
    assert document_bytes(again.to_dict()) == printed
    assert again.result is not None


# --- options and parameters ------------------------------------------------------------------------------------------

DIFFERENT = {
    "compare": {"role": "roles", "filter_name": "filter", "column": "columns", "arms": "source"},
    "meta": {"moderator": "moderators"},
    "fit": {},
    "run": {},
}
"""Options whose parameter has another name."""
NOT_GIVEN = {"as_json", "html", "out", "help", "csv", "latex", "markdown", "example"}


@pytest.mark.parametrize("name", DIFFERENT)
def test_every_option_is_a_parameter_with_the_same_default(name: str) -> None:
    command: Any = get_command(build())
    options = {one.name: one for one in command.commands[name].params if one.name not in NOT_GIVEN}
    parameters = inspect.signature(getattr(gauger, name)).parameters
    for option, said in options.items():
        parameter = parameters[DIFFERENT[name].get(option, option)]
        if parameter.default is inspect.Parameter.empty:
            assert said.required or "example" in [one.name for one in command.commands[name].params]
        else:
            shown = getattr(said.default, "value", said.default)
            assert (shown or None) == (parameter.default or None), option
    assert len(set(parameters) - {"out"}) == len(options)

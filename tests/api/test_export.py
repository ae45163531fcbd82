"""What leaves Gauger reads back as the same numbers, and no name of an arm can break the form it stands in."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import gauger
from api.samples import effects, points, records
from gauger.api import eval_results, metrics_of, model_card, track
from gauger.cli.application import main
from gauger.errors import MissingExtraError, UserError
from gauger.report import latex, markdown, plain_table

NAMES = {"distilled": "student", "control": "plain", "teacher": "boss"}


@pytest.fixture(scope="module")
def comparison() -> gauger.api.Comparison:
    return gauger.compare(records(), **NAMES)


# --- tables ----------------------------------------------------------------------------------------------------------


def test_csv_reads_back_as_the_same_numbers(comparison: gauger.api.Comparison) -> None:
    read = list(csv.DictReader(io.StringIO(comparison.to_csv())))
    rows = comparison.to_dict()["estimates"]
    assert len(read) == len(rows)
    for one, row in zip(read, rows, strict=True):
        assert list(one) == list(row)
        for name, value in row.items():
            assert (value is None and one[name] == "") or type(value)(one[name]) == value


def cells_of_markdown(line: str) -> list[str]:
    """Split a row as GitHub does: at bars that no backslash stands before."""
    cells, cell, escaped = [], "", False
    for letter in line.strip()[1:]:
        if letter == "|" and not escaped:
            cells.append(cell.strip())
            cell = ""
            continue
        if escaped or letter != "\\":
            cell += letter
        escaped = letter == "\\" and not escaped
    return cells


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=20), st.none() | st.floats(-1, 1))
def test_any_name_keeps_a_markdown_table_whole(name: str, value: float | None) -> None:
    lines = markdown(plain_table([{"name": name, "value": value}, {"name": "b", "value": 1.0}])).splitlines()
    assert len(lines) == 4
    shown = "".join(letter if letter.isprintable() else " " for letter in name).strip()
    row = cells_of_markdown(lines[2])
    assert len(row) == 2
    assert row[0] == shown.strip()


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet=st.sampled_from("\\{}$&#%_^~<>|ab 1\n\t−"), max_size=20))
def test_any_name_keeps_a_latex_table_whole(name: str) -> None:
    text = latex(plain_table([{"name": name, "value": 0.5}]))
    (row,) = [line for line in text.splitlines() if line.endswith(r"\\") and "value" not in line]
    # Without escaped characters and our own commands nothing is left that LaTeX would act on, but for one separator.
    bare = row.removesuffix(r"\\")
    for command in (r"\textbackslash{}", r"\textasciicircum{}", r"\textasciitilde{}", r"\textless{}", r"\textgreater{}",
                    r"\textbar{}", "$-$", *(rf"\{letter}" for letter in "{}$&#%_")):  # fmt: skip
        bare = bare.replace(command, "")
    assert bare.count("&") == 1
    assert not set(bare) & set("\\{}$#%_^~<>|")


def test_tables_round_as_the_report_does(comparison: gauger.api.Comparison) -> None:
    (row,) = comparison.estimates.filter(estimand="uplift", benchmark="maths").to_dicts()
    shown = f"{100 * row['value']:+.1f}"
    assert f"| uplift | student | plain | maths | near | {shown} |" in comparison.to_markdown().replace("−", "-")
    assert f"uplift & student & plain & maths & near & {shown} &" in comparison.to_latex().replace("$-$", "-")


def test_results_with_columns_of_their_own_have_tables_too() -> None:
    fitted = gauger.fit(points(), law="hoffmann", bootstrap=100, starts=20)
    assert fitted.to_markdown().startswith("| name | ")
    assert r"\begin{tabular}" in fitted.to_latex()
    assert gauger.meta(effects(), effect="yi", variance="vi").to_csv().startswith("estimand,")


@pytest.mark.parametrize("option", ["csv", "latex", "markdown"])
def test_commands_write_what_the_results_give(option: str, tmp_path: Path, comparison: gauger.api.Comparison) -> None:
    path, out = tmp_path / "records.parquet", tmp_path / "new" / "table"
    records().write_parquet(path)
    names = [text for name, arm in NAMES.items() for text in (f"--{name}", arm)]
    assert main(["compare", str(path), *names, f"--{option}", str(out), "--json"]) == 0
    assert out.read_text(encoding="utf-8") == getattr(comparison, f"to_{option}")()
    assert main(["compare", str(path), *names, f"--{option}", str(tmp_path)]) == 2


# --- reports, cards, trackers ----------------------------------------------------------------------------------------


def test_everything_that_a_report_is_asked_for(copy_of_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = copy_of_run / "out"
    places = {name: str(out / name) for name in ("csv", "latex", "markdown", "card", "eval-results")}
    options = [text for name, path in places.items() for text in (f"--{name}", path)]
    assert main(["report", str(copy_of_run), "--print", *options]) == 0
    assert capsys.readouterr().err.count("wrote ") == 6
    assert {one.name for one in out.iterdir()} == set(places)
    page = (copy_of_run / "report-print.html").read_text(encoding="utf-8")
    assert page.count("<details") == page.count("<details open") > 5
    assert (copy_of_run / "report.html").read_text(encoding="utf-8").count("<details open") == 1


def test_every_figure_is_a_file_in_both_forms(finished_run: Path) -> None:
    figures = gauger.load_run(finished_run).figures
    written = {one.name for one in (finished_run / "figures").iterdir()}
    assert len(figures) > 5
    assert written == {f"{name}.{form}" for name in figures for form in ("svg", "png")}


def test_a_model_card_names_what_is_not_controlled(finished_run: Path) -> None:
    found = gauger.load_run(finished_run)
    card = model_card(found)
    assert card.startswith("## Distillation\n")
    assert "| uplift | logits |" in card
    assert "| uplift | label |" not in card
    assert "| uplift | label |" in model_card(found, "label")
    threats = [row for row in found.to_dict()["threats"] if row["stands"] != "controlled"]
    assert threats
    assert all(row["answer"] in card for row in threats)
    with pytest.raises(UserError, match=r"a distilled arm, got 'lable'\. Did you mean 'label'"):
        model_card(found, "lable")


def test_evaluation_results_are_read_by_the_hubs_own_reader(finished_run: Path) -> None:
    cards = pytest.importorskip("huggingface_hub.repocard_data")
    found = gauger.load_run(finished_run)
    (index,) = yaml.safe_load(eval_results(found))["model-index"]
    name, results = cards.model_index_to_eval_results([index])
    assert name == "logits"
    scores = {one.dataset_name: one.metric_value for one in results if one.metric_type == "score"}
    wanted = found.estimates.filter(pl.col("benchmark").is_not_null(), estimand="score", arm="logits", scale="points")
    assert scores == dict(wanted.select("benchmark", "value").iter_rows())


class Run:
    """Stands in for a run of either client: keeps what it is sent."""

    def __init__(self, sent: dict[str, Any], **given: Any) -> None:
        self.sent, self.given, self.url, self.name = sent, given, "https://tracker/run", "run"
        self.summary, self.info = sent.setdefault("summary", {}), SimpleNamespace(run_id="run-1")

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.sent["ended"] = True

    def log(self, values: dict[str, Any]) -> None:
        self.sent |= values


def test_wandb_gets_every_defined_number(comparison: gauger.api.Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, Any] = {}
    stub = ModuleType("wandb")
    stub.init = lambda **given: sent.update(given) or Run(sent)  # type: ignore[attr-defined]
    stub.Table = lambda columns, data: (columns, data)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", stub)
    assert track(comparison, "wandb:studies") == "https://tracker/run"
    assert (sent["project"], sent["ended"]) == ("studies", True)
    assert sent["summary"] == metrics_of(comparison)
    assert sent["estimates"][0] == comparison.estimates.columns
    assert len(sent["estimates"][1]) == len(comparison.estimates)


def test_mlflow_gets_every_defined_number(comparison: gauger.api.Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, Any] = {}
    stub: Any = ModuleType("mlflow")
    stub.set_experiment = lambda name: sent.update(experiment=name)
    stub.start_run = lambda run_name: Run(sent)
    stub.log_params = lambda values: sent.update(params=values)
    stub.log_metrics = lambda values: sent.update(metrics=values)
    stub.log_artifact = lambda path: sent.update(artifact=Path(path).read_text(encoding="utf-8"))
    monkeypatch.setitem(sys.modules, "mlflow", stub)
    assert track(comparison, "mlflow:studies") == "run-1"
    assert sent["metrics"] == metrics_of(comparison)
    assert sent["artifact"] == comparison.to_csv()
    assert sent["params"]["study"] == "student against plain"


def test_metrics_are_named_apart_and_only_numbers(comparison: gauger.api.Comparison) -> None:
    metrics = metrics_of(comparison)
    rows = comparison.to_dict()["estimates"]
    defined = [row[part] for row in rows for part in ("value", "low", "high", "se") if row[part] is not None]
    assert sorted(metrics.values()) == sorted(defined)
    assert (
        metrics["uplift/student/maths/value"]
        == comparison.estimates.filter(estimand="uplift", benchmark="maths")["value"][0]
    )


def test_a_tracker_that_is_not_there(comparison: gauger.api.Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingExtraError, match=r"gauger\[track\]"):
        track(comparison, "wandb:x")
    for wrong in ("wandb", "wandb:", "tensorboard:x"):
        with pytest.raises(UserError, match="expected wandb:PROJECT or mlflow:EXPERIMENT"):
            track(comparison, wrong)


def test_pictures_stand_in_the_page_for_readers_without_scripts(
    comparison: gauger.api.Comparison, tmp_path: Path
) -> None:
    page = comparison.report(tmp_path / "page.html").read_text(encoding="utf-8")
    charts = page.count('<div class="chart"')
    assert charts > 0
    assert page.count('<noscript><img class="static"') == charts


def test_what_is_drawn_again_is_no_edit_of_the_run(copy_of_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(copy_of_run), "--print"]) == 0
    assert main(["verify", str(copy_of_run)]) == 0, capsys.readouterr()

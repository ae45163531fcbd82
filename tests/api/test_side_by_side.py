"""Runs side by side, as a user has them: directories and records tables in, verdicts and paired differences out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import gauger
from api.samples import records
from gauger.cli.application import main
from gauger.errors import UserError
from gauger.store import document_bytes

TABLES = {"distilled": "student", "control": "plain", "teacher": "boss"}


@pytest.fixture
def runs(finished_run: Path, tmp_path: Path) -> list[Path]:
    """Two runs of the tiny study; in the second the arm *logits* answers some items otherwise, by another surface."""
    found = [tmp_path / "open", tmp_path / "narrow"]
    for path in found:
        path.mkdir()
        for name in ("estimates.json", "records.parquet", "study.resolved.json"):
            shutil.copy(finished_run / name, path / name)
    table = pl.read_parquet(found[1] / "records.parquet")
    turned = (pl.col("arm") == "logits") & (pl.int_range(pl.len()) % 3 == 0) & (pl.col("outcome") == "scored")
    table.with_columns(score=pl.when(turned).then(1 - pl.col("score")).otherwise("score")).write_parquet(
        found[1] / "records.parquet"
    )
    change(found[1] / "study.resolved.json", lambda study: study["teacher"]["surface"].update(max_queries=40))
    return found


def change(path: Path, how: Callable[[Any], Any]) -> None:
    value = json.loads(path.read_bytes())
    how(value)
    path.write_bytes(document_bytes(value))


def test_both_verdicts_and_the_difference(runs: list[Path]) -> None:
    found = gauger.compare_runs(runs)
    study = found.to_dict()["study"]
    assert list(found.verdicts) == ["open", "narrow"]
    assert found.verdicts["open"] == json.loads((runs[0] / "estimates.json").read_bytes())["verdict"]
    (pair,) = study["pairs"]
    assert (pair["same_seeds"], pair["same_items"]) == (True, True)
    assert set(pair["shared_arms"]) >= {"base", "teacher", "label"}
    assert "logits" not in pair["shared_arms"]
    assert study["settings"] == [{"key": "teacher.surface.max_queries", "values": [None, 40]}]
    (judged,) = found.judged
    assert judged["estimand"] == "gap_recovered_difference"
    assert (judged["run"], judged["against"], judged["over"]) == ("narrow", "open", "near")


def test_the_difference_is_that_of_the_records(runs: list[Path]) -> None:
    found = gauger.compare_runs(runs).estimates
    means = []
    for path in runs:
        table = pl.read_parquet(path / "records.parquet").filter(benchmark="max-quiz", arm="logits")
        answers = table.filter(pl.col("outcome").is_in(["scored", "unparsed"])).with_columns(
            pl.col("score").fill_null(0)
        )
        means.append(answers.group_by("item").agg(pl.col("score").mean())["score"].mean())
    (row,) = found.filter(estimand="gain_difference", arm="logits", benchmark="max-quiz").to_dicts()
    assert row["value"] == pytest.approx(means[1] - means[0], abs=1e-9)


def test_the_command_prints_what_the_function_gives(
    runs: list[Path], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["compare", *map(str, runs), "--out", str(tmp_path / "out"), "--json"]) == 0
    printed = capfdbinary.readouterr().out
    assert (
        printed == document_bytes(gauger.compare_runs(runs).to_dict()) == (tmp_path / "out/estimates.json").read_bytes()
    )
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "What differs between the runs" in page
    assert "teacher.surface.max_queries" in page
    assert main(["compare", *map(str, runs)]) == 0
    text = capfdbinary.readouterr().out.decode()
    assert "the same models in both: " in text
    assert "As if unrelated" in text


def test_pairing_can_be_switched_off(runs: list[Path]) -> None:
    paired, apart = (gauger.compare_runs(runs, paired=how) for how in (None, False))
    assert paired.to_dict()["study"]["pairs"][0]["same_seeds"] is True
    assert apart.to_dict()["study"]["pairs"][0]["same_seeds"] is False
    assert paired.estimates["value"].to_list() == apart.estimates["value"].to_list()
    assert paired.estimates["se"].to_list() != apart.estimates["se"].to_list()


def test_several_runs_are_all_set_against_the_first(runs: list[Path], tmp_path: Path) -> None:
    third = tmp_path / "third"
    shutil.copytree(runs[0], third)
    change(third / "study.resolved.json", lambda study: study.update(seed=9))
    found = gauger.compare_runs([*runs, third])
    assert [(row["run"], row["against"]) for row in found.judged] == [("narrow", "open"), ("third", "open")]
    assert [pair["same_seeds"] for pair in found.to_dict()["study"]["pairs"]] == [True, False]
    assert {"differences-1"} <= set(found.figures)


def test_records_tables_of_several_arms(tmp_path: Path) -> None:
    paths = [tmp_path / "one.parquet", tmp_path / "two.csv"]
    one, two = records(0), records(1, shift=0.2)
    one.write_parquet(paths[0])
    two.write_csv(paths[1])
    found = gauger.compare_runs(paths, **TABLES)
    assert found.verdicts == {"one.parquet": None, "two.csv": None}
    (row,) = found.estimates.filter(estimand="uplift_difference", benchmark="maths").to_dicts()
    means = [
        frame.filter(benchmark="maths", arm=arm)["score"].mean() for frame in (one, two) for arm in ("student", "plain")
    ]
    assert row["value"] == pytest.approx((means[2] - means[3]) - (means[0] - means[1]), abs=1e-9)
    single = gauger.compare(two, **TABLES).estimates.filter(estimand="uplift", benchmark="maths")
    assert row["value_run"] == pytest.approx(single["value"][0], abs=1e-9)
    assert found.headline.startswith("In two.csv, uplift on mean of near")


# --- what cannot be compared -----------------------------------------------------------------------------------------


def refused(runs: list[Path], says: str) -> None:
    with pytest.raises(UserError, match=says):
        gauger.compare_runs(runs)


def test_an_option_that_would_say_nothing_is_refused(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *map(str, runs), "--by", "topic", "--reduce", "max"]) == 2
    assert "expected runs side by side without options of logs, got --by, --reduce" in capsys.readouterr().err


def test_another_threshold_is_refused(runs: list[Path]) -> None:
    change(runs[1] / "estimates.json", lambda found: found["verdict"]["rule"].update(threshold=0.1))
    refused(runs, r"narrow: expected the threshold of the verdict's rule of 'open' \(0\.25\), got 0\.1")


def test_other_benchmarks_are_refused(runs: list[Path]) -> None:
    change(runs[1] / "estimates.json", lambda found: found["benchmarks"].pop())
    refused(runs, "expected the benchmarks of 'open'")


def test_another_reading_of_answers_is_refused(runs: list[Path]) -> None:
    change(runs[1] / "study.resolved.json", lambda study: study.update(unparsed="missing"))
    refused(runs, r"expected the setting unparsed of 'open' \(wrong\), got missing")


def test_one_run_twice_is_refused(runs: list[Path]) -> None:
    refused([runs[0], runs[0].parent / "narrow" / ".." / "open"], "expected different runs, got one twice")
    refused(runs[:1], "expected two runs or more, got 1")


def test_what_is_no_run_is_refused(runs: list[Path], tmp_path: Path) -> None:
    refused([runs[0], tmp_path / "nothing"], "no estimates are there yet")
    refused([runs[0], runs[1] / "records.parquet"], "Of records tables, name the arms")
    (runs[1] / "records.parquet").unlink()
    refused(runs, "a run with its records")


def test_names_that_could_be_markup_are_escaped(runs: list[Path]) -> None:
    evil = runs[1].rename(runs[1].parent / "<img src=x onerror=alert(1)>")
    page = gauger.compare_runs([runs[0], evil]).report(runs[0].parent / "page.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page

"""Reading: every mistake is told with file, line and column, and nothing else is ever raised."""

from __future__ import annotations

import csv
import io
import time
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import InputError, StudyError, UserError
from gauger.evidence.columns import RESULT_COLUMNS
from gauger.evidence.table import EvidenceTable, check_coded, load, parse_results, parse_studies

from .make import CODING, ROW, coding_text, results, text


def test_shipped_table_is_whole(shipped: EvidenceTable) -> None:
    assert shipped.results.height == 3924
    assert shipped.results["study_id"].n_unique() == shipped.studies.height == 162
    assert dict(shipped.results["source_grade"].value_counts().iter_rows()) == {
        "primary": 2364,
        "checked-secondary": 199,
        "secondary": 1361,
    }


def test_shipped_table_reads_fast() -> None:
    start = time.process_time()
    load()
    assert time.process_time() - start < 2.0


def test_rows_keep_their_line_and_decimals() -> None:
    frame = results({"notes": "two\nlines", "score_control": "40"}, {"score_distilled": "50.25"})
    assert frame["row"].to_list() == [2, 4]
    assert frame["decimals_control"].to_list() == [0, 1]
    assert frame["decimals_distilled"].to_list() == [1, 2]


def test_empty_cells_are_none_never_zero() -> None:
    row = results({"n_items": "", "student_params_b": "", "control_arm": ""}).row(0, named=True)
    assert row["n_items"] is None
    assert row["student_params_b"] is None
    assert row["control_arm"] is None
    assert row["score_teacher"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"benchmark_role": "heldout"},
            "rows.csv:2: benchmark_role: expected one of targeted, fresh, held-out, general",
        ),
        ({"benchmark_role": "heldout"}, "Did you mean 'held-out'?"),
        ({"contrast": ""}, "rows.csv:2: contrast: expected a value"),
        ({"n_items": "12.5"}, "rows.csv:2: n_items: expected a whole number of at least 1, got '12.5'"),
        ({"n_items": "0"}, "rows.csv:2: n_items"),
        ({"n_items": "about 30"}, "rows.csv:2: n_items: expected a whole number, got 'about 30'"),
        ({"score_distilled": "nan"}, "rows.csv:2: score_distilled: expected a number"),
        ({"score_distilled": "inf"}, "rows.csv:2: score_distilled: expected a number"),
        ({"score_distilled": "101"}, "rows.csv:2: score_distilled: expected a percentage between 0 and 100, got 101"),
        ({"score_distilled": ""}, "rows.csv:2: score_distilled: expected a value"),
        ({"score_control": ""}, "rows.csv:2: score_control: expected a control score (contrast untouched-base)"),
        ({"year": "1925"}, "rows.csv:2: year: expected a whole number between 2015 and 2100"),
        ({"student_params_b": "-7"}, "rows.csv:2: student_params_b"),
        ({"source_grade": "third"}, "rows.csv:2: source_grade"),
    ],
)
def test_mistakes_name_their_place(change: dict[str, str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        results(change)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


def test_all_mistakes_are_told_at_once_up_to_a_limit() -> None:
    with pytest.raises(StudyError) as caught:
        results({"n_items": "x", "year": "y"}, {}, {"contrast": "z"})
    assert [problem.where.line for problem in caught.value.problems] == [2, 2, 4]
    with pytest.raises(StudyError) as caught:
        results(*[{"n_items": "x"}] * 40)
    assert str(caught.value.problems[-1]) == "15 more mistakes in rows.csv"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda whole: whole.replace("benchmark_role,", "benchmark_rule,"), "rows.csv:1: expected known columns, got"),
        (lambda whole: whole.replace("n_items,", "").replace(",500,", ",,"), "rows.csv:1: expected a column 'n_items'"),
        (lambda whole: whole + "too,few,cells\n", "rows.csv:3: expected 35 cells, as in the header, got 3"),
        (lambda whole: whole + '"never closed', "rows.csv:3: expected a CSV row"),
        (lambda whole: whole.replace("notes", "title"), "rows.csv:1"),
        (lambda _: "", "rows.csv:1: expected a table with a header line, got an empty file"),
    ],
)
def test_files_that_are_not_the_table(broken, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as caught:
        parse_results(broken(text({})), "rows.csv")
    assert message in str(caught.value)


def test_missing_file_and_wrong_bytes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"results\.csv"):
        load(tmp_path)
    (tmp_path / "results.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        load(tmp_path)


def test_byte_order_mark_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text("\ufeff" + text({}) + "\n\n", encoding="utf-8")
    (tmp_path / "studies.csv").write_text(coding_text({}), encoding="utf-8")
    assert load(tmp_path).results.height == 1


def test_every_study_is_coded_once() -> None:
    with pytest.raises(StudyError, match=r"rows\.csv:2: study_id: .*'one-2026'.*Did you mean 'one-2025'"):
        check_coded(results({"study_id": "one-2026"}), parse_studies(coding_text({}), "studies.csv"), "rows.csv")
    with pytest.raises(InputError, match=r"studies\.csv:3: study_id"):
        parse_studies(coding_text({}, {}), "studies.csv")


def test_columns_may_stand_in_any_order() -> None:
    names = list(RESULT_COLUMNS)[::-1]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerow(ROW)
    assert parse_results(out.getvalue(), "x").equals(results({}))


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_gives_a_table_or_a_user_error(anything: str) -> None:
    for parse in (parse_results, parse_studies):
        with suppress(UserError):
            assert isinstance(parse(anything, "x"), pl.DataFrame)


_CELL = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).map(str.strip)


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "benchmark": _CELL.filter(bool),
                "notes": _CELL,
                "n_items": st.integers(1, 10**6).map(str),
                "score_distilled": st.floats(0, 100).map(repr),
            }
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_written_is_read(written: list[dict[str, str]]) -> None:
    frame = results(*written)
    assert frame["benchmark"].to_list() == [row["benchmark"] for row in written]
    assert frame["notes"].to_list() == [row["notes"] or None for row in written]
    assert frame["n_items"].to_list() == [int(row["n_items"]) for row in written]
    assert frame["score_distilled"].to_list() == [float(row["score_distilled"]) for row in written]


def test_defaults_cover_the_required_columns() -> None:
    required = {name for name, column in RESULT_COLUMNS.items() if column.required}
    assert required <= set(ROW)
    assert isinstance(results({}), pl.DataFrame)
    assert len(CODING) == 7

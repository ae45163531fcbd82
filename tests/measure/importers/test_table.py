"""The records table: the contract row by row, every contradiction named by file and line."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import InputError
from gauger.measure.importers.table import read_table, table_logs

HEAD = "arm,replicate,benchmark,item,score\n"
WIDE = "arm,replicate,benchmark,role,item,cluster,sample,outcome,score\n"


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "records.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_missing_columns_have_the_contract_defaults(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "benchmark,item,score\ngsm8k,a,0.5\n")).rows
    row = table.row(0, named=True)
    assert {name: row[name] for name in ("arm", "replicate", "role", "cluster", "sample", "outcome")} == {
        "arm": None,
        "replicate": 0,
        "role": None,
        "cluster": None,
        "sample": 0,
        "outcome": "scored",
    }


def test_empty_fields_take_the_default_too(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, WIDE + "d,,b,,i,,,,1\n")).rows
    assert table.row(0, named=True)["replicate"] == 0
    assert table.row(0, named=True)["outcome"] == "scored"


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("", 1, "an empty file"),
        (HEAD, None, "at least one row"),
        (HEAD + "d,0,b,i1,1\nd,0,b,i", 3, "5 cells, as in the header, got 4"),
        (HEAD + "d,0,b,i1,1\nd,0,b,i2,1,9\n", 3, "got 6"),
        (HEAD + "d,0,b,i1,1\n\nd,0,b,i2,2\n", 4, "a score from 0 to 1, got 2"),
        (HEAD + 'd,0,b,"i1,1\nd,0,b,i2,1\n', 2, "unexpected end of data"),
        (HEAD + "d,0,b,i1,NaN\n", 2, "score: expected a number"),
        (HEAD + "d,0,b,i1,inf\n", 2, "score: expected a number"),
        (HEAD + "d,0,b,i1,yes\n", 2, "score: expected a number, got 'yes'"),
        (HEAD + "d,0,b,i1,1\nd,0,b,i2,37.5\n", 3, "score: expected a score from 0 to 1, got 37.5"),
        (HEAD + "d,0,b,i1,-0.1\n", 2, "a score from 0 to 1"),
        (HEAD + "d,one,b,i1,1\n", 2, "replicate: expected a whole number, got 'one'"),
        (HEAD + "d,0,,i1,1\n", 2, "benchmark: expected the name of a benchmark, got nothing"),
        (HEAD + "d,0,b,,1\n", 2, "item: expected the id of an item"),
        (HEAD + "d,0,b,i1,\n", 2, "a score in a scored row, got nothing"),
        (WIDE + "d,0,b,near,i,,0,refused,1\n", 2, "no score in a row that was not scored"),
        (WIDE + "d,0,b,near,i,,0,unparsed,0.5\n", 2, "no score in a row that was not scored"),
        (WIDE + "d,0,b,near,i,,0,skored,1\n", 2, "outcome: expected a known outcome, got 'skored'"),
        (WIDE + "d,0,b,nea,i,,0,scored,1\n", 2, "role: expected a known role, got 'nea'"),
        ("arm,arm,benchmark,item,score\nd,d,b,i,1\n", 1, "'arm' twice"),
        ("arm,bench,item,score\nd,b,i,1\n", 1, "Did you mean 'bench'"),
        (HEAD.encode() + b"d,0,b,i1,1\nd,0,b,\xe9,1\n", 3, "byte 0xe9"),
        (HEAD.encode("utf-16"), 1, "UTF-8"),
        (HEAD + 'd,0,b,"i\n1",1\nd,0,b,i2,7\n', 4, "a score from 0 to 1"),
    ],
)
def test_a_fault_is_named_by_file_and_line(tmp_path: Path, content: str | bytes, line: int | None, says: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert caught.value.where.file == str(path)
    assert caught.value.where.line == line
    assert says in str(caught.value)


def test_blank_lines_at_the_end_a_byte_order_mark_and_carriage_returns_are_no_fault(tmp_path: Path) -> None:
    content = "\ufeff" + HEAD.replace("\n", "\r\n") + "d,0,b,i1,1\r\n\r\n\r\n"
    assert read_table(write(tmp_path, content)).rows["score"].to_list() == [1.0]


def test_an_unparsed_answer_may_carry_the_zero_it_counts_as(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, WIDE + "d,0,b,,i,,0,unparsed,0\nd,0,b,,j,,0,failed,\n")).rows
    assert table["outcome"].to_list() == ["unparsed", "failed"]


def test_one_log_per_replicate_and_benchmark(tmp_path: Path) -> None:
    path = write(tmp_path, WIDE + "".join(f"d,{r},{b},near,i,c,0,scored,{r}\n" for r in (0, 1) for b in "xy"))
    logs = table_logs(read_table(path))
    assert [(log.replicate, log.benchmark, log.role) for log in logs] == [(r, b, "near") for r in (0, 1) for b in "xy"]
    assert logs[2].rows["score"].to_list() == [1.0]
    assert logs[0].rows["cluster"].to_list() == ["c"]


def test_a_row_written_twice_counts_once_and_two_that_disagree_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "d,0,b,i1,1\nd,0,b,i1,1\nd,0,b,i2,0\n")
    logs = table_logs(read_table(path))
    assert logs[0].rows["score"].to_list() == [1.0, 0.0]
    assert "1 repeated row (item i1 of b (replicate 0, sample 0))" in logs[0].notes[0]
    path = write(tmp_path, HEAD + "d,0,b,i1,1\nd,0,b,i2,1\nd,0,b,i1,0\n")
    with pytest.raises(InputError, match=r"records.csv:4: .*not as at records.csv:2"):
        table_logs(read_table(path))


def test_a_benchmark_with_two_roles_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, WIDE + "d,0,b,near,i,,0,scored,1\nd,0,b,far,j,,0,scored,1\n")
    with pytest.raises(InputError, match="one role of benchmark 'b'"):
        table_logs(read_table(path))


def test_parquet_is_read_and_its_faults_are_named_by_row(tmp_path: Path) -> None:
    frame = pl.DataFrame({"arm": "d", "benchmark": "b", "item": [1, 2, 3], "score": [1.0, 0.5, 0.0]})
    frame.write_parquet(tmp_path / "good.parquet")
    assert read_table(tmp_path / "good.parquet").rows["item"].to_list() == ["1", "2", "3"]
    frame.with_columns(score=pl.Series([1.0, 0.5, float("nan")])).write_parquet(tmp_path / "nan.parquet")
    with pytest.raises(InputError, match=r"nan.parquet: row 3, score: expected a number, got nan"):
        read_table(tmp_path / "nan.parquet")
    whole = (tmp_path / "good.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[:-20])
    with pytest.raises(InputError, match=r"cut.parquet: expected a Parquet file"):
        read_table(tmp_path / "cut.parquet")


def test_a_column_of_another_kind_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"benchmark": "b", "item": "i", "score": [[1.0]]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match="score"):
        read_table(tmp_path / "t.parquet")


NAME = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8).filter(str.strip)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(NAME, st.integers(0, 9), st.floats(0, 1).map(float)),
        min_size=1,
        max_size=6,
        unique_by=lambda r: r[:2],
    )
)
def test_csv_and_parquet_of_one_table_read_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, float]]
) -> None:
    folder = tmp_path_factory.mktemp("table")
    frame = pl.DataFrame(rows, schema={"item": pl.String, "sample": pl.Int64, "score": pl.Float64}, orient="row")
    frame = frame.with_columns(arm=pl.lit("d"), benchmark=pl.lit("b"))
    frame.write_csv(folder / "t.csv")
    frame.write_parquet(folder / "t.parquet")
    one, other = read_table(folder / "t.csv").rows, read_table(folder / "t.parquet").rows
    assert one.equals(other)
    assert one["item"].to_list() == [row[0] for row in rows]


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(0, 120), whole=st.just(HEAD + "".join(f"d,0,bench,item{i},0.25\n" for i in range(4))))
def test_a_table_cut_anywhere_never_invents_a_row(
    tmp_path_factory: pytest.TempPathFactory, cut: int, whole: str
) -> None:
    path = write(tmp_path_factory.mktemp("cut"), whole[:cut])
    try:
        table = read_table(path).rows
    except InputError:
        return
    assert table["item"].to_list() == [f"item{i}" for i in range(table.height)]
    assert table["score"].to_list()[:-1] == [0.25] * (table.height - 1)

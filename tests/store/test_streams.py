"""Tables that are written and read in pieces: the same rows, whole or not at all, and never more than a piece."""

import subprocess
import sys
from itertools import pairwise

import polars as pl
import polars.testing
import pytest

from gauger.errors import GaugerError
from gauger.store import streams
from gauger.store.atomic import write_parquet
from gauger.store.streams import TableStream, holds_rows, parquet_pieces, write_pieces

SCHEMA = {"n": pl.Int64, "text": pl.String}


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    monkeypatch.setattr(streams, "GROUP_ROWS", 10)


def table(start, stop):
    return pl.DataFrame({"n": range(start, stop), "text": [f"text {n}" for n in range(start, stop)]}, SCHEMA)


@pytest.mark.parametrize("cuts", [(0, 0), (0, 9), (0, 10), (0, 11), (0, 4, 30), (0, 25, 25, 26), (0, 3, 6, 9, 12, 40)])
def test_rows_come_back_in_their_order_however_they_came(tmp_path, cuts):
    path = tmp_path / "t.parquet"
    pieces = [table(*pair) for pair in pairwise(cuts)]
    assert write_pieces(path, iter(pieces)) == path
    polars.testing.assert_frame_equal(pl.read_parquet(path), table(0, cuts[-1]))
    read = list(parquet_pieces(path))
    assert [len(piece) for piece in read] == [10] * (cuts[-1] // 10) + ([cuts[-1] % 10] if cuts[-1] % 10 else []) or [0]
    polars.testing.assert_frame_equal(pl.concat(read), table(0, cuts[-1]))
    assert [path] == list(tmp_path.iterdir()), "nothing is left beside it"


def test_row_groups_have_one_size(tmp_path):
    import pyarrow.parquet as parquet

    write_pieces(tmp_path / "t.parquet", [table(0, 34)])
    about = parquet.ParquetFile(tmp_path / "t.parquet").metadata
    assert [about.row_group(place).num_rows for place in range(about.num_row_groups)] == [10, 10, 10, 4]


def test_a_table_of_one_group_has_the_bytes_of_one_that_was_written_whole(tmp_path):
    write_pieces(tmp_path / "1.parquet", [table(0, 4), table(4, 10)])
    write_parquet(tmp_path / "2.parquet", table(0, 10))
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()


def test_columns_can_be_chosen(tmp_path):
    write_pieces(tmp_path / "t.parquet", [table(0, 12)])
    assert [piece.columns for piece in parquet_pieces(tmp_path / "t.parquet", ("text",))] == [["text"]] * 2


def test_what_was_not_saved_leaves_nothing(tmp_path):
    path = write_pieces(tmp_path / "t.parquet", [table(0, 3)])
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        write_pieces(path, (table(0, 30) if n else table(0, 30 // n) for n in (1, 0)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_nan_is_refused_in_any_piece(tmp_path):
    with TableStream(tmp_path / "t.parquet", {"x": pl.Float64}) as stream:
        stream.add(pl.DataFrame({"x": [1.0, None]}))
        with pytest.raises(GaugerError, match=r"t\.parquet: NaN in column x"):
            stream.add(pl.DataFrame({"x": [float("nan")]}))


def test_rows_are_compared_whatever_their_pieces(tmp_path):
    path = write_pieces(tmp_path / "t.parquet", [table(0, 34)])
    assert holds_rows(path, [table(0, 34)])
    assert holds_rows(path, [table(0, 0), table(0, 7), table(7, 34)])
    changed = table(0, 34).with_columns(text=pl.when(pl.col("n") == 33).then(pl.lit("?")).otherwise("text"))
    narrow = table(0, 34).cast({"n": pl.Int32})
    for wrong in (table(0, 33), table(0, 35), table(1, 35), changed, narrow, table(0, 0)):
        assert not holds_rows(path, [wrong])
    empty = write_pieces(tmp_path / "e.parquet", [table(0, 0)])
    assert holds_rows(empty, [table(0, 0)])
    assert not holds_rows(empty, [table(0, 1)])


MUCH = """
import resource, sys
import gauger.store.streams
import polars as pl
from pathlib import Path
from gauger.store import parquet_pieces, write_pieces
gauger.store.streams.GROUP_ROWS = 2000
path, n = Path(sys.argv[1]), int(sys.argv[2])
def piece(k):
    return pl.DataFrame({"text": [f"{i:010d}" * 100 for i in range(k * 2000, (k + 1) * 2000)]})
write_pieces(path, map(piece, range(n)))
assert sum(len(rows) for rows in parquet_pieces(path)) == n * 2000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_rows(tmp_path):
    """1,000 characters a row: 10 pieces of 2,000 rows are 20 MB of text, 60 are 120 MB."""
    peaks = []
    for n in ("10", "60"):
        told = subprocess.run([sys.executable, "-c", MUCH, tmp_path / n, n], stdout=subprocess.PIPE, check=True)
        peaks.append(int(told.stdout))
    assert peaks[1] < peaks[0] + 40_000  # kB: a table held whole would add 100,000

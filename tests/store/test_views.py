"""DuckDB views over a run directory."""

import polars as pl
import pytest

from gauger.errors import InputError
from gauger.store.atomic import write_parquet
from gauger.store.directory import RunDirectory
from gauger.store.views import connect


@pytest.mark.parametrize("name", ["plain", "it's [a] *strange? name"])
def test_records_ledger_and_corpora_are_views(tmp_path, name):
    run = RunDirectory(tmp_path / name)
    write_parquet(run.records, pl.DataFrame({"arm": ["a", "a", "b"], "score": [0.0, 1.0, None]}))
    write_parquet(run.ledger, pl.DataFrame({"corpus": ["c"], "tokens": [12]}))
    write_parquet(run.corpora, pl.DataFrame({"arm": ["a", "b"], "corpus": ["c", "c"]}))
    with connect(run.root) as database:
        rows = database.sql("SELECT arm, avg(score), count(*) FROM records GROUP BY arm ORDER BY arm").fetchall()
        assert rows == [("a", 0.5, 2), ("b", None, 1)]
        asked = "SELECT arm, sum(tokens) FROM ledger JOIN corpora USING (corpus) GROUP BY arm ORDER BY arm"
        assert database.sql(asked).fetchall() == [("a", 12), ("b", 12)]


def test_a_view_sees_what_the_file_holds_now(tmp_path):
    run = RunDirectory(tmp_path)
    write_parquet(run.records, pl.DataFrame({"arm": ["a"]}))
    with connect(tmp_path) as database:
        write_parquet(run.records, pl.DataFrame({"arm": ["a", "b"]}))
        assert database.sql("SELECT count(*) FROM records").fetchall() == [(2,)]


def test_a_similarly_named_directory_is_not_read(tmp_path):
    for name, arm in (("run[1]", "mine"), ("run1", "other")):
        write_parquet(RunDirectory(tmp_path / name).records, pl.DataFrame({"arm": [arm]}))
    with connect(tmp_path / "run[1]") as database:
        assert database.sql("SELECT arm FROM records").fetchall() == [("mine",)]


def test_one_table_is_enough_and_none_is_said(tmp_path):
    with pytest.raises(InputError, match="records or a ledger"):
        connect(tmp_path)
    write_parquet(RunDirectory(tmp_path).ledger, pl.DataFrame({"arm": ["a"]}))
    with connect(str(tmp_path)) as database:
        assert database.sql("SELECT arm FROM ledger").fetchall() == [("a",)]

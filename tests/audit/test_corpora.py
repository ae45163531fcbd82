"""Corpora of every format give their texts once, wherever their files are cut."""

import gzip
import json
from itertools import pairwise

import polars as pl
import pytest

from gauger.audit import corpora
from gauger.audit.corpora import Shard, corpus_files, shards_of, strings_in, texts_in
from gauger.errors import InputError

from .cases import write_lines

ROWS = [{"id": k, "text": f"text {k} é{'x' * (k % 7)}", "meta": {"lang": ["en", "fr"]}} for k in range(50)]
WANTED = [f"text {k} é{'x' * (k % 7)}\nen\nfr" for k in range(50)]


def texts(path):
    return [one.text for shard in shards_of("c", path) for one in texts_in(shard)]


@pytest.mark.parametrize("size", [1, 7, 40, 333, 10_000])
def test_lines_are_read_once_wherever_the_file_is_cut(tmp_path, monkeypatch, size):
    monkeypatch.setattr(corpora, "SHARD_BYTES", size)
    path = write_lines(tmp_path / "c.jsonl", ROWS)
    assert texts(path) == WANTED


def test_packed_lines_arrays_and_parquet_hold_the_same(tmp_path):
    path = write_lines(tmp_path / "c.jsonl", ROWS)
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    (tmp_path / "a.json").write_text(json.dumps(ROWS), encoding="utf-8")
    pl.DataFrame([{"text": row["text"], "more": ["en", "fr"]} for row in ROWS]).write_parquet(tmp_path / "c.parquet")
    for name in ("c.jsonl.gz", "a.json", "c.parquet"):
        assert texts(tmp_path / name) == WANTED


def test_rows_of_parquet_are_divided(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora, "_ROWS", 7)
    pl.DataFrame({"n": range(50), "text": [row["text"] for row in ROWS]}).write_parquet(tmp_path / "c.parquet")
    assert len(shards_of("c", tmp_path / "c.parquet")) == 8
    assert texts(tmp_path / "c.parquet") == [row["text"] for row in ROWS]


def test_plain_text_is_cut_at_lines_and_the_parts_overlap(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora, "_TEXT_BYTES", 500)
    monkeypatch.setattr(corpora, "_OVERLAP", 120)
    lines = [f"line {k} of a longer text about things" for k in range(100)]
    (tmp_path / "c.txt").write_text("\n".join(lines), encoding="utf-8")
    found = texts(tmp_path / "c.txt")
    assert len(found) > 5
    assert all(any(f"{a}\n{b}" in part for part in found) for a, b in pairwise(lines))


def test_a_long_text_is_cut_between_words_and_nothing_hides_on_a_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora, "_PART", 300)
    monkeypatch.setattr(corpora, "_OVERLAP", 100)
    words = [f"word{k}" for k in range(400)]
    path = write_lines(tmp_path / "c.jsonl", [{"text": " ".join(words)}, {"text": "next"}])
    found = [one for shard in shards_of("c", path) for one in texts_in(shard)]
    assert {one.row for one in found} == {0, 1}
    assert all(any(" ".join(words[k : k + 6]) in one.text for one in found) for k in range(394))


def test_a_folder_is_a_corpus_a_run_or_its_files(tmp_path):
    run = tmp_path / "run" / "jobs" / "entries"
    for name in ("a", "b"):
        (run / name).mkdir(parents=True)
        for file in ("corpus.parquet", "ledger.parquet"):
            pl.DataFrame({"prompt": ["p"], "answer": [name]}).write_parquet(run / name / file)
    assert [path.parent.name for path in corpus_files(tmp_path / "run")] == ["a", "b"]
    assert [path.parent.name for path in corpus_files(run / "a")] == ["a"]
    loose = tmp_path / "loose"
    loose.mkdir()
    write_lines(loose / "x.jsonl", ROWS[:2])
    (loose / "report.html").write_text("<p>")
    assert [path.name for path in corpus_files(loose)] == ["x.jsonl"]


def test_mistakes_are_named(tmp_path):
    broken = tmp_path / "b.jsonl"
    broken.write_text('{"a": "b"}\n{"a": \n', encoding="utf-8")
    with pytest.raises(InputError, match=r"b\.jsonl:2"):
        texts(broken)
    with pytest.raises(InputError, match="no such file"):
        shards_of("c", tmp_path / "nothing")
    (tmp_path / "x.bin").write_bytes(b"\0\1\2")
    with pytest.raises(InputError, match="another kind"):
        shards_of("c", tmp_path / "x.bin")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no files"):
        shards_of("c", tmp_path / "empty")
    pl.DataFrame({"n": [1]}).write_parquet(tmp_path / "n.parquet")
    with pytest.raises(InputError, match="column with texts"):
        texts(tmp_path / "n.parquet")


def test_strings_of_a_value():
    assert strings_in({"a": ["x", {"b": "y", "n": 3}], "c": None, "d": ""}) == "x\ny"
    assert Shard("c", "p", corpora.PARQUET, 0, 9).n_bytes == 0

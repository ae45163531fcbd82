"""Corpora of every format give their texts once, wherever their files are cut."""

import gzip
import json
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from gauger.audit import corpora
from gauger.audit.corpora import Shard, shards_of, strings_in, texts_in
from gauger.audit.corpus_folders import files_of_folder
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
    assert [path.parent.name for path in files_of_folder(tmp_path / "run").files] == ["a", "b"]
    assert [path.parent.name for path in files_of_folder(tmp_path).files] == ["a", "b"], "a folder with runs"
    assert [path.name for path in files_of_folder(run / "a").files] == ["corpus.parquet"]
    write_lines(run / "a" / "more.jsonl", ROWS[:2])
    assert [path.name for path in files_of_folder(run / "a").files] == ["corpus.parquet", "more.jsonl"]


def test_one_corpus_among_other_files_hides_none_of_them(tmp_path):
    """A file called `corpus.parquet` made every other file of the folder unread, and the audit clean."""
    (tmp_path / "elicited").mkdir()
    pl.DataFrame({"prompt": ["p"], "answer": ["a"]}).write_parquet(tmp_path / "elicited" / "corpus.parquet")
    for name in ("mix.jsonl", "records.parquet", "notes.json", "settings.json"):
        write_lines(tmp_path / name, ROWS[:1])
    names = [path.name for path in files_of_folder(tmp_path).files]
    assert names == ["corpus.parquet", "mix.jsonl", "notes.json", "records.parquet", "settings.json"]


def test_code_markup_and_names_of_any_beginning_are_read(tmp_path):
    names = ["_part0.jsonl", "a.py", "b.js", "c.html", "d.yaml", "e.svg", "f.css", "g.log", "h.lock", "report.html"]
    for name in names:
        (tmp_path / name).write_text("text 0")
    assert [path.name for path in files_of_folder(tmp_path).files] == names
    assert texts(tmp_path) == ["text 0"] * len(names)


def test_what_is_left_out_of_a_folder_is_named_and_counted(tmp_path):
    (tmp_path / ".git").mkdir()
    for name in (".git/config", ".hidden", "a.jpg", "b.safetensors", "_metadata", "audit.json", "report.html", "t.txt"):
        (tmp_path / name).write_text("x")
    told = []
    assert [Path(shard.path).name for shard in shards_of("c", tmp_path, told)] == ["t.txt"]
    (note,) = told
    assert note.startswith(f"{tmp_path}: 7 files were not read, and may hold items: .git/config (hidden), ")
    assert note.endswith(" and 2 more")
    (tmp_path / "m.pyc").write_bytes(b"\0\1")
    why = {path.name: reason for path, reason in files_of_folder(tmp_path).left_out}
    assert why["a.jpg"] == "media"
    assert why["b.safetensors"] == "weights"
    assert why["m.pyc"] == "no text"
    assert why["report.html"] == why["audit.json"] == "shows what an audit or a study was about"
    assert told == [told[0]], "nothing more is told of a file"
    assert shards_of("c", tmp_path / "t.txt", told)


def test_what_is_packed_in_a_folder_is_refused(tmp_path):
    """It may be all of the corpus: to warn would be too little."""
    write_lines(tmp_path / "a.jsonl", ROWS[:1])
    (tmp_path / "b.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd\0\0")
    with pytest.raises(InputError, match="another kind"):
        shards_of("c", tmp_path)


def test_one_object_over_several_lines_is_one_text(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"a": "x", "b": ["y\nz"]}, indent=2))
    assert texts(tmp_path) == ["x\ny\nz"]


def test_texts_of_every_kind_of_column_are_read(tmp_path):
    path = tmp_path / "c.parquet"
    table = pl.DataFrame({"text": ["one é", "two"], "n": [1, 2]})
    for kind in (pl.String, pl.Categorical, pl.Enum(["one é", "two"]), pl.Binary):
        table.with_columns(pl.col("text").cast(pl.String).cast(kind), other=pl.lit("more")).write_parquet(path)
        assert texts(path) == ["one é\nmore", "two\nmore"]
        table.select(pl.col("text").cast(kind)).write_parquet(path)
        assert texts(path) == ["one é", "two"]
    pl.DataFrame({"image": [b"\x89PNG\0\1"], "text": ["t"]}).write_parquet(path)
    assert texts(path) == ["t"]


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

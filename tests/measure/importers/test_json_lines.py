"""JSON Lines: the fast and the slow reader agree, and every fault is named by file and line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import InputError
from gauger.measure.importers import json_lines
from gauger.measure.importers.json_lines import chosen_objects, first_object, line_of_row, read_fields

FIELDS = {"doc_id": pl.String(), "filter": pl.String(), "metrics": pl.List(pl.String()), "acc": pl.Float64()}
GOOD = '{"doc_id": 1, "doc": {"x": [1, 2]}, "filter": "none", "metrics": ["acc"], "acc": 1.0}'


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "samples_x.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (f"{GOOD}\n{GOOD[:40]}", 2, "breaks off after 40 bytes"),
        (f"{GOOD}\n{GOOD[:40]}\n{GOOD}\n", 2, "expected a JSON object"),
        (f"{GOOD}\n\n{GOOD} {GOOD}\n", 3, "extra data"),
        (f"{GOOD}\n[1, 2]\n", 2, "a JSON list"),
        (f"{GOOD}\nnull\n", 2, "a JSON NoneType"),
        (GOOD.replace("1.0", '"good"') + "\n", 1, "a number, got 'good'"),
        (GOOD.replace("1.0", "[1]") + "\n", 1, "acc: expected a number"),
        (GOOD.replace('["acc"]', '"acc"') + "\n", 1, "metrics: expected a list"),
        (f"{GOOD}\n" + GOOD.replace("none", "\x01") + "\n", 2, "control character"),
        (GOOD.encode() + b"\n" + GOOD.replace("none", "\xe9").encode("latin-1") + b"\n", 2, "byte 0xe9 at position"),
        (f"{GOOD}\n".encode("utf-16"), 1, "UTF-16"),
        (GOOD.encode() + b"\n" + b"\x00" * 30 + b"\n", 2, "expected a JSON object"),
        ("[" * 100_000 + "]" * 100_000 + "\n", 1, "nested too deeply"),
    ],
)
def test_a_fault_is_named_by_file_and_line(tmp_path: Path, content: str | bytes, line: int, says: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read_fields(path, FIELDS)
    assert caught.value.where.file == str(path)
    assert caught.value.where.line == line
    assert says in str(caught.value)


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "true", "false", "0", "1e400"])
def test_what_python_writes_is_read_even_where_json_forbids_it(tmp_path: Path, literal: str) -> None:
    table = read_fields(write(tmp_path, GOOD.replace("1.0", literal) + "\n"), FIELDS)
    expected = float(json.loads(literal))
    assert table["acc"][0] == expected or (math.isnan(expected) and math.isnan(table["acc"][0]))


def test_a_byte_order_mark_blank_lines_and_carriage_returns_are_no_fault(tmp_path: Path) -> None:
    table = read_fields(write(tmp_path, f"\ufeff{GOOD}\r\n\r\n{GOOD}\r\n"), FIELDS)
    assert table.rows() == [("1", "none", ["acc"], 1.0)] * 2


def test_a_million_characters_in_one_answer_are_read(tmp_path: Path) -> None:
    long = GOOD.replace("[1, 2]", json.dumps("word " * 400_000))
    assert read_fields(write(tmp_path, f"{GOOD}\n{long}\n{GOOD}\n"), FIELDS)["acc"].to_list() == [1.0, 1.0, 1.0]


TWICE = GOOD.replace('"acc": 1.0', '"acc": 1.0, "acc": 0.0')


@pytest.mark.parametrize(
    "line",
    [
        TWICE,
        TWICE.replace('"acc": 0.0', '"acc" \t: 0.0'),
        TWICE.replace('"acc": 0.0', '"\\u0061cc": 0.0'),
        TWICE.replace('"acc": 1.0', '"a\\u0063c": 1.0'),
        GOOD.replace('"x": [1, 2]', '"acc": 2, "acc": 3'),
        GOOD.replace('"filter": "none"', '"filter": "none", "filter": "other"'),
    ],
)
def test_a_key_that_stands_twice_is_refused_however_it_is_written(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match=r'the key "(acc|filter)" twice') as caught:
        read_fields(write(tmp_path, f"{GOOD}\n{line}\n"), FIELDS)
    assert caught.value.where.line == 2


def test_only_lines_that_may_name_a_key_twice_are_parsed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    monkeypatch.setattr(json_lines, "parse_json", parsed.append)
    named = GOOD.replace("[1, 2]", json.dumps('"acc": 1, "acc": 2'))  # a text that speaks of the key, as code does
    listed = GOOD.replace('["acc"]', '["acc", "acc", "filter"]')
    written = GOOD.replace("[1, 2]", r'"\u003cb\u003e \u0026 \u00e9"')
    read_fields(write(tmp_path, f"{named}\n{listed}\n{written}\n"), FIELDS)
    assert parsed == []
    nested = GOOD.replace('"x": [1, 2]', '"acc": 2')
    assert read_fields(write(tmp_path, f"{named}\n{nested}\n"), FIELDS)["acc"].to_list() == [1.0, 1.0]
    assert parsed == [nested.encode()]


def test_chosen_lines_alone_are_parsed(tmp_path: Path) -> None:
    path = write(tmp_path, f"\n{GOOD}\nno object\n\n{TWICE}\n{GOOD}\nno object\n")
    assert [row for row, _ in chosen_objects(path, {0, 3}, 3)] == [0, 3]
    with pytest.raises(InputError, match="twice") as caught:
        list(chosen_objects(path, {2}, 2))
    assert caught.value.where.line == 5


def test_an_empty_file_is_an_error_of_the_first_object(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got an empty file"):
        first_object(write(tmp_path, "\n\n"))


def test_the_line_of_a_row_counts_blank_lines(tmp_path: Path) -> None:
    path = write(tmp_path, f"\n{GOOD}\n\n\n{GOOD}\n")
    assert [line_of_row(path, row) for row in (0, 1)] == [2, 5]
    with pytest.raises(IndexError):
        line_of_row(path, 2)


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
OBJECT = st.fixed_dictionaries(
    {"doc": st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=3))},
    optional={
        "doc_id": st.none() | st.integers(-(2**53), 2**53) | TEXT,
        "filter": st.none() | TEXT,
        "metrics": st.none() | st.lists(TEXT, max_size=3),
        "acc": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    },
)


@settings(max_examples=60, deadline=None)
@given(objects=st.lists(OBJECT, min_size=1, max_size=5), ascii_only=st.booleans())
def test_the_fast_and_the_slow_path_read_the_same(
    tmp_path_factory: pytest.TempPathFactory, objects: list[dict[str, object]], ascii_only: bool
) -> None:
    path = write(tmp_path_factory.mktemp("lines"), "")
    path.write_text("".join(json.dumps(one, ensure_ascii=ascii_only) + "\n" for one in objects), encoding="utf-8")
    slow = json_lines._read_slowly(path, FIELDS)
    assert read_fields(path, FIELDS).equals(slow)
    assert slow["acc"].to_list() == [one.get("acc") for one in objects]


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 3 * len(GOOD)))
def test_a_file_cut_anywhere_gives_whole_lines_or_an_error_at_the_last_line(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    whole = f"{GOOD}\n" * 3
    path = write(tmp_path_factory.mktemp("cut"), whole[:cut])
    last = whole[:cut].rpartition("\n")[2]
    if last and last != GOOD:
        with pytest.raises(InputError) as caught:
            read_fields(path, FIELDS)
        assert caught.value.where.line == whole[:cut].count("\n") + 1
    else:
        assert read_fields(path, FIELDS).height == whole[:cut].count("\n") + bool(last)


@pytest.mark.parametrize("piece", [1, 90, 200, 10_000])
def test_a_large_file_in_pieces_is_the_same_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    lines = [GOOD.replace('"doc_id": 1', f'"doc_id": {i}') for i in range(20)]
    path = write(tmp_path, "\n\n".join(lines) + "\n")
    whole = read_fields(path, FIELDS)
    monkeypatch.setattr(json_lines, "WHOLE_BYTES", 0)
    monkeypatch.setattr(json_lines, "PIECE_BYTES", piece)
    seen: list[int] = []

    def noted(part: pl.DataFrame) -> pl.DataFrame:
        seen.append(part.height)
        return part

    assert read_fields(path, FIELDS, noted).equals(whole)
    assert (len(seen) > 1) is (piece < 2_000)
    broken = write(tmp_path, "\n".join([*lines[:7], GOOD[:-9], *lines[8:]]))
    with pytest.raises(InputError) as caught:
        read_fields(broken, FIELDS)
    assert caught.value.where.line == 8

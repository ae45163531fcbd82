"""The one reader of CSV and JSON Lines: what is written is read back, and anything else is told with file and line."""

from __future__ import annotations

import ast
import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import gauger
from gauger.errors import InputError, Place
from gauger.store.tables import csv_text, json_object, parse_csv, read_csv, read_json_lines, read_text

BREAKS = "\u0085\u2028\u2029\x0b\x0c\x1c\x1d\x1e"
"""Characters at which `str.splitlines` divides a text, and this reader does not."""


def write(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(path: Path) -> list[tuple[int, list[str]]]:
    return list(read_csv(path).rows)


# CSV


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path, end: str, mark: str) -> None:
    path = write(tmp_path, mark + end.join(["a,b", "1,2", "", '"x', 'y",3', ""]))
    table = read_csv(path)
    assert (table.header, table.header_line) == (("a", "b"), 1)
    assert list(table.rows) == [(2, ["1", "2"]), (4, [f"x{end}y", "3"])]
    assert list(parse_csv(read_text(path), "t").rows) == rows(path)


def test_characters_that_unicode_calls_line_breaks_are_text(tmp_path: Path) -> None:
    assert rows(write(tmp_path, f"a,b\n1,x{BREAKS}y\n2,z\n")) == [(2, ["1", f"x{BREAKS}y"]), (3, ["2", "z"])]


def test_empty_lines_are_skipped_but_counted(tmp_path: Path) -> None:
    table = read_csv(write(tmp_path, "\n  \na,b\n\n1,2\n \t\n3,4\n\n"))
    assert table.header_line == 3
    assert list(table.rows) == [(5, ["1", "2"]), (7, ["3", "4"])]


def test_tabs_separate_where_the_name_says_so(tmp_path: Path) -> None:
    assert rows(write(tmp_path, "a\tb\n1,5\t2\n", "t.tsv")) == [(2, ["1,5", "2"])]


def test_names_lose_the_space_around_them_and_cells_keep_it(tmp_path: Path) -> None:
    table = read_csv(write(tmp_path, "a, b \n 1 ,2\n"))
    assert table.header == ("a", "b")
    assert list(table.rows) == [(2, [" 1 ", "2"])]


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    assert rows(write(tmp_path, "a,b")) == []


def test_cells_longer_than_the_csv_modules_own_limit_are_read(tmp_path: Path) -> None:
    long = "word " * 100_000
    assert rows(write(tmp_path, f'a\n"{long}"\n')) == [(2, [long])]


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("", 1, "a table with a header line, got an empty file"),
        ("\ufeff\n\n", 1, "an empty file"),
        ("a,b,a\n", 1, "one column of each name, got 'a' twice"),
        ("\na, a\n", 2, "'a' twice"),
        ("a,b,,\n", 1, "'' twice"),
        ("a,b\n1,2\n3\n", 3, "2 cells, as in the header, got 1"),
        ('a,b\n"1\n2",3\n4,5,6\n', 4, "2 cells, as in the header, got 3"),
        ('a,b\n1,2\n"3,4\n5,6\n', 3, "unexpected end of data"),
        ('a,b\n"1"x,2\n', 2, "a CSV row"),
        ("a,b\n1,\0\n", 2, "text, got a NUL byte"),
        ("a,b\n1,2\n".encode("utf-16-le"), 1, "a NUL byte"),
        ("a,b\n".encode("utf-16"), 1, "UTF-8 text, got UTF-16"),
        (b"a,b\n1,2\n3,\xe9\n", 3, "UTF-8 text, got byte 0xe9 at position 3"),
        (b"a,b\n1,\xff\n", 2, "byte 0xff"),
    ],
)
def test_a_fault_of_csv_is_named_by_file_and_line(tmp_path: Path, content: str | bytes, line: int, says: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(InputError) as caught:
        rows(path)
    assert (caught.value.where.file, caught.value.where.line) == (str(path), line)
    assert says in str(caught.value)


@pytest.mark.parametrize("read", [rows, lambda path: list(read_json_lines(path)), read_text])
def test_a_file_that_cannot_be_read_is_the_users_mistake(tmp_path: Path, read: Any) -> None:
    with pytest.raises(InputError, match=r"none\.csv: .*got no such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(InputError, match="got a folder"):
        read(tmp_path)
    with pytest.raises(InputError, match="Not a directory"):
        read(write(tmp_path, "a") / "b")


def test_a_file_without_permission_is_the_users_mistake(tmp_path: Path) -> None:
    if os.geteuid() == 0:  # root may read everything; its own memory can be opened and not be read
        path, says = Path("/proc/self/mem"), "Input/output error"
    else:
        path, says = write(tmp_path, "a"), "Permission denied"
        path.chmod(0)
    with pytest.raises(InputError, match=says):
        rows(path)


def test_rows_come_as_they_are_asked_for(tmp_path: Path) -> None:
    table = read_csv(write(tmp_path, "a\n1\n2,3\n"))
    assert next(table.rows) == (2, ["1"])
    with pytest.raises(InputError, match=":3:"):
        next(table.rows)


ODD = st.sampled_from(BREAKS + '\r\n",\t ')
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0") | ODD, max_size=8)
NAME = st.text("abc\u2028é", min_size=1, max_size=4).filter(str.strip)
TABLE = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.lists(NAME, min_size=width, max_size=width),
        st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=5),
    )
)


@settings(deadline=None)
@given(table=TABLE, end=st.sampled_from(["\n", "\r\n", "\r"]), quote_all=st.booleans(), bom=st.booleans())
@example(table=(["a"], [[""], [" "], ["\r"]]), end="\r\n", quote_all=False, bom=False)
def test_any_table_that_the_csv_module_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    table: tuple[list[str], list[list[str]]],
    end: str,
    quote_all: bool,
    bom: bool,
) -> None:
    names, cells = table
    header = [f"{place}{name}".strip() for place, name in enumerate(names)]
    out = io.StringIO(newline="")
    # Before Python 3.13 the writer leaves a cell's \r or \n without quotes where rows end in the other one.
    quoting = csv.QUOTE_MINIMAL if end == "\r\n" and not quote_all else csv.QUOTE_ALL
    csv.writer(out, lineterminator=end, quoting=quoting).writerows([header, *cells])
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(out.getvalue().encode("utf-8-sig" if bom else "utf-8"))
    back = read_csv(path)
    assert back.header == tuple(header)
    assert [row for _, row in back.rows] == cells


@settings(deadline=None)
@given(table=TABLE, end=st.sampled_from(["\n", "\r\n", "\r"]))
@example(table=(["a"], [["x\ry"], [""], ["\n"]]), end="\n")
def test_what_is_written_is_read_back(table: tuple[list[str], list[list[str]]], end: str) -> None:
    header = [f"{place}{name}".strip() for place, name in enumerate(table[0])]
    text = csv_text([header, *table[1]], end)
    back = parse_csv(text, "t")
    assert back.header == tuple(header)
    assert [row for _, row in back.rows] == table[1]


SOUP = (
    st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | st.text('a,"\r\n\0{}:1 ', max_size=60).map(str.encode)
)


@settings(deadline=None, max_examples=300)
@given(SOUP)
def test_any_bytes_give_a_table_or_a_message(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "soup.csv"
    path.write_bytes(content)
    faults = []
    with collected(faults):
        table = read_csv(path)
        assert all(len(row) == len(table.header) for _, row in table.rows)
    with collected(faults):
        assert all(isinstance(value, dict) for _, value in read_json_lines(path))
    with collected(faults):
        assert read_text(path).encode() == content.removeprefix(b"\xef\xbb\xbf")
    for fault in faults:
        assert fault.where.file == str(path)
        assert 1 <= (fault.where.line or 0) <= len(content.splitlines()) + 1


@contextmanager
def collected(faults: list[InputError]) -> Iterator[None]:
    """Keep an `InputError`; let everything else through."""
    try:
        yield
    except InputError as error:
        faults.append(error)


# JSON Lines


def test_a_text_with_any_line_break_of_unicode_is_one_line(tmp_path: Path) -> None:
    line = json.dumps({"a": f"x{BREAKS[:3]}y"}, ensure_ascii=False)
    path = write(tmp_path, f"\ufeff{line}\r\n\r\n \t\n{line}", "t.jsonl")
    assert list(read_json_lines(path)) == [(1, {"a": f"x{BREAKS[:3]}y"}), (4, {"a": f"x{BREAKS[:3]}y"})]


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b'{"a": 1}\n{"a": ', 2, "a line that breaks off after 6 bytes"),
        (b'{"a": 1}\n{"a" 1}\n', 2, "expecting ':' delimiter at column 6"),
        (b'{"a": 1}\n\n{"a": 1} {"a": 2}\n', 3, "extra data"),
        (b"[1]\n", 1, "a JSON list"),
        (b"null\n", 1, "a JSON NoneType"),
        (b'{"a": "\x01"}\n', 1, "control character"),
        (b'{"a": "\xe9"}\n', 1, "byte 0xe9 at position 8"),
        ('{"a": 1}\n'.encode("utf-16"), 1, "UTF-16"),
        (b'{"a": 1}\n\0\0\0\n', 2, "a JSON object"),
        (b'{"a": ' + b"9" * 5000 + b"}\n", 1, "a number with too many digits"),
        (b"[" * 100_000 + b"]" * 100_000 + b"\n", 1, "one nested too deeply"),
    ],
)
def test_a_fault_of_json_lines_is_named_by_file_and_line(tmp_path: Path, content: bytes, line: int, says: str) -> None:
    path = write(tmp_path, content, "t.jsonl")
    with pytest.raises(InputError) as caught:
        list(read_json_lines(path))
    assert (caught.value.where.file, caught.value.where.line) == (str(path), line)
    assert says in str(caught.value)


def test_lines_come_as_they_are_asked_for(tmp_path: Path) -> None:
    lines = read_json_lines(write(tmp_path, '{"a": 1, "b": 2}\n{', "t.jsonl"))
    assert next(lines) == (1, {"a": 1, "b": 2})
    with pytest.raises(InputError, match=":2:"):
        next(lines)


TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from(BREAKS), max_size=10)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    st.lists(st.dictionaries(TEXT, VALUE, max_size=4), max_size=5),
    st.booleans(),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
)
def test_any_objects_that_the_json_module_writes_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, objects: list[dict[str, Any]], ascii_only: bool, end: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes("".join(json.dumps(one, ensure_ascii=ascii_only) + end for one in objects).encode())
    assert [value for _, value in read_json_lines(path)] == objects
    assert [line for line, _ in read_json_lines(path)] == [1 + len(end.strip("\r")) * n for n in range(len(objects))]


# The only one


def names_called(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"


def test_nothing_else_reads_csv_or_json_lines() -> None:
    """Polars is let in where the importers prove, by their own tests, that it reads the same."""
    root = Path(gauger.__file__).parent
    fast = {
        "store/tables.py": {"csv.reader"},
        "measure/importers/csv_file.py": {"pl.read_csv"},
        "measure/importers/json_lines.py": {"pl.scan_ndjson", "pl.read_ndjson"},
    }
    readers = {"csv.reader", "csv.DictReader", "pl.read_csv", "pl.scan_csv", "pl.read_ndjson", "pl.scan_ndjson"}
    for path in root.rglob("*.py"):
        name = path.relative_to(root).as_posix()
        used = readers & set(names_called(ast.parse(path.read_text("utf-8"))))
        assert used <= fast.get(name, set()), name


@pytest.mark.parametrize(("line", "said"), [(7, 7), (None, 1)])
def test_an_object_that_is_no_text_is_named_by_its_line_the_only_one_where_none_is_counted(line, said):
    with pytest.raises(InputError) as raised:
        json_object(b'{"a": "\xff"}', Place("seeds.jsonl", line))
    assert raised.value.where.line == said

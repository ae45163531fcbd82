"""Tables for the terminal: whole, literal and the same wherever they are shown."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gauger.cli
from gauger.cli.output import print_text, printable, say
from gauger.cli.tables import aligned, table, titled


def test_columns_are_aligned_and_numbers_stand_on_the_right() -> None:
    assert table(("name", "n"), [("one", "5"), ("fifteen", "12")], (1,)).split("\n") == [
        "name      n",
        "one       5",
        "fifteen  12",
    ]


def test_markup_is_shown_literally() -> None:
    assert table(("name", "n"), [("[bold]x[/bold] :smile:", "5"), ("[/]", "12")]).split("\n")[1:] == [
        "[bold]x[/bold] :smile:  5",
        "[/]                     12",
    ]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [("\x1b[31mred", r"\x1b[31mred"), ("two\nlines\r", r"two\nlines\r"), ("a\tb", r"a\tb"), ("\u2028", r"\u2028")],
)
def test_control_characters_are_made_visible(cell: str, shown: str) -> None:
    assert table(("",), [(cell,)]).split("\n")[1] == shown
    assert table((cell,), []).split("\n")[0] == shown


@pytest.mark.parametrize("columns", ["20", "80", "400"])
def test_no_width_cuts_or_folds_a_cell(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")
    long = "word " * 300 + "end"
    assert table(("a", "b"), [(long, long)]).split("\n")[1] == f"{long}  {long}"


@given(st.lists(st.lists(st.text(), min_size=3, max_size=3), min_size=1, max_size=4))
def test_any_cells_give_a_line_per_row_of_printable_text(rows: list[list[str]]) -> None:
    lines = table(("a", "b", "c"), rows).split("\n")
    assert len(lines) == len(rows) + 1
    assert all(printable(line, line_ends=False) == line for line in lines)
    assert len(aligned(rows).split("\n")) == len(rows)


def test_no_rows_are_a_header_alone_and_nothing_without_one() -> None:
    assert table(("a", "b"), []) == "a  b"
    assert aligned([]) == ""


def test_a_title_stands_above_and_a_note_below() -> None:
    lines = titled("Title", "a\n1", "word " * 40).split("\n")
    assert lines[:3] == ["Title", "a", "1"]
    assert " ".join(lines[3:]) == ("word " * 40).strip()
    assert max(map(len, lines)) <= 100


def test_nothing_that_is_printed_steers_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    print_text("a\x1b[2J\nb\u202fc")
    say("c\x1b]0;title\x07")
    said = capfd.readouterr()
    assert said.out == "a\\x1b[2J\nb\u202fc\n"
    assert said.err == "c\\x1b]0;title\\x07\n"


def test_no_command_aligns_columns_of_its_own() -> None:
    for path in Path(gauger.cli.__file__).parent.glob("*.py"):
        if path.name == "tables.py":
            continue
        tree = ast.parse(path.read_text("utf-8"))
        calls = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        imports = {f"{node.module}" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not calls & {"ljust", "rjust", "center"}, path.name
        assert "rich.table" not in imports, path.name

"""One file has one meaning: commands and rooms that read the same kind of file read the same rows."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.api.table_input import read_rows
from gauger.elicit.strategies.seeds import read_seeds
from gauger.errors import InputError
from gauger.measure.importers.csv_file import line_of_csv_row, read_csv
from gauger.spec.language_world import JsonLinesTask
from gauger.store import tables
from gauger.worlds.language.json_lines import JsonLinesSource


def test_two_commands_read_a_cell_with_a_next_line_character_as_one(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("study,effect,variance,note\na,0.1,0.01,fine\nb,0.2,0.01,two\u0085parts\n", encoding="utf-8")
    assert read_csv(path).height == 2
    assert len(read_rows(path, ["effect", "variance"]).lines) == 2
    assert read_rows(path, ["note"]).columns["note"][1] == read_csv(path)["note"][1] == "two\u0085parts"


@settings(deadline=None, max_examples=200)
@given(st.text('ab1,"\r\n\0\u2028\ufeff é', max_size=50) | st.text(max_size=40))
def test_the_quick_reading_of_records_is_the_slow_one(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    path = tmp_path_factory.getbasetemp() / "records.csv"
    path.write_bytes(f"x,y\n1,2\n{content}".encode("utf-8", "replace"))
    fault = fault_of(lambda: list(tables.read_csv(path).rows))
    assert fault_of(lambda: read_csv(path)) == fault
    if fault is not None:
        return
    rows = list(tables.read_csv(path).rows)
    assert read_csv(path).rows() == [tuple(cell or None for cell in cells) for _, cells in rows]
    assert [line_of_csv_row(path, row) for row in range(len(rows))] == [line for line, _ in rows]
    with pytest.raises(IndexError):
        line_of_csv_row(path, len(rows))


def fault_of(work: Callable[[], object]) -> str | None:
    """Return what is said of a mistake; None where there is none."""
    try:
        work()
    except InputError as fault:
        return str(fault)
    return None


def test_records_without_quotes_take_the_quick_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    whole = pl.read_csv
    monkeypatch.setattr(pl, "read_csv", lambda *given, **more: calls.append(given) or whole(*given, **more))
    (tmp_path / "r.csv").write_bytes("\ufeffa, b\r\n1,\u2028\r\n".encode())
    assert read_csv(tmp_path / "r.csv").rows(named=True) == [{"a": "1", "b": "\u2028"}]
    assert len(calls) == 1


def write(folder: Path, name: str, n: int, mark: str = "") -> str:
    lines = [{"id": f"{name}{i}", "prompt": f"What is {name} {i}{mark}?", "answer": str(i)} for i in range(n)]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return f"{name}.jsonl"


def source(folder: Path, train: str) -> JsonLinesSource:
    task = {"kind": "jsonl", "train": train, "test": write(folder, "test", 5)}
    return JsonLinesSource("own", JsonLinesTask.model_validate(task, strict=False), 1, folder)


def test_seeds_and_questions_with_a_line_separator_are_read_alike(tmp_path: Path) -> None:
    name = write(tmp_path, "odd", 5, "\u2028Answer briefly")
    seeds, questions = read_seeds(tmp_path / name), source(tmp_path, name).questions["train"]
    assert [seed.prompt for seed in seeds] == [question.text for question in questions]
    assert seeds[0].prompt == "What is odd 0\u2028Answer briefly?"


@pytest.mark.parametrize("lone", ["\\ud800", "\\udc00x"])
def test_half_a_surrogate_pair_is_the_users_mistake(tmp_path: Path, lone: str) -> None:
    (tmp_path / "odd.jsonl").write_text(f'{{"id": "a", "prompt": "{lone}", "answer": "1"}}\n')
    with pytest.raises(InputError, match=r"odd\.jsonl:1"):
        read_seeds(tmp_path / "odd.jsonl")
    with pytest.raises(InputError, match=r"odd\.jsonl:1"):
        _ = source(tmp_path, "odd.jsonl").questions


def steps(work: Callable[[], object]) -> int:
    """Count the bytecode instructions that run in Gauger's files: work without a clock, the same on every machine."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if "gauger" not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "read",
    [
        lambda path: source(path.parent, path.name).questions,
        read_seeds,
        lambda path: list(tables.read_json_lines(path)),
        lambda path: list(tables.parse_csv(path.read_text("utf-8").replace('"', "").replace(", ", " "), "t").rows),
    ],
    ids=["questions", "seeds", "json lines", "csv"],
)
def test_twice_the_lines_are_twice_the_work(tmp_path: Path, read: Callable[[Path], object]) -> None:
    few, many = (tmp_path / write(tmp_path, f"n{n}", n) for n in (400, 800))
    read(few)
    # 800 lines at the price of 400 each: what does not grow with the file is below 1 % of either. A set of all ids made
    # anew for each line, as the reader of questions once did, gives 3.7.
    assert 1.9 < steps(lambda: read(many)) / steps(lambda: read(few)) < 2.1

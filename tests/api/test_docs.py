"""docs/api.md says what the code does: its examples are run, and it names every function."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import gauger

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_the_examples_give_what_the_page_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flags = doctest.IGNORE_EXCEPTION_DETAIL | doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    text = re.sub(r"^```$", "", PAGE.read_text(encoding="utf-8"), flags=re.M)
    found = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=flags).run(found, out=report.append)
    assert not report, "".join(report)
    assert len(found.examples) > 25


def test_every_function_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in gauger.FUNCTIONS if f"`gauger.{name}`" not in text] == []
    assert set(re.findall(r"gauger\.(\w+)\(", text)) <= set(gauger.FUNCTIONS) | {"track"}


def test_code_that_is_not_run_parses() -> None:
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S):
        if not block.startswith(">>>"):
            compile(block, str(PAGE), "exec")

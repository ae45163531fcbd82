"""The notebooks are what their sources give today, cell by cell, in a form that Jupyter reads."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
SOURCES = sorted((FOLDER / "source").glob("*.py"))


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_notebooks", FOLDER / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stored(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((FOLDER / f"{path.stem}.ipynb").read_text(encoding="utf-8"))
    return value


def outputs(cell: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what a cell shows: streams and text; pictures but for the numbers that drawing gives their elements."""
    found = []
    for one in cell.get("outputs", ()):
        found += [(form, content) for form, content in one.get("data", {"text": one.get("text", "")}).items()]
    return [(form, re.sub(r"(clip|gradient_)\d+", r"\1", content)) for form, content in found]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_shows_what_its_source_gives(path: Path, build: ModuleType) -> None:
    kept, made = stored(path), build.built(path)
    assert [cell["source"] for cell in kept["cells"]] == [cell["source"] for cell in made["cells"]]
    for one, other in zip(kept["cells"], made["cells"], strict=True):
        # A frame as text is as wide as the terminal; its HTML is always the same.
        wide = {form for form, _ in outputs(other)} >= {"text/html"}
        assert [o for o in outputs(one) if not (wide and o[0] == "text/plain")] == [
            o for o in outputs(other) if not (wide and o[0] == "text/plain")
        ], one["source"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_is_one_that_jupyter_reads(path: Path) -> None:
    value = stored(path)
    assert (value["nbformat"], value["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in value["cells"]}) == len(value["cells"])
    for cell in value["cells"]:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"])
        assert cell["cell_type"] in ("code", "markdown")
        assert isinstance(cell["source"], str)
        assert ("outputs" in cell) == ("execution_count" in cell) == (cell["cell_type"] == "code")
        for one in cell.get("outputs", ()):
            assert one["output_type"] in ("stream", "display_data")
            assert one["output_type"] == "stream" or set(one) == {"output_type", "metadata", "data"}
    assert sum(one["output_type"] == "display_data" for c in value["cells"] for one in c.get("outputs", ())) > 1


def test_each_audience_has_one() -> None:
    assert {path.stem for path in SOURCES} == {path.stem for path in FOLDER.glob("*.ipynb")}
    assert {path.stem for path in SOURCES} == {"policy_analyst", "api_team", "researcher"}


def test_a_cell_shows_what_it_prints_and_its_last_expression(build: ModuleType) -> None:
    names: dict[str, Any] = {}
    assert build.run_cell("x = 1", names) == []
    printed, value = build.run_cell("print('a')\nx + 1", names)
    assert printed["text"] == "a\n"
    assert value["data"] == {"text/plain": "2"}
    assert list(build.cells_of("# %% [markdown]\n# Title\n#\n# Text\n\n# %%\nx = 1\n")) == [
        ("markdown", "Title\n\nText"), ("code", "x = 1")
    ]  # fmt: skip
    with pytest.raises(ZeroDivisionError):
        build.run_cell("1 / 0", {})

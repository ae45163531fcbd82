"""Builds the notebooks: runs their sources cell by cell and keeps what each cell shows.

``python docs/notebooks/build.py`` writes every notebook again. A source is a Python file whose cells begin with
``# %%`` (code) or ``# %% [markdown]`` (text in comments), as Jupyter, VS Code and PyCharm read them. Cells run in this
process, one after the other, in an empty folder: no kernel is needed, and a cell shows what it prints and its last
expression.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from hashlib import sha256
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def cells_of(source: str) -> Iterator[tuple[str, str]]:
    """Yield (``code`` or ``markdown``, text) of every cell of a source."""
    for mark, body in re.findall(r"^# %%( \[markdown\])?\n(.*?)(?=^# %%|\Z)", source, re.M | re.S):
        text = body.strip("\n")
        yield ("markdown", re.sub(r"^# ?", "", text, flags=re.M)) if mark else ("code", text)


def run_cell(code: str, names: dict[str, Any]) -> list[dict[str, Any]]:
    """Run one cell and return its outputs as a notebook holds them."""
    tree, printed = ast.parse(code), StringIO()
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), names)  # noqa: S102 - the sources are this repository's own
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None  # noqa: S307
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed.getvalue()})
    if value is not None:
        outputs.append({"output_type": "display_data", "metadata": {}, "data": shown(value)})
    return outputs


def shown(value: Any) -> dict[str, str]:
    """Return the forms in which a value shows itself: text, and HTML or a picture where it has them."""
    if type(value).__module__.startswith("altair"):
        picture = StringIO()
        value.save(picture, format="svg")
        return {"image/svg+xml": picture.getvalue(), "text/plain": "chart"}
    forms = {"text/plain": repr(value)}
    return forms | ({"text/html": value._repr_html_()} if hasattr(value, "_repr_html_") else {})


def notebook(source: str) -> dict[str, Any]:
    """Run a source and return it as a notebook (nbformat 4.5)."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells: list[dict[str, Any]] = []
    count = 0
    for place, (kind, text) in enumerate(cells_of(source)):
        cell: dict[str, Any] = {"id": sha256(f"{place} {text}".encode()).hexdigest()[:8], "cell_type": kind}
        cell |= {"metadata": {}, "source": text}
        if kind == "code":
            count += 1
            cell |= {"execution_count": count, "outputs": run_cell(text, names)}
        cells.append(cell)
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": METADATA, "cells": cells}


def built(path: Path) -> dict[str, Any]:
    """Run the source at a path in an empty folder and return its notebook."""
    source, before = path.read_text(encoding="utf-8"), Path.cwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return notebook(source)
        finally:
            os.chdir(before)


def main() -> None:
    """Write every notebook."""
    for path in sorted((HERE / "source").glob("*.py")):
        target = HERE / f"{path.stem}.ipynb"
        target.write_text(json.dumps(built(path), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        sys.stdout.write(f"wrote {target}\n")


if __name__ == "__main__":
    main()

"""Runs `gauger compare` in this process and picks numbers out of its document."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from cli.log_cases import CONTROL, STUDENT, N
from gauger.cli.compare import register

UPLIFT = (sum(STUDENT) - sum(CONTROL)) / N
Case = Callable[[Path], None]


def run(*arguments: str) -> dict[str, Any]:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    done = CliRunner().invoke(app, ["compare", *arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def compare(root: Path, write: Case, *options: str) -> dict[str, Any]:
    write(root)
    return run(f"distilled={root / 'student'}", f"control={root / 'control'}", *options)


def uplift(value: dict[str, Any], benchmark: str | None, over: str | None = None) -> dict[str, Any]:
    (one,) = (
        e for e in value["estimates"] if (e["estimand"], e["benchmark"], e["over"]) == ("uplift", benchmark, over)
    )
    return dict(one)

"""Turns estimates into data frames and notebook tables, and data frames of either library into Polars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib import import_module
from typing import Any, TypeAlias

import polars as pl

from gauger.errors import MissingExtraError
from gauger.records import Estimate

FrameLike: TypeAlias = Any
"""A Polars or a pandas DataFrame; pandas is no dependency, so its type cannot stand here."""
_TYPES = {"str": pl.String(), "float": pl.Float64(), "int": pl.Int64()}
COLUMNS = {field.name: _TYPES[str(field.type).removesuffix(" | None")] for field in fields(Estimate)}
"""Types of the columns of the contract, so that one that is NULL throughout keeps its own."""


def frame_of(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return rows as a frame; columns are those of the rows, in their order."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    known = {name: COLUMNS[name] for name in names if name in COLUMNS}
    columns = {name: [row.get(name) for row in rows] for name in names}
    return pl.DataFrame(columns, schema_overrides=known, strict=False, infer_schema_length=None)


def pandas_of(frame: pl.DataFrame) -> Any:
    """Return a frame as one of pandas, without the need of pyarrow; NULL becomes None or NaN, as pandas has it."""
    try:
        pandas = import_module("pandas")
    except ImportError:
        raise MissingExtraError("a pandas DataFrame", "pandas") from None
    return pandas.DataFrame(frame.to_dict(as_series=False))


def is_frame(source: object) -> bool:
    """Tell whether something is a Polars or pandas DataFrame (pandas is not imported to find out)."""
    return isinstance(source, pl.DataFrame) or _is_pandas(source)


def _is_pandas(source: object) -> bool:
    kind = type(source)
    return kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"


def polars_of(frame: FrameLike) -> pl.DataFrame:
    """Return a frame of either library as Polars; what pandas holds for "nothing" (None, NaN, NaT, NA) is NULL."""
    if isinstance(frame, pl.DataFrame):
        return frame
    plain = frame.astype(object).where(frame.notna(), None)
    columns = {str(name): pl.Series(plain[name].tolist(), strict=False) for name in plain.columns}
    return pl.DataFrame(columns)


def html_table(headline: str, warnings: Sequence[str], frame: pl.DataFrame, limit: int) -> str:
    """Return a headline, warnings and the first rows of a frame as HTML; every text is escaped.

    Parameters
    ----------
    headline : str
        Plain text.
    warnings : sequence of str
        Shown folded.
    frame : pl.DataFrame
        What is tabulated.
    limit : int
        Rows that are shown; the others are counted.
    """
    from html import escape

    parts = [f"<p><strong>{escape(headline)}</strong></p>"]
    if warnings:
        items = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
        parts.append(f"<details><summary>{len(warnings)} warnings</summary><ul>{items}</ul></details>")
    head = "".join(f"<th>{escape(name)}</th>" for name in frame.columns)
    cells = ("".join(f"<td>{escape(_cell(value))}</td>" for value in row) for row in frame.head(limit).rows())
    rows = "".join(f"<tr>{row}</tr>" for row in cells)
    parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    if len(frame) > limit:
        parts.append(f"<p>{len(frame) - limit} more rows stand in <code>.estimates</code>.</p>")
    return "".join(parts)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)

"""Reads a kept audit back: which items of which benchmarks it touches, by every identity that logs give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gauger.errors import InputError, Place
from gauger.store import read_json

FILE = "audit.json"


@dataclass(frozen=True)
class AuditedBenchmark:
    """One benchmark of an audit."""

    name: str
    touched: Mapping[str, Mapping[str, bool]]
    """Identity (document, question, position, id) -> its value -> whether a net that counts flags the item."""


def read_audit(folder: Path) -> list[AuditedBenchmark]:
    """Read the flags of an audit.

    Parameters
    ----------
    folder : Path
        What `gauger audit --out` wrote, or its `audit.json`.

    Raises
    ------
    InputError
        No audit there.
    """
    path = folder / FILE if folder.is_dir() else folder
    if not path.is_file():
        raise InputError("a folder that gauger audit wrote", f"no {FILE}", Place(str(folder)))
    document = read_json(path)
    if not isinstance(document, dict) or not str(document.get("schema", "")).startswith("gauger.audit/"):
        raise InputError("an audit", "JSON of another kind", Place(str(path)))
    counting = {benchmark["benchmark"]: benchmark["counted_nets"] for benchmark in document["benchmarks"]}
    touched: dict[str, dict[str, dict[str, bool]]] = {name: {} for name in counting}
    for item in document["items"]:
        flag = bool(item["flag"]) and item["net"] in counting[item["benchmark"]]
        named = [item["keys"], *item.get("equals", ())]  # earlier audits kept one item's keys alone
        for key, value in (pair for keys in named for pair in keys.items()):
            values = touched[item["benchmark"]].setdefault(key, {})
            values[value] = values.get(value, False) or flag
    return [AuditedBenchmark(name, values) for name, values in touched.items()]


def flags_for(
    audited: Sequence[AuditedBenchmark], benchmark: str, key: str, values: Sequence[str]
) -> list[bool | None]:
    """Return whether each item of a benchmark is touched; None for items that the audit does not know.

    Parameters
    ----------
    audited : sequence of AuditedBenchmark
    benchmark : str
        As the logs name it. Where the audit has none of that name, the one that knows most of the items is taken,
        by anything but the bare id.
    key : str
        What `values` are.
    values : sequence of str
        Of each item.
    """
    same = [candidate for candidate in audited if candidate.name == benchmark]
    pool = same or (list(audited) if key != "id" else [])
    flags = ([_flag(candidate.touched.get(key, {}), key, value) for value in values] for candidate in pool)
    unknown: list[bool | None] = [None] * len(values)
    return max(flags, key=lambda known: sum(flag is not None for flag in known), default=unknown)


def _flag(touched: Mapping[str, bool], key: str, value: str) -> bool | None:
    """Return an item's flag; the second item of a text has what tells it from the first after a "#"."""
    if value not in touched and key in ("document", "question"):
        value = value.partition("#")[0]
    return touched.get(value)

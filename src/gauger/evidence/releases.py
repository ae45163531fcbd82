"""Reads the versions of the table: when each came, what it holds, and how it moved each claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gauger.evidence.claims import Claim
from gauger.evidence.table import data_path
from gauger.store import read_csv

FILE = "releases.csv"
COLUMNS = ("version", "date", "rows", "studies", "claim", "effect", "low", "high", "certainty", "sentence")


@dataclass(frozen=True)
class Released:
    """What one release says on one claim."""

    version: str
    date: str
    rows: int
    studies: int
    claim: str
    effect: float | None
    low: float | None
    high: float | None
    certainty: str
    sentence: str


def read_releases() -> tuple[Released, ...]:
    """Return every line of the changelog, oldest release first."""
    table = read_csv(data_path() / FILE)
    return tuple(_released(dict(zip(table.header, cells, strict=True))) for _, cells in table.rows)


def _released(row: Mapping[str, str]) -> Released:
    return Released(
        row["version"], row["date"], int(row["rows"]), int(row["studies"]), row["claim"],
        _number(row["effect"]), _number(row["low"]), _number(row["high"]), row["certainty"], row["sentence"],
    )  # fmt: skip


def lines(version: str, date: str, rows: int, studies: int, claims: Sequence[Claim]) -> list[tuple[str, ...]]:
    """Write a release's claims as lines of the changelog."""

    def plain(value: float | None) -> str:
        return "" if value is None else f"{value:.2f}"

    return [
        (version, date, str(rows), str(studies), claim.id, plain(claim.effect), plain(claim.low), plain(claim.high),
         str(claim.certainty), claim.sentence)
        for claim in claims
    ]  # fmt: skip


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def newest() -> Released:
    """Return a line of the newest release."""
    return read_releases()[-1]

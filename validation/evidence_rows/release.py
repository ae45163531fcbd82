"""Closes a release of the table: computes its multiverse and writes how it moved each claim.

Run: python validation/evidence_rows/release.py VERSION DATE [OLD_TABLE OLD_VERSION OLD_DATE]

With an old table its claims are computed by today's rules and written first, so that releases compare.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from gauger.evidence.claims import answer_claims
from gauger.evidence.clean import prepare
from gauger.evidence.multiverse import run
from gauger.evidence.releases import COLUMNS, FILE, lines
from gauger.evidence.stored import store
from gauger.evidence.table import data_path, load


def of(folder: Path | None, version: str, date: str) -> list[tuple[str, ...]]:
    frame = prepare(load(folder))
    return lines(version, date, len(frame), frame["study_id"].n_unique(), answer_claims(frame))


def main() -> None:
    """Write multiverse.json and releases.csv beside the table."""
    version, date, *old = sys.argv[1:]
    written = of(Path(old[0]), old[1], old[2]) if old else []
    path = data_path() / FILE
    if not written and path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            written = [tuple(row) for row in csv.reader(file)][1:]
        written = [row for row in written if row[0] != version]
    frame = prepare(load())
    written += of(None, version, date)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(written)
    print(f"Wrote {path} and {store(run(frame), frame)}")


if __name__ == "__main__":
    main()

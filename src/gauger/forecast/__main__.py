"""Runs ``python -m gauger.forecast docs/answer.md``: writes the page of the answer today."""

from __future__ import annotations

import sys
from pathlib import Path

from gauger.evidence import answer_claims, load, prepare
from gauger.forecast.answer import answer_page
from gauger.forecast.document import forecast_document
from gauger.forecast.equivalents import read_progress
from gauger.forecast.load import load_scenario
from gauger.store import write_bytes


def main(path: Path) -> None:
    """Write the page."""
    prepared = prepare(load())
    document = forecast_document(load_scenario(), prepared, read_progress())
    write_bytes(path, answer_page(document, answer_claims(prepared)).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))

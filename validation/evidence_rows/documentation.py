"""Writes the computed parts of docs/evidence.md again: headline, restrictions, claims. Everything else is by hand.

Run: python validation/evidence_rows/documentation.py

A computed part stands between `<!-- NAME -->` and `<!-- end -->`; tests/evidence/test_headline.py compares.
"""

from __future__ import annotations

import re
from pathlib import Path

from gauger.evidence import load
from gauger.evidence.claims import answer_claims
from gauger.evidence.clean import prepare
from gauger.evidence.headlines import quoted
from gauger.evidence.sensitivity import CARRIED, Moved, under_restrictions

DOCS = Path(__file__).parents[2] / "docs" / "evidence.md"


def line_of(moved: Moved) -> str:
    """One line of the table of restrictions."""
    decimals = 1 if moved.unit == "points" else 2
    cells = [
        f"{one.estimate:+.{decimals}f} ({one.se:.{decimals}f})"
        for analysis in (moved.headline.untouched, moved.headline.controls)
        for one in (analysis[role] for role in CARRIED)
    ]
    return f"| {moved.name} | {' | '.join(cells)} |"


def main() -> None:
    """Rewrite the marked parts."""
    frame = prepare(load())
    header = (
        "| restriction | targeted, base | fresh, base | held-out, base | targeted, all | fresh, all | held-out, all |"
    )
    rows = [header, "|---|---|---|---|---|---|---|", *map(line_of, under_restrictions(frame))]
    said = "\n".join(f"{n}. **{one.question}** {one.sentence}" for n, one in enumerate(answer_claims(frame), start=1))
    parts = {"headline": quoted(frame).text(), "restrictions": "\n".join(rows), "claims": said}
    text = DOCS.read_text(encoding="utf-8")
    for name, content in parts.items():
        pattern = re.compile(rf"<!-- {name} -->\n.*?<!-- end -->", re.DOTALL)
        text = pattern.sub(lambda _, n=name, c=content: f"<!-- {n} -->\n{c}\n<!-- end -->", text)
    DOCS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

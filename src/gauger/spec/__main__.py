"""Writes what is generated from the schema: `python -m gauger.spec studies/study.schema.json docs/study-file.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from gauger.spec.json_schema import render_json_schema
from gauger.spec.reference import replace_key_table


def main(paths: list[str]) -> None:
    """Write the JSON Schema to each `.json` given, and the tables of keys into each `.md`."""
    for path in map(Path, paths):
        text = render_json_schema() if path.suffix == ".json" else replace_key_table(path.read_text("utf-8"))
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

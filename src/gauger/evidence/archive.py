"""Writes the review as one archive, ready for a repository that gives DOIs: table, protocol, claims, references.

The same table gives the same bytes: entries are sorted and carry one fixed time.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from gauger.errors import Place, UserError
from gauger.evidence.check import check_table
from gauger.evidence.citing import bibtex, citation
from gauger.evidence.claims import answer_claims
from gauger.evidence.clean import prepare
from gauger.evidence.columns import RESULT_COLUMNS, STUDY_COLUMNS
from gauger.evidence.headlines import quoted
from gauger.evidence.releases import FILE, newest
from gauger.evidence.review import agreement, dictionary, flow
from gauger.evidence.stored import read_stored
from gauger.evidence.table import EvidenceTable, data_path

EPOCH = (1980, 1, 1, 0, 0, 0)
SHIPPED = ("README.md", "PROTOCOL.md", FILE)
"""Files that lie beside the shipped table and go along."""


def contents(table: EvidenceTable) -> dict[str, str]:
    """Return every file of the archive: name -> text."""
    frame = prepare(table)
    release = newest()

    def plain(value: object) -> str:
        return json.dumps(value, indent=1, ensure_ascii=False) + "\n"

    coders = agreement(frame)
    files = {
        "results.csv": table.results.select(list(RESULT_COLUMNS)).write_csv(),
        "studies.csv": table.studies.select(list(STUDY_COLUMNS)).write_csv(),
        "data_dictionary.csv": dictionary(),
        "headline.txt": quoted(frame).text() + "\n",
        "claims.json": plain([claim.to_dict() for claim in answer_claims(frame)]),
        "multiverse.json": plain(read_stored(frame)),
        "flow.json": plain(flow(frame).to_dict()),
        "agreement.txt": coders.text() + "\n",
        "findings.json": plain([finding.to_dict() for finding in check_table(frame)]),
        "references.bib": bibtex(frame),
        "CITATION.cff": citation(release.version, release.date),
    }
    return files | {name: (data_path() / name).read_text(encoding="utf-8") for name in SHIPPED}


def write_archive(table: EvidenceTable, path: Path, more: Mapping[str, str] | None = None) -> Path:
    """Write the archive, with `more` files (name -> text) such as figures; its folder is made where it is missing."""
    if path.suffix != ".zip":
        raise UserError("a file name that ends in .zip", path.name, Place(str(path)))
    path.parent.mkdir(parents=True, exist_ok=True)
    files = {**contents(table), **(more or {})}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return path

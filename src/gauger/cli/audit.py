"""``gauger audit``: looks for benchmark items in corpora, and says how often it errs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gauger.cli.audit_text import audit_text
from gauger.cli.output import JsonFlag, print_json, print_text, say
from gauger.cli.places import check_folder
from gauger.errors import UserError

_Corpora = Annotated[
    list[str],
    typer.Option(
        "--corpus",
        metavar="[SOURCE=]PATH",
        help="Training texts: JSON Lines, Parquet, text, a folder of them, a corpus of gauger elicit or a run; may be "
        "repeated.",
    ),
]
_Against = Annotated[
    list[str],
    typer.Option(
        "--against",
        metavar="[NAME=]BENCHMARK",
        help="Items: seeds, a table with a column prompt or question, lm-eval or Inspect logs; may be repeated.",
    ),
]
_Negatives = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Items that are surely in no corpus: they measure false alarms too."),
]
_Planted = Annotated[int, typer.Option(metavar="N", min=1, help="Copies planted of each class and benchmark.")]
_Workers = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Processes. Default: the machine's cores for large corpora.")
]
_Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Seed of what is planted.")]
_Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write audit.json and report.html there.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(audit)


def audit(
    corpus: _Corpora,
    against: _Against,
    negatives: _Negatives = None,
    planted: _Planted = 200,
    workers: _Workers = None,
    seed: _Seed = 0,
    out: _Out = None,
    as_json: JsonFlag = False,
) -> None:
    """Look for benchmark items in training texts, and measure on copies planted in them how often that errs."""
    from gauger.audit import AuditQuestion, audit_corpora, audit_document

    if out:
        check_folder(out, "--out")
    corpora: dict[str, list[Path]] = {}
    for source, path in map(_named, corpus):
        corpora.setdefault(source or path.name, []).append(path)
    question = AuditQuestion(corpora, [_named(one) for one in against], tuple(negatives or ()), planted, seed, workers)
    document = audit_document(audit_corpora(question))
    for warning in document["warnings"]:
        say(f"warning: {warning}")
    if out:
        _write(document, out)
    if as_json:
        print_json(document)
    else:
        print_text(audit_text(document))


def _named(text: str) -> tuple[str | None, Path]:
    """Divide NAME=PATH; a path that is there is taken whole."""
    name, sign, path = text.partition("=")
    if not sign or Path(text).exists():
        return None, Path(text)
    if not name or not path:
        raise UserError("NAME=PATH or PATH", repr(text))
    return name, Path(path)


def _write(document: dict[str, Any], directory: Path) -> None:
    from gauger.report import write_audit
    from gauger.store import write_json

    directory.mkdir(parents=True, exist_ok=True)
    write_json(directory / "audit.json", document)
    say(f"wrote {write_audit(document, directory / 'report.html')}")

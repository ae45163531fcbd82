"""``gauger audit``: looks for benchmark items in corpora, and says how often it errs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli.audit_text import audit_text
from gauger.cli.output import JsonFlag, print_json, print_text, say
from gauger.errors import UserError
from gauger.store import write_json

if TYPE_CHECKING:
    from gauger.elicit import Teacher

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
_Nets = Annotated[
    list[str] | None,
    typer.Option("--net", help="A net beside the n-grams: vectors (rephrased items; needs the extra audit; slow)."),
]
_Rephraser = Annotated[
    str | None,
    typer.Option(
        "--rephraser",
        metavar="T",
        help="A model (as --teacher of gauger elicit) that rephrases up to 100 items a benchmark, to be planted too.",
    ),
]
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
    net: _Nets = None,
    rephraser: _Rephraser = None,
    workers: _Workers = None,
    seed: _Seed = 0,
    out: _Out = None,
    as_json: JsonFlag = False,
) -> None:
    """Look for benchmark items in training texts, and measure on copies planted in them how often that errs."""
    from gauger.api import audit as audit_of
    from gauger.api import check_folder

    if out:
        check_folder(out, "--out")
    result = audit_of(
        _sources(corpus),
        _sources(against),
        negatives=negatives or (),
        planted=planted,
        nets=net or (),
        rephraser=None if rephraser is None else _model(rephraser),
        workers=workers,
        seed=seed,
    )
    document = result.to_dict()
    for warning in result.warnings:
        say(f"warning: {warning}")
    if out:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "audit.json", document)
        say(f"wrote {result.report(out)}")
    if as_json:
        print_json(document)
    else:
        print_text(audit_text(document))


def _sources(texts: list[str]) -> dict[str | None, list[Path]]:
    """Return name -> paths; None for paths without a name."""
    paths_by_name: dict[str | None, list[Path]] = {}
    for name, path in map(_named, texts):
        paths_by_name.setdefault(name, []).append(path)
    return paths_by_name


def _model(text: str) -> Teacher:
    from gauger.cli.teachers import Access, open_teacher
    from gauger.elicit import Pace, QueryBudget

    return open_teacher(text, Access(QueryBudget(), Pace()))


def _named(text: str) -> tuple[str | None, Path]:
    """Divide NAME=PATH; a path that is there is taken whole."""
    name, sign, path = text.partition("=")
    if not sign or Path(text).exists():
        return None, Path(text)
    if not name or not path:
        raise UserError("NAME=PATH or PATH", repr(text))
    return name, Path(path)

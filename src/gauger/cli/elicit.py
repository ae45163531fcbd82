"""``gauger elicit``: asks a teacher, and keeps its answers as a corpus with its ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from gauger.cli.elicit_options import (
    FilterOptions,
    PaceOptions,
    PromptOptions,
    SpendingOptions,
    SurfaceOptions,
    WireOptions,
)
from gauger.cli.elicit_text import summary, summary_text
from gauger.cli.option_groups import with_groups
from gauger.cli.output import JsonFlag, print_json, print_text, say

_T = "URL#MODEL (OpenAI-compatible; the key comes from GAUGER_API_KEY, else OPENAI_API_KEY), hf:PATH or replay:DIR."
_Teacher: TypeAlias = Annotated[str, typer.Option(metavar="T", help=_T)]
_Strategy: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="S",
        help="label, rationale, expand, textbook, seedless, feedback, vote, vote-cold, invert, rederive or self (the "
        "placebo).",
    ),
]
_Out: TypeAlias = Annotated[Path, typer.Option(metavar="DIR", help="Where the corpus goes; a stopped one goes on.")]
_Seeds: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="JSON Lines: id, prompt and optional answer, benchmark, split, student_answers."),
]
_Samples: TypeAlias = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Samples to keep. Default: what one pass over the seeds gives.")
]
_Student: TypeAlias = Annotated[
    str | None, typer.Option(metavar="T", help="Who answers first, for feedback; as --teacher.")
]
_Filter: TypeAlias = Annotated[
    list[str] | None, typer.Option("--filters", metavar="NAME", help="A further filter, by name (short); repeatable.")
]
_Terms: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TAG", help="Terms of use of what the teacher writes; stands in the ledger.")
]
_RandomSeed: TypeAlias = Annotated[int, typer.Option(min=0, help="Draws the order of seeds and the directions.")]
_Format: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        help="Training files to write into DIR/exports: messages, prompt-completion, plain, preference or "
        "preference-plain. Default: all that apply.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_groups(elicit))


def elicit(
    teacher: _Teacher,
    strategy: _Strategy,
    out: _Out,
    seeds: _Seeds = None,
    samples: _Samples = None,
    student: _Student = None,
    *,
    spending: SpendingOptions,
    speed: PaceOptions,
    prompts: PromptOptions,
    kept: FilterOptions,
    shown: SurfaceOptions,
    filters: _Filter = None,
    requests: WireOptions,
    terms: _Terms = None,
    seed: _RandomSeed = 0,
    formats: _Format = None,
    as_json: JsonFlag = False,
) -> None:
    """Ask a teacher by a strategy, and keep its answers as a corpus with a ledger.

    DIR then holds corpus.jsonl, ledger.parquet (a row per request, kept or not), replies.jsonl (every reply as it came,
    for `replay:DIR`) and exports/ for TRL, Axolotl and LLaMA-Factory. Stopped or out of budget, the same command goes
    on, and nothing is paid twice.
    """
    from gauger.cli.elicit_order import Order, carry_out
    from gauger.cli.teachers import Access
    from gauger.elicit import export_corpus, read_seeds, require_formats

    require_formats(formats or ())
    budget, wire = spending.budget(requests.price_share), requests.wire()
    access = Access(budget, speed.pace(), terms, speed.concurrency, wire)
    order = Order(
        teacher=teacher,
        program=prompts.program(strategy),
        seeds=read_seeds(seeds) if seeds else (),
        wanted=samples,
        filters=kept.chosen(filters or ()),
        seed=seed,
        student=student,
        surface=shown.surface(),
        wire=wire,
        proxy=shown.proxy,
    )
    corpus = carry_out(order, out, access)
    files = export_corpus(corpus, out / "exports", formats or ())
    totals = summary(corpus, {**order.about, "directory": str(out), "exports": [str(path) for path in files]})
    if as_json:
        print_json(totals)
    else:
        print_text(summary_text(totals))
    if failed := totals["dropped"].get("failed"):
        say(f"{failed} requests failed; the same command asks them again")
        raise typer.Exit(1)

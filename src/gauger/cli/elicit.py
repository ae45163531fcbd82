"""``gauger elicit``: asks a teacher, and keeps its answers as a corpus with its ledger."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from gauger.cli.elicit_text import summary, summary_text
from gauger.cli.output import JsonFlag, print_json, print_text, say


class ReasoningShown(StrEnum):
    """Whether reasoning leaves the teacher."""

    HIDDEN = "hidden"
    SHOWN = "shown"


_T = "URL#MODEL (OpenAI-compatible; the key comes from GAUGER_API_KEY, else OPENAI_API_KEY), hf:PATH or replay:DIR."
_Teacher: TypeAlias = Annotated[str, typer.Option(metavar="T", help=_T)]
_Strategy: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="S",
        help="label, rationale, expand, textbook, seedless, feedback, vote, invert, rederive or self (the placebo).",
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
_MaxUsd: TypeAlias = Annotated[float | None, typer.Option(min=0, metavar="X", help="Most US dollars; needs prices.")]
_MaxTokens: TypeAlias = Annotated[int | None, typer.Option(min=1, metavar="N", help="Most tokens, in and out.")]
_MaxQueries: TypeAlias = Annotated[int | None, typer.Option(min=1, metavar="N", help="Most requests.")]
_PriceIn: TypeAlias = Annotated[
    float | None, typer.Option(min=0, metavar="X", help="US dollars per million tokens sent.")
]
_PriceOut: TypeAlias = Annotated[
    float | None, typer.Option(min=0, metavar="X", help="US dollars per million tokens received.")
]
_PriceCached: TypeAlias = Annotated[
    float | None,
    typer.Option(min=0, metavar="X", help="US dollars per million tokens sent that were cached. Default: --price-in."),
]
_PriceReasoning: TypeAlias = Annotated[
    float | None,
    typer.Option(min=0, metavar="X", help="US dollars per million tokens of reasoning. Default: --price-out."),
]
_Concurrency: TypeAlias = Annotated[int, typer.Option(min=1, metavar="N", help="Requests in flight at once.")]
_Rpm: TypeAlias = Annotated[float | None, typer.Option(min=0, metavar="N", help="Most requests a minute.")]
_Tpm: TypeAlias = Annotated[float | None, typer.Option(min=0, metavar="N", help="Most tokens a minute.")]
_Templates: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder with STRATEGY.yaml in place of our own prompts.")
]
_AnswerTokens: TypeAlias = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Most tokens of an answer. Default: the template's.")
]
_Temperature: TypeAlias = Annotated[
    float | None, typer.Option(min=0, max=2, help="Of the answers. Default: the template's.")
]
_Protect: TypeAlias = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="Test items (as seeds): what overlaps them is dropped.")
]
_Verify: TypeAlias = Annotated[
    bool, typer.Option("--verify/--no-verify", help="Drop answers that differ from the seed's answer, if it has one.")
]
_Language: TypeAlias = Annotated[
    str | None, typer.Option(metavar="CODE", help="Drop answers surely in another language; same: the prompt's.")
]
_MinWords: TypeAlias = Annotated[int, typer.Option(min=0, metavar="N", help="Fewest words of an answer.")]
_MaxWords: TypeAlias = Annotated[int | None, typer.Option(min=1, metavar="N", help="Most words of an answer.")]
_Near: TypeAlias = Annotated[
    float, typer.Option(min=0, max=1, metavar="X", help="Similarity that makes a duplicate of a new problem; 0: none.")
]
_Reasoning: TypeAlias = Annotated[
    ReasoningShown, typer.Option(help="Whether reasoning that the teacher writes is shown, and so learnt.")
]
_Defence: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME[:STRENGTH]", help="What is done to every answer before it is shown, as in studies."),
]
_Proxy: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="hf:PATH", help="Model that stands for the student, for defences that reckon with one."),
]
_Effort: TypeAlias = Annotated[
    str | None, typer.Option(metavar="WORD", help="How long the model may think: low, medium, high, or its own word.")
]
_TopP: TypeAlias = Annotated[
    float | None, typer.Option(min=0, max=1, help="Share of the most likely tokens that answers are drawn from.")
]
_Extra: TypeAlias = Annotated[
    str | None, typer.Option(metavar="JSON", help="An object that is sent with every request; a null takes a key away.")
]
_Header: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="A further header; keys and tokens as $NAME, from the environment."),
]
_Query: TypeAlias = Annotated[
    list[str] | None, typer.Option(metavar="NAME=VALUE", help="Added to every address: api-version=2024-10-21.")
]
_Timeout: TypeAlias = Annotated[
    float, typer.Option(min=0.001, metavar="SECONDS", help="Longest wait for a whole reply, or a stream's next piece.")
]
_Stream: TypeAlias = Annotated[
    bool, typer.Option("--stream", help="Have replies come piece by piece, so that long ones meet no time limit.")
]
_Plain: TypeAlias = Annotated[
    bool, typer.Option("--plain", help="Give plain text to be continued, to a base model without a chat template.")
]
_Batch: TypeAlias = Annotated[
    bool, typer.Option("--batch", help="Ask in batches: files in, files out within a day, at a lower price.")
]
_BatchPrice: TypeAlias = Annotated[
    float, typer.Option(min=0, max=1, metavar="X", help="Share of the prices that requests in batches cost.")
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
    app.command()(elicit)


def elicit(
    teacher: _Teacher,
    strategy: _Strategy,
    out: _Out,
    seeds: _Seeds = None,
    samples: _Samples = None,
    student: _Student = None,
    max_usd: _MaxUsd = None,
    max_tokens: _MaxTokens = None,
    max_queries: _MaxQueries = None,
    price_in: _PriceIn = None,
    price_out: _PriceOut = None,
    price_cached: _PriceCached = None,
    price_reasoning: _PriceReasoning = None,
    concurrency: _Concurrency = 16,
    rpm: _Rpm = None,
    tpm: _Tpm = None,
    templates: _Templates = None,
    answer_tokens: _AnswerTokens = None,
    temperature: _Temperature = None,
    protect: _Protect = None,
    verify: _Verify = True,
    language: _Language = None,
    min_words: _MinWords = 1,
    max_words: _MaxWords = None,
    near_duplicates: _Near = 0.8,
    reasoning: _Reasoning = ReasoningShown.HIDDEN,
    defence: _Defence = None,
    proxy: _Proxy = None,
    filters: _Filter = None,
    effort: _Effort = None,
    top_p: _TopP = None,
    extra: _Extra = None,
    header: _Header = None,
    query: _Query = None,
    timeout: _Timeout = 600.0,
    stream: _Stream = False,
    plain: _Plain = False,
    batch: _Batch = False,
    batch_price: _BatchPrice = 0.5,
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
    from gauger.cli.elicit_order import Order, carry_out, prices, surface_of
    from gauger.cli.teachers import Access, Wire, json_object, named_values
    from gauger.elicit import (
        Filters,
        Pace,
        QueryBudget,
        export_corpus,
        named_filters,
        program,
        read_seeds,
        require_formats,
    )

    require_formats(formats or ())
    known = prices(price_in, price_out, price_cached, price_reasoning)
    charged = known.times(batch_price) if known is not None and batch else known
    budget = QueryBudget(max_queries, max_tokens, max_usd, charged)
    wire = Wire(
        effort,
        top_p,
        json_object(extra, "--extra"),
        named_values(header or (), "--header"),
        named_values(query or (), "--query"),
        timeout,
        stream,
        plain,
        batch,
    )
    access = Access(budget, Pace(concurrency, rpm, tpm), terms, concurrency, wire)
    order = Order(
        teacher=teacher,
        program=program(strategy, templates).limited(answer_tokens, temperature),
        seeds=read_seeds(seeds) if seeds else (),
        wanted=samples,
        filters=Filters(
            shortest=min_words,
            longest=max_words,
            language=language,
            verify=verify,
            protected={seed.id: seed.prompt for path in protect or () for seed in read_seeds(path)},
            near_duplicates=near_duplicates or None,
            further=named_filters(filters or (), None),
        ),
        seed=seed,
        student=student,
        surface=surface_of(reasoning, defence),
        wire=wire,
        proxy=proxy,
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

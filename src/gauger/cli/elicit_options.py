"""Names the options of ``gauger elicit`` in groups, each with what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gauger.cli.teachers import Wire
    from gauger.elicit import Filters, Pace, Program, QueryBudget
    from gauger.spec import Surface


class ReasoningShown(StrEnum):
    """Whether reasoning leaves the teacher."""

    HIDDEN = "hidden"
    SHOWN = "shown"


@dataclass(frozen=True)
class SpendingOptions:
    """What the requests may cost, and what tokens cost."""

    max_usd: Annotated[float | None, typer.Option(min=0, metavar="X", help="Most US dollars; needs prices.")] = None
    max_tokens: Annotated[int | None, typer.Option(min=1, metavar="N", help="Most tokens, in and out.")] = None
    max_queries: Annotated[int | None, typer.Option(min=1, metavar="N", help="Most requests.")] = None
    price_in: Annotated[float | None, typer.Option(min=0, metavar="X", help="US dollars per million tokens sent.")] = (
        None
    )
    price_out: Annotated[
        float | None, typer.Option(min=0, metavar="X", help="US dollars per million tokens received.")
    ] = None
    price_cached: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="X", help="US dollars per million tokens sent that were cached. Default: --price-in."
        ),
    ] = None
    price_reasoning: Annotated[
        float | None,
        typer.Option(min=0, metavar="X", help="US dollars per million tokens of reasoning. Default: --price-out."),
    ] = None

    def budget(self, share: float = 1.0) -> QueryBudget:
        """Return the budget; `share` of the prices is charged."""
        from gauger.cli.elicit_order import prices
        from gauger.elicit import QueryBudget

        known = prices(self.price_in, self.price_out, self.price_cached, self.price_reasoning)
        charged = None if known is None else known.times(share)
        return QueryBudget(self.max_queries, self.max_tokens, self.max_usd, charged)


@dataclass(frozen=True)
class PaceOptions:
    """How fast requests are sent."""

    concurrency: Annotated[int, typer.Option(min=1, metavar="N", help="Requests in flight at once.")] = 16
    rpm: Annotated[float | None, typer.Option(min=0, metavar="N", help="Most requests a minute.")] = None
    tpm: Annotated[float | None, typer.Option(min=0, metavar="N", help="Most tokens a minute.")] = None

    def pace(self) -> Pace:
        """Return the pace."""
        from gauger.elicit import Pace

        return Pace(self.concurrency, self.rpm, self.tpm)


@dataclass(frozen=True)
class PromptOptions:
    """How prompts are worded, and how long and how varied answers may be."""

    templates: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with STRATEGY.yaml in place of our own prompts.")
    ] = None
    answer_tokens: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Most tokens of an answer. Default: the template's.")
    ] = None
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, help="Of the answers. Default: the template's.")
    ] = None

    def program(self, strategy: str) -> Program:
        """Return a strategy with its template."""
        from gauger.elicit import program

        return program(strategy, self.templates).limited(self.answer_tokens, self.temperature)


@dataclass(frozen=True)
class FilterOptions:
    """Which answers are kept."""

    protect: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Test items (as seeds): what overlaps them is dropped.")
    ] = None
    verify: Annotated[
        bool,
        typer.Option("--verify/--no-verify", help="Drop answers that differ from the seed's answer, if it has one."),
    ] = True
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="Drop answers surely in another language; same: the prompt's.")
    ] = None
    min_words: Annotated[int, typer.Option(min=0, metavar="N", help="Fewest words of an answer.")] = 1
    max_words: Annotated[int | None, typer.Option(min=1, metavar="N", help="Most words of an answer.")] = None
    near_duplicates: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="X", help="Similarity that makes a duplicate of a new problem; 0: none."),
    ] = 0.8

    def chosen(self, further: Sequence[str]) -> Filters:
        """Return the filters, with further ones by their names."""
        from gauger.elicit import Filters, named_filters, read_seeds

        return Filters(
            shortest=self.min_words,
            longest=self.max_words,
            language=self.language,
            verify=self.verify,
            protected={seed.id: seed.prompt for path in self.protect or () for seed in read_seeds(path)},
            near_duplicates=self.near_duplicates or None,
            further=named_filters(further, None),
        )


@dataclass(frozen=True)
class SurfaceOptions:
    """What the teacher shows."""

    reasoning: Annotated[
        ReasoningShown, typer.Option(help="Whether reasoning that the teacher writes is shown, and so learnt.")
    ] = ReasoningShown.HIDDEN
    defence: Annotated[
        str | None,
        typer.Option(metavar="NAME[:STRENGTH]", help="What is done to every answer before it is shown, as in studies."),
    ] = None
    proxy: Annotated[
        str | None,
        typer.Option(metavar="hf:PATH", help="Model that stands for the student, for defences that reckon with one."),
    ] = None

    helper: Annotated[
        str | None,
        typer.Option(metavar="hf:PATH", help="Chat model that does the defence's work in the teacher's place."),
    ] = None
    accounts: Annotated[
        int,
        typer.Option(
            min=1, max=10_000, metavar="N", help="Accounts that requests come from, for defences that watch accounts."
        ),
    ] = 1

    def surface(self) -> Surface:
        """Return the surface."""
        from gauger.cli.elicit_order import surface_of

        return surface_of(self.reasoning, self.defence, self.accounts, self.helper)


@dataclass(frozen=True)
class WireOptions:
    """How requests are put and sent."""

    effort: Annotated[
        str | None,
        typer.Option(metavar="WORD", help="How long the model may think: low, medium, high, or its own word."),
    ] = None
    top_p: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the most likely tokens that answers are drawn from.")
    ] = None
    extra: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="An object that is sent with every request; a null takes a key away."),
    ] = None
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A further header; keys and tokens as $NAME, from the environment."),
    ] = None
    query: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Added to every address: api-version=2024-10-21.")
    ] = None
    timeout: Annotated[
        float,
        typer.Option(min=0.001, metavar="SECONDS", help="Longest wait for a whole reply, or a stream's next piece."),
    ] = 600.0
    stream: Annotated[
        bool, typer.Option("--stream", help="Have replies come piece by piece, so that long ones meet no time limit.")
    ] = False
    plain: Annotated[
        bool, typer.Option("--plain", help="Give plain text to be continued, to a base model without a chat template.")
    ] = False
    batch: Annotated[
        bool, typer.Option("--batch", help="Ask in batches: files in, files out within a day, at a lower price.")
    ] = False
    batch_price: Annotated[
        float, typer.Option(min=0, max=1, metavar="X", help="Share of the prices that requests in batches cost.")
    ] = 0.5

    @property
    def price_share(self) -> float:
        """Share of the prices that the requests cost."""
        return self.batch_price if self.batch else 1.0

    def wire(self) -> Wire:
        """Return how a teacher is spoken to."""
        from gauger.cli.teachers import Wire, json_object, named_values

        return Wire(
            self.effort,
            self.top_p,
            json_object(self.extra, "--extra"),
            named_values(self.header or (), "--header"),
            named_values(self.query or (), "--query"),
            self.timeout,
            self.stream,
            self.plain,
            self.batch,
        )

"""Reads what ``gauger elicit`` was asked for, and carries it out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gauger.cli.elicit_text import progress
from gauger.cli.output import say
from gauger.cli.teachers import Access, Wire, open_helper, open_teacher
from gauger.elicit import (
    DEFENCES,
    FILE_NAME,
    Journalled,
    Prices,
    QueryBudget,
    Setting,
    Surfaced,
    claim,
    collect_corpus,
    decides_queries,
    generated,
    generation_of,
    reads_proxy,
    require,
    require_needs,
    require_recorded,
    words_for,
)
from gauger.errors import UserError
from gauger.spec import Surface

if TYPE_CHECKING:
    from gauger.elicit import Corpus, Filters, Program, Seed


@dataclass(frozen=True)
class Order:
    """Everything that decides which requests are made and what is kept."""

    teacher: str
    program: Program
    seeds: tuple[Seed, ...]
    wanted: int | None
    filters: Filters
    seed: int
    student: str | None = None
    surface: Surface = field(default_factory=Surface)
    """What the teacher shows: may change in a folder that was begun, for a view asks nothing again."""
    wire: Wire = field(default_factory=Wire)
    """How requests are put."""
    proxy: str | None = None
    """Model that stands for the student, where the defence reckons with one."""

    @property
    def about(self) -> dict[str, Any]:
        """What a summary says of it."""
        return {
            "teacher": self.teacher,
            "strategy": self.program.name,
            "template": str(self.program.template),
            "seeds": len(self.seeds),
            "wanted": self.wanted,
            "seed": self.seed,
            "surface": words_for(self.surface),
        }

    @property
    def settings(self) -> dict[str, Any]:
        """What must be the same for a folder to be gone on with."""
        answer = self.program.template.parts.get("answer")
        return {
            "teacher": self.teacher,
            "strategy": self.program.name,
            "template": str(self.program.template),
            "template's text": self.program.template.fingerprint[:16],
            "answer": None if answer is None else {"tokens": answer.max_tokens, "temperature": answer.temperature},
            "seeds": _hash({seed.id: seed.model_dump_json(exclude=_unused(seed)) for seed in self.seeds}),
            "samples": self.wanted,
            "seed": self.seed,
            "student": self.student,
            "filters": self._filters(),
            **({} if generation_of(self.surface) is None else {"generation": generation_of(self.surface)}),
            **({} if self.proxy is None else {"proxy": self.proxy}),
            **self.wire.decisive,
        }

    def _filters(self) -> dict[str, Any]:
        chosen = self.filters
        return {
            "min words": chosen.shortest,
            "max words": chosen.longest,
            "language": chosen.language,
            "verify": bool(chosen.verify),
            "near duplicates": chosen.near_duplicates,
            "protected texts": _hash(chosen.protected) if chosen.protected else None,
            "further": ", ".join(check.name for check in chosen.further) or None,
        }


def carry_out(order: Order, out: Path, access: Access) -> Corpus:
    """Collect the corpus in a folder, or go on with it, and write it."""
    if order.teacher.startswith("replay:"):
        require_recorded(order.surface, order.teacher)
    at_hand, proxy = order.teacher.startswith("hf:"), order.proxy is not None
    chats = not order.wire.plain
    require_needs(order.surface, order.teacher, at_hand=at_hand, proxy=proxy, instructed=chats)
    if proxy and not reads_proxy(order.surface):
        raise UserError("a --defence that reckons with a proxy student, beside --proxy", repr(order.surface.defence))
    of_student = replace(access, budget=QueryBudget(), wire=replace(access.wire, batch=False))
    student = None if order.student is None else open_teacher(order.student, of_student)
    require(order.program, order.seeds, order.wanted, student)
    withheld = tuple((seed.prompt, seed.answer) for seed in order.seeds if seed.answer)
    teacher = open_teacher(order.teacher, replace(access, proxy=order.proxy, withheld=withheld))
    helper = None if order.surface.helper is None else open_helper(order.surface.helper, access)
    if claim(out, order.settings):
        say(f"going on in {out}")
    journal = None if student is None else Journalled(student, out / "student" / FILE_NAME)
    try:
        with progress() as watch:
            corpus = collect_corpus(
                Surfaced(Journalled(generated(teacher, order.surface, helper), out / FILE_NAME), order.surface),
                order.program,
                order.seeds,
                order.wanted,
                order.filters,
                order.seed,
                Setting(order.surface, student=journal, watch=watch),
            )
    except KeyboardInterrupt:
        say(f"every reply so far is kept in {out}; the same command goes on")
        raise
    if access.budget.exhausted and not access.budget.spent.queries:
        raise UserError(
            "a budget in which one request has room",
            access.budget.refusal,
            hint="Raise the budget, or lower what a request may use with --answer-tokens.",
        )
    corpus.write_whole(out)
    return corpus


def prices(
    usd_in: float | None, usd_out: float | None, usd_cached: float | None = None, usd_reasoning: float | None = None
) -> Prices | None:
    """Return what tokens cost; None where no price is given."""
    if all(price is None for price in (usd_in, usd_out, usd_cached, usd_reasoning)):
        return None
    if usd_in is None or usd_out is None:
        raise UserError("both --price-in and --price-out", "not both of them")
    return Prices(usd_in, usd_out, usd_cached, usd_reasoning)


def surface_of(reasoning: str, defence: str | None, accounts: int = 1, helper: str | None = None) -> Surface:
    """Return what the teacher shows; `defence` is NAME or NAME:STRENGTH.

    Raises
    ------
    UserError
        For a defence that nobody knows, a strength that is no number from 0 to 1, or several accounts where no defence
        knows one from another.
    """
    surface = _defended(reasoning, defence).model_copy(update={"accounts": accounts, "helper": helper})
    if accounts > 1 and not decides_queries(surface):
        hint = "A policy does, for example: --defence refuse-flagged:0.1"
        raise UserError("a --defence that decides about queries, beside --accounts", repr(defence), hint=hint)
    return surface


def _defended(reasoning: str, defence: str | None) -> Surface:
    if defence is None:
        return Surface.model_validate({"reasoning": reasoning})
    name, colon, strength = defence.partition(":")
    _ = DEFENCES[name]
    try:
        chosen = float(strength) if colon else 1.0
    except ValueError:
        chosen = -1.0
    if not 0 <= chosen <= 1:
        raise UserError("--defence as NAME or NAME:STRENGTH, the strength from 0 to 1", repr(defence))
    return Surface.model_validate({"reasoning": reasoning, "defence": name, "strength": chosen})


def _unused(seed: Seed) -> set[str]:
    return set() if seed.context else {"context"}


def _hash(texts: Mapping[str, str]) -> str:
    """Return how many texts there are and a hash of all, as it stands in the settings."""
    hashed = hashlib.sha256()
    for key, text in texts.items():
        hashed.update(f"{len(key)}:{key}{len(text)}:{text}".encode("utf-8", "surrogatepass"))
    return f"{len(texts)} texts ({hashed.hexdigest()[:12]})"

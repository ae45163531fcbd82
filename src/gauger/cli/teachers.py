"""Opens a teacher from what a command line says: ``URL#MODEL``, ``hf:PATH`` or ``replay:DIR``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gauger.errors import MissingExtraError, UserError

if TYPE_CHECKING:
    from gauger.elicit import Pace, QueryBudget, Teacher

FORMS = (
    "URL#MODEL for an OpenAI-compatible endpoint, hf:PATH for a local checkpoint, or replay:DIR for recorded replies"
)


@dataclass(frozen=True)
class Access:
    """How a teacher is asked."""

    budget: QueryBudget
    pace: Pace
    terms: str | None = None
    batch: int = 16
    """Requests that a local checkpoint answers together."""


def open_teacher(text: str, access: Access) -> Teacher:
    """Return the teacher, behind its budget.

    Raises
    ------
    UserError
        Where the text names none.
    """
    kind, _, place = text.partition(":")
    openers: dict[str, Callable[[str, Access], Teacher]] = {"hf": _local, "replay": _recorded}
    if kind in openers:
        if not place:
            raise UserError(f"a teacher as {FORMS}", repr(text))
        return openers[kind](place, access)
    if "://" not in text and "#" not in text:
        raise UserError(f"a teacher as {FORMS}", repr(text))
    from gauger.elicit import OpenAIEndpoint, parse_teacher

    return OpenAIEndpoint(parse_teacher(text), access.budget, access.pace, terms=access.terms)


def _recorded(place: str, access: Access) -> Teacher:
    from gauger.elicit import Limited, Replay

    return Limited(Replay(Path(place), access.terms), access.budget)


def _local(place: str, access: Access) -> Teacher:
    from gauger.elicit import Limited

    try:
        from gauger.train import LocalTeacher, engine_of

        model = engine_of("hf").load(Path(place))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "gauger":  # a fault of ours, which no installation mends
            raise
        raise MissingExtraError("a teacher from a local checkpoint", "hf") from error
    budget = access.budget.counting(lambda request: len(model.encode_prompt(request.messages)))
    return Limited(LocalTeacher(f"hf:{place}", model, access.terms, access.batch), budget)

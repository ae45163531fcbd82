"""Reads seeds: the questions (or topics) that a teacher's prompts are made from, as JSON Lines.

One object a line: `id` and `prompt`, or `messages` (a system prompt and several turns, the user's last one in the end),
and where they are known `answer` (the true one), `benchmark` and `split` (which
item of which benchmark it is), `student_answers` (for feedback). Other keys are left alone, so that files made for
something else can be read as they are. Lines that `gauger elicit` wrote (with `seed_ids`) are prompts made of seeds:
what is elicited from them keeps those seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gauger.elicit.teacher.messages import Message
from gauger.errors import InputError, Place, nearest
from gauger.store import read_json_lines

_Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
_Texts = Annotated[tuple[_Text, ...], Field(strict=False)]


class SeedTurn(BaseModel):
    """One turn of a conversation before the prompt."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    role: Literal["system", "user", "assistant"]
    content: _Text


class Seed(BaseModel):
    """One seed."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", use_attribute_docstrings=True)

    id: _Text
    """Unique in the file; whole numbers are taken as text."""
    prompt: _Text
    """The question, or the topic."""
    answer: str | None = None
    """The true answer; None where nobody gave one."""
    benchmark: str | None = None
    """The benchmark that it is an item of."""
    split: str | None = None
    """The split of the benchmark that it comes from."""
    student_answers: _Texts = ()
    """What a student answered, for feedback."""
    context: Annotated[tuple[SeedTurn, ...], Field(strict=False)] = ()
    """What was said before the prompt: the system's words, and earlier turns."""
    seed_ids: _Texts = ()
    """For a prompt that was itself made of seeds: which."""

    @model_validator(mode="before")
    @classmethod
    def _from_messages(cls, value: Any) -> Any:
        """Take the user's last words as the prompt, and what stands before them as its context.

        A line that `gauger elicit` wrote, and any other that ends in an answer, is read up to the user's last words.
        """
        if not isinstance(value, dict) or "prompt" in value or not isinstance(value.get("messages"), list):
            return value
        turns = value["messages"]
        places = [n for n, turn in enumerate(turns) if isinstance(turn, dict) and turn.get("role") == "user"]
        if not places:
            return value
        return {**value, "prompt": turns[places[-1]].get("content"), "context": turns[: places[-1]]}

    @field_validator("id", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("answer", mode="before")
    @classmethod
    def _numeric_answer(cls, value: object) -> object:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @property
    def before(self) -> tuple[Message, ...]:
        """What was said before the prompt, as messages."""
        return tuple(Message(turn.role, turn.content) for turn in self.context)

    @property
    def origins(self) -> tuple[str, ...]:
        """Ids of the seeds that a text made from this one goes back to."""
        return self.seed_ids or (self.id,)

    @property
    def parents(self) -> tuple[str, ...]:
        """The sample that this seed is, where it was itself elicited."""
        return (self.id,) if self.seed_ids else ()


def read_seeds(path: Path) -> tuple[Seed, ...]:
    """Read a file of seeds.

    Raises
    ------
    InputError
        With file and line: not UTF-8, not a JSON object, a missing or empty key, a value of another type, an id twice;
        or no seeds at all.
    """
    seeds: dict[str, Seed] = {}
    lines: dict[str, int] = {}
    for number, fields in read_json_lines(path, "a file of seeds"):
        place = Place(str(path), number)
        seed = parse_seed(fields, place)
        if seed.id in seeds:
            raise InputError("each id once", f"{seed.id!r} as on line {lines[seed.id]}", place)
        seeds[seed.id], lines[seed.id] = seed, number
    if not seeds:
        raise InputError("a file with seeds, one JSON object a line", "none", Place(str(path)))
    return tuple(seeds.values())


def parse_seed(fields: Mapping[str, Any], place: Place) -> Seed:
    """Read the object of one line."""
    try:
        return Seed.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    wanted = "a seed as a JSON object with id and prompt"
    if first["type"] == "missing":
        raise InputError(f"{wanted}; {key} is missing", where=place, hint=_misspelt(key, first["input"]))
    raise InputError(f"text as {key}", _short(first["input"]), place)


def _misspelt(key: str, given: Any) -> str:
    names = list(given) if isinstance(given, dict) else []
    return nearest(key, names).replace("Known:", "The line has:") if names else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

"""Reads prompt templates: versioned YAML files, one per strategy, that a study can replace.

A template has a `version`, which stands in the ledger with every sample, and `parts`: the requests that the strategy
makes. `{{name}}` in a message is replaced by what the strategy knows under that name; nothing else is special, and what
is put in is not looked at again. `train`, where it is given, is what the student is shown instead of the bare prompt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gauger.elicit.teacher.messages import Message, Request
from gauger.errors import InputError, Place, UserError, nearest
from gauger.spec import YamlTree, read_tree
from gauger.store import fingerprint

_HOLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")


class _Strict(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Turn(_Strict):
    """One message of a request."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[str, Field(min_length=1)]


_Turns = Annotated[tuple[Turn, ...], Field(min_length=1, strict=False)]


class TemplatePart(_Strict):
    """One kind of request."""

    messages: _Turns
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = 1024
    """Most tokens of a reply."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    """0: the most likely reply; each prompt then is asked once."""
    draws: Annotated[int, Field(ge=1, le=64)] = 1
    """Replies wanted to each (where a student answers for feedback)."""

    def request(self, values: Mapping[str, str], draw: int = 0) -> Request:
        """Fill the messages and make a request of them; `draw` tells repeated ones apart."""
        return Request(fill(self.messages, values), self.max_tokens, self.temperature, draw)

    @property
    def holes(self) -> frozenset[str]:
        """Names of what is to be filled in."""
        return frozenset(name for turn in self.messages for name in _HOLE.findall(turn.content))


class Template(_Strict):
    """The prompts of one strategy."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=64)]
    version: Annotated[int, Field(ge=1)]
    """To be raised with every change."""
    about: str = ""
    parts: Annotated[Mapping[str, TemplatePart], Field(min_length=1)]
    train: Annotated[tuple[Turn, ...], Field(strict=False)] = ()
    """What the student is shown; empty: the prompt alone, as the user's turn."""
    reasoning: Literal["drop", "tags"] = "tags"
    """What becomes of reasoning that the surface shows: put before the answer in <think></think>, or left out."""
    per_request: Annotated[int, Field(ge=1, le=64)] = 1
    """Prompts that the teacher is asked to write at once."""
    generations: Annotated[int, Field(ge=1, le=16)] = 1
    """How often a written prompt may itself be developed further."""
    vary: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)] = ()
    """Directions, one of which fills `{{direction}}` in each request, drawn at random."""

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits over everything in it but `about`."""
        return fingerprint(self.model_dump(mode="json", exclude={"about"}))

    def shown(self, prompt: str) -> tuple[Message, ...]:
        """Return what the student is shown for a prompt."""
        return fill(self.train, {"prompt": prompt}) if self.train else (Message("user", prompt),)

    def replaced(self, part: str, **changes: int | float | None) -> Template:
        """Return the template with other limits for one part; None changes nothing."""
        wanted = {name: value for name, value in changes.items() if value is not None}
        return self.model_copy(update={"parts": {**self.parts, part: self.parts[part].model_copy(update=wanted)}})


def fill(turns: tuple[Turn, ...], values: Mapping[str, str]) -> tuple[Message, ...]:
    """Fill in every `{{name}}`, in one pass."""
    return tuple(Message(turn.role, _HOLE.sub(lambda hole: values[hole[1]], turn.content)) for turn in turns)


def load_template(strategy: str, holes: Mapping[str, frozenset[str]], folder: Path | None = None) -> Template:
    """Load the template of a strategy: `FOLDER/STRATEGY.yaml` where it is there, else our own.

    Parameters
    ----------
    strategy : str
        Name of the strategy.
    holes : mapping of str to frozenset of str
        Part -> the names that the strategy fills in. Every part must be there, with no other name in it, and with
        `prompt` where the strategy has one.
    folder : Path, optional
        Where a study keeps its own templates.

    Raises
    ------
    InputError
        With file, line and key, where a file is no template for this strategy.
    """
    own = folder / f"{strategy}.yaml" if folder else None
    if folder and not folder.is_dir():
        raise UserError("a folder of templates", "none", Place(str(folder)))
    if own and own.is_file():
        return parse_template(_read(own), holes, str(own))
    packaged = files("gauger.elicit.strategies").joinpath("templates", f"{strategy}.yaml")
    return parse_template(packaged.read_text("utf-8"), holes, f"{strategy}.yaml")


def parse_template(text: str, holes: Mapping[str, frozenset[str]], file: str) -> Template:
    """Read a template and hold it against what its strategy fills in (`load_template`)."""
    tree = read_tree(text, file)
    for problem in tree.problems:
        raise InputError(problem.wanted, problem.given, problem.where, problem.hint)
    try:
        template = Template.model_validate(tree.data if tree.data is not None else {})
    except ValidationError as error:
        raise _fault(tree, error) from None
    _check_parts(template, holes, tree)
    return template


def _check_parts(template: Template, holes: Mapping[str, frozenset[str]], tree: YamlTree) -> None:
    missing, unknown = holes.keys() - template.parts.keys(), template.parts.keys() - holes.keys()
    if unknown:
        name = sorted(unknown)[0]
        raise InputError("a part of this strategy", repr(name), tree.place(("parts", name)), nearest(name, holes))
    if missing:
        raise InputError(f"the part {sorted(missing)[0]!r}", "none", tree.place(("parts",)))
    for name, part in template.parts.items():
        _check_holes(part.holes, holes[name], tree, ("parts", name))
    if template.train:
        names = frozenset(name for turn in template.train for name in _HOLE.findall(turn.content))
        _check_holes(names, frozenset({"prompt"}), tree, ("train",))
    if any("direction" in part.holes for part in template.parts.values()) and not template.vary:
        raise InputError("directions in `vary` for {{direction}}", "none", tree.place(("vary",)))


def _check_holes(names: frozenset[str], known: frozenset[str], tree: YamlTree, path: tuple[str, ...]) -> None:
    for name in sorted(names - known):
        raise InputError("a name that the strategy fills in", f"{{{{{name}}}}}", tree.place(path), nearest(name, known))
    if "prompt" in known and "prompt" not in names:
        raise InputError("{{prompt}} in its messages", "none", tree.place(path))


def _fault(tree: YamlTree, error: ValidationError) -> InputError:
    first = error.errors()[0]
    path = tuple(first["loc"])
    if first["type"] == "extra_forbidden":
        known = (
            Turn if "messages" in path or "train" in path else TemplatePart if "parts" in path else Template
        ).model_fields
        return InputError("a key of a template", repr(path[-1]), tree.place(path), nearest(str(path[-1]), known))
    return InputError("a template", first["msg"], tree.place(path))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("a template in UTF-8", "bytes of another encoding", Place(str(path))) from None

"""Opens whoever a job asks, behind the surface and its budgets: models at hand, endpoints, recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gauger.elicit import Limited, QueryBudget, Request, Surfaced, Teacher, Text, generated
from gauger.errors import GaugerError
from gauger.jobs.models import prompt_of, read_model, row_of
from gauger.jobs.parameters import Asked, Inputs
from gauger.jobs.registry import OPENERS
from gauger.spec import Surface
from gauger.train import LocalTeacher, Model, ProxyStudent
from gauger.worlds import World

MOST_PROXY_TEXTS = 500
"""Texts that the slope of a proxy's loss is taken on, or a few more."""


class CountsTokens(Protocol):
    """What knows how many tokens a text has."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, without marks."""
        ...


@dataclass(frozen=True)
class Opened:
    """Somebody who can be asked."""

    teacher: Teacher
    model: Model | None = None
    """Where it is at hand: what says how likely a text is."""
    tokenizer: CountsTokens | None = None
    """Where its files alone are at hand: what counts its tokens."""

    @property
    def counts(self) -> CountsTokens | None:
        """What counts tokens; None where nothing at hand does."""
        return self.model or self.tokenizer

    @property
    def at_hand(self) -> Model:
        """The model, where log-probabilities along a text are wanted."""
        if self.model is None:
            raise GaugerError("only a model at hand shows log-probabilities along a text; distil text instead")
        return self.model


def unserved(asked: Asked) -> Asked:
    """Return who is asked as a model in this process: only there does it show log-probabilities along a text."""
    return asked.model_copy(update={"serving": None})


@dataclass(frozen=True)
class TeacherPlace:
    """What an opener may need besides who is asked."""

    world: World
    inputs: Inputs
    role: str
    """Input under which a model at hand lies."""
    out: Path
    """The job's directory; what must outlive a killed job is kept beside it."""
    identity: Mapping[str, object]
    """The job's parameters: what tells its records from those of others."""


def open_asked(asked: Asked, where: TeacherPlace) -> Opened:
    """Open who is asked; budgets hold, and what the surface hides is not seen, whoever it is."""
    opened: Opened = OPENERS.load(asked.opener)(asked, where)
    return Opened(Surfaced(opened.teacher, asked.surface), opened.model, opened.tokenizer)


def open_at_hand(asked: Asked, where: TeacherPlace) -> Opened:
    """Load a model that another job made."""
    if asked.engine is None:
        raise GaugerError(f"{asked.name}: no engine is named for a model at hand")
    model = read_model(where.inputs, where.role, asked.engine, asked.computing).merged()
    proxy = None if asked.proxy is None else _proxy(asked.proxy, where)
    teacher = LocalTeacher(asked.name, model, asked.terms, timed=False, chat=where.world.chat, proxy=proxy)

    def tokens_in(request: Request) -> int:
        return len(model.encode_prompt(prompt_of(where.world, request.messages[-1].content)))

    budget = QueryBudget(asked.surface.max_queries, asked.surface.max_tokens, tokens_in=tokens_in)
    return Opened(Limited(generated(teacher, asked.surface, helper_of(asked, where)), budget), model)


def helper_of(asked: Asked, where: TeacherPlace) -> Teacher | None:
    """Load the model that does the work of a surface's defence; None where the teacher does it itself."""
    if asked.helper is None:
        return None
    return LocalTeacher("helper", read_model(where.inputs, "helper", asked.helper).merged(), timed=False)


def helper_identity(asked: Asked, where: TeacherPlace) -> dict[str, object]:
    """Return what tells replies of one helper from those of another; nothing without one."""
    return {"helper": where.inputs["helper"].name} if asked.helper else {}


def _proxy(engine: str, where: TeacherPlace) -> ProxyStudent:
    """Load the model that stands for the student, with what it is not to learn: the benchmarks' own train split."""
    world = where.world
    asked = [question for skill in world.skills for question in world.benchmark_train.get(skill, ())]
    texts = world.word(asked[:: max(1, len(asked) // MOST_PROXY_TEXTS)], [world.own_form])
    rows = tuple(row_of(world, Text(text.prompt, text.answer, whole=False)) for text in texts)
    return ProxyStudent(read_model(where.inputs, "proxy", engine).merged(), rows)


def shown_top_k(surface: Surface, *limits: int | None) -> int | None:
    """Return how many log-probabilities are used at a position: what the surface shows and everybody allows.

    Raises
    ------
    GaugerError
        Where the surface shows none.
    """
    if surface.log_probabilities == "none":
        raise GaugerError("the teacher's surface shows no log-probabilities; distil its text instead")
    known = [limit for limit in (*limits, surface.top_k) if limit is not None]
    return min(known, default=None)

"""Asks models that a command of the user's serves: started for one job, started again where it dies, ended with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from gauger.elicit import (
    ModelServer,
    OpenAIEndpoint,
    Pace,
    Patience,
    QueryBudget,
    Reply,
    ReplyOutcome,
    Request,
    ServerCommand,
    Teacher,
    generated,
)
from gauger.errors import GaugerError
from gauger.jobs.endpoint_places import endpoint_address
from gauger.jobs.models import checkpoint_of, read_model
from gauger.jobs.parameters import Asked
from gauger.jobs.scope import until_done
from gauger.jobs.teachers import Opened, TeacherPlace, helper_identity, helper_of
from gauger.jobs.teachers_elsewhere import kept_replies
from gauger.spec import EndpointTeacher, Serving
from gauger.train import CheckpointTokens, on_cpu

LOG = "server.log"


def open_served(asked: Asked, where: TeacherPlace) -> Opened:
    """Serve a model that another job made, and ask it as any endpoint; its replies are kept as an endpoint's are.

    Parameters
    ----------
    asked : Asked
        Who it is, and what serves it.
    where : TeacherPlace
        Inputs, among which it lies, and the job's directory, where its log stays.
    """
    serving, checkpoint = asked.serving, whole_checkpoint(asked, where)
    if serving is None:
        raise GaugerError(f"{asked.name}: no command serves it")
    server = until_done(ModelServer(server_command_of(serving), checkpoint, where.out / LOG))
    chat = where.world.chat if serving.manner is None else serving.manner == "chat"
    settings = EndpointTeacher(
        kind="endpoint",
        url=f"{server.address}{serving.path}",
        model=serving.name.replace("{model}", str(checkpoint)),
        manner="chat" if chat else "completions",
    )
    surface = asked.surface
    budget = QueryBudget(surface.max_queries, surface.max_tokens)
    address = endpoint_address(settings.model_dump(mode="json"), keyless=True)
    patience = Patience(total_s=serving.timeout_s)
    endpoint = OpenAIEndpoint(
        address, budget, Pace(serving.concurrency), patience, asked.terms, name=asked.name, server=server
    )
    inputs = {role: path.name for role, path in where.inputs.items()}
    model = [inputs.get(role) for role in (where.role, f"{where.role}_base")]  # of an adapter its base too
    kept = kept_replies(
        generated(endpoint, surface, helper_of(asked, where)),
        asked,
        where,
        {"inputs": inputs, "role": where.role},
        {"model": model, "chat": chat, **helper_identity(asked, where)},
    )
    return Opened(_MayBeSilent(kept), None, CheckpointTokens(checkpoint))


class _MayBeSilent:
    """A teacher whose empty answers are answers: our own server lost nothing, the model ended its text at once.

    Of an endpoint elsewhere they are failures, for there nobody can tell a model that says nothing from a reply that
    was lost.
    """

    def __init__(self, teacher: Teacher) -> None:
        self._teacher, self.name, self.terms = teacher, teacher.name, teacher.terms

    def ask(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Yield (index, reply)."""
        for place, reply in self._teacher.ask(requests):
            silent = reply.outcome is ReplyOutcome.EMPTY and not reply.reasoning
            yield place, replace(reply, outcome=ReplyOutcome.ANSWERED, text="", error=None) if silent else reply


def server_command_of(serving: Serving) -> ServerCommand:
    """Return what serves a model, of the settings of a study."""
    return ServerCommand(serving.command, serving.health, 60 * serving.start_minutes, serving.environment, serving.gpus)


def whole_checkpoint(asked: Asked, where: TeacherPlace) -> Path:
    """Return a checkpoint with all its weights: an adapter is made part of them first, below the job's directory."""
    place = checkpoint_of(where.inputs[where.role])
    if not (place / "adapter_config.json").exists():
        return place
    if asked.engine is None:
        raise GaugerError(f"{asked.name}: no engine is named for a model at hand")
    merged = Path(until_done(TemporaryDirectory(prefix=f"{where.out.name}.", dir=where.out.parent)))
    with on_cpu():  # what serves it wants the GPU for itself
        read_model(where.inputs, where.role, asked.engine).merged().save(merged)
    return merged

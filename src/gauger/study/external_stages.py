"""Reads what an external stage is run with: its trainer, the user's template, and the version that is installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from gauger.errors import GaugerError, Place, UserError
from gauger.execute import environment_for, output_of
from gauger.jobs import Specialise, SpecialiseExternal
from gauger.spec import CheckpointStudent, CheckpointTeacher, Learns, Lora, Specialising, SpecPart
from gauger.store import read_text
from gauger.train import TRAINERS, ExternalTrainer, check_passes, check_trainer, template_text, version_command
from gauger.worlds import Described

NOT_HERE = "not installed here"
"""Version of a trainer that cannot be run where the study is planned."""
LEARNS: Mapping[str, Learns] = {"texts": "text", "pairs": "preferences", "questions": "rewards"}
"""What a stage's corpus holds -> what a program learns from it."""
_OWN = ("command", "format", "output", "version", "progress", "failure")


@dataclass(frozen=True)
class RowsLearnt:
    """What a program is given to learn from."""

    batch: int
    """Rows of a step."""
    chat: bool
    """Whether the world puts prompts into a chat template, where the student is measured."""
    learns: Learns = "text"


def external_settings(
    settings: Mapping[str, Any], adapter: Lora | None, folder: Path, rows: RowsLearnt
) -> dict[str, Any]:
    """Return the part of a job's parameters that says what is run.

    Parameters
    ----------
    settings : mapping
        The stage's own, as the study has them.
    adapter : Lora, optional
        The student's.
    folder : Path
        Where the study file lies.
    rows : RowsLearnt
        What the stage has to be trained on.

    Raises
    ------
    UserError
        An unknown trainer or one that learns something else, a template that is not there, or one that leaves out
        what the study decides; rows in another form than the student is measured in; a step of no whole passes.
    """
    trainer = _trainer(settings, folder, rows)
    check_trainer(trainer, adapter.layers if adapter else None, adapter=adapter is not None)
    _check_format(trainer.format, rows.chat)
    check_passes(trainer, rows.batch, settings["gpus"], settings["processes"])
    return {
        "command": trainer.command,
        "template": trainer.template,
        "config": trainer.config,
        "format": trainer.format,
        "options": dict(trainer.options),
        "output": trainer.output,
        "version_command": trainer.version,
        "version": version_of(trainer.version),
        "script": trainer.script,
        "beside": trainer.beside,
        "script_identity": _identity(trainer),
        "progress": trainer.progress,
        "failure": trainer.failure,
    }


def specialising(
    settings: CheckpointTeacher | CheckpointStudent, special: Specialising, world: Described, seed: int, folder: Path
) -> tuple[str, SpecPart]:
    """Return kind and parameters of the job that makes a checkpoint a specialist.

    Parameters
    ----------
    settings : CheckpointTeacher or CheckpointStudent
        Its engine, its adapter, and how it computes.
    special : Specialising
        How it is trained, and by which program.
    world : Described
        Whose true answers it learns.
    seed : int
        Of the training.
    folder : Path
        Where the study file lies.
    """
    given: dict[str, Any] = {"world": world, "seed": seed, "engine": settings.engine, "adapter": settings.lora}
    given |= {name: value for name, value in special if name != "by"}
    if special.by is None:
        return "specialise", Specialise(**given, computing=settings.computing)
    program = dict(special.by.program)
    own = {name: value for name, value in program.items() if name in SpecialiseExternal.model_fields}
    rows = RowsLearnt(special.batch, bool(world.settings.get("chat")))
    run = external_settings(program, settings.lora, folder, rows)
    steps = special.by.checkpoint_steps or special.checkpoint_steps
    return "specialise-external", SpecialiseExternal(**{**given, **own, **run, "checkpoint_steps": steps})


def _identity(trainer: ExternalTrainer) -> str:
    """Return a digest of the files that come along with a trainer; "" where none do."""
    texts = [template_text(name) for name in (trainer.script, trainer.beside) if name]
    return sha256("\0".join(texts).encode()).hexdigest() if texts else ""


def _check_format(form: str, chat: bool) -> None:
    """Refuse rows in a chat template where the student is measured without, and the other way round."""
    if form == "messages" and not chat:
        hint = "Set world.chat to true, or take plain, tokens or prompt-completion with a trainer that reads it (trl)."
        given = "messages: the student would be trained in its chat template, and measured on bare text"
        raise UserError("a format of bare text in a world without chat", given, hint=hint)
    if form == "plain" and chat:
        hint = "Take messages, tokens or prompt-completion, or set world.chat to false."
        given = "plain: the student would be trained on bare text, and measured in its chat template"
        raise UserError("a format that has its turns in a world with chat", given, hint=hint)


def _trainer(settings: Mapping[str, Any], folder: Path, rows: RowsLearnt) -> ExternalTrainer:
    name, learns = settings["trainer"], rows.learns
    bare = ExternalTrainer("", learns=learns, format="messages" if rows.chat else "plain")
    ready: ExternalTrainer = TRAINERS.load(name) if name else bare
    if ready.learns != learns:
        kinds = {"text": "external", "preferences": "external-preference", "rewards": "external-rl"}
        fits = [other for other in TRAINERS if TRAINERS.load(other).learns == learns]
        hint = f"Take {' or '.join(fits)}, or make it a stage of kind {kinds[ready.learns]}."
        raise UserError(f"a trainer that learns {learns}", f"{name}, which learns {ready.learns}", hint=hint)
    own = {name: settings[name] for name in _OWN if settings[name] is not None}
    if settings["template"] is not None:
        path = folder / settings["template"]
        if not path.is_file():
            raise UserError("a file with a template", "none", Place(str(path)))
        suffix = Path(path.name.removesuffix(".j2")).suffix or ".yaml"
        own |= {"template": read_text(path), "config": f"config{suffix}", "options": {}}
    trainer = replace(ready, **own)
    return replace(trainer, options={**trainer.options, **dict(settings["options"])})


@cache
def version_of(command: str) -> str:
    """Return what a command says of its trainer's version.

    A study can be planned where its trainer is not; it is run only by the version that it was planned with.
    """
    if not command:
        return ""
    try:
        return output_of(version_command(ExternalTrainer("", version=command)), environment_for())
    except (UserError, GaugerError):
        return NOT_HERE

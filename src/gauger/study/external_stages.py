"""Reads what an external stage is run with: its trainer, the user's template, and the version that is installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from gauger.errors import GaugerError, Place, UserError
from gauger.execute import environment_for, output_of
from gauger.spec import Lora
from gauger.store import read_text
from gauger.train import TRAINERS, ExternalTrainer, check_trainer, template_text, version_command

NOT_HERE = "not installed here"
"""Version of a trainer that cannot be run where the study is planned."""
_OWN = ("command", "format", "output", "version", "progress", "failure")


def external_settings(settings: Mapping[str, Any], adapter: Lora | None, folder: Path) -> dict[str, Any]:
    """Return the part of a job's parameters that says what is run.

    Parameters
    ----------
    settings : mapping
        The stage's own, as the study has them.
    adapter : Lora, optional
        The student's.
    folder : Path
        Where the study file lies.

    Raises
    ------
    UserError
        An unknown trainer, a template that is not there, or one that leaves out what the study decides.
    """
    trainer = _trainer(settings, folder)
    check_trainer(trainer, adapter.layers if adapter else None, adapter=adapter is not None)
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
        "script_identity": sha256(template_text(trainer.script).encode()).hexdigest() if trainer.script else "",
        "progress": trainer.progress,
        "failure": trainer.failure,
    }


def _trainer(settings: Mapping[str, Any], folder: Path) -> ExternalTrainer:
    ready: ExternalTrainer = TRAINERS.load(settings["trainer"]) if settings["trainer"] else ExternalTrainer("")
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

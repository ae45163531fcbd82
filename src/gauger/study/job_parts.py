"""Says of a planned job what decides its result, what it asks of a machine, and which code is behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gauger.elicit import DEFENCES, FILTERS, STRATEGIES
from gauger.execute import Job
from gauger.jobs import OPENERS, REGISTRY, ByProgram
from gauger.jobs import parameters as p
from gauger.measure import PROGRAMS
from gauger.spec import Computing, SpecPart
from gauger.store import fingerprint
from gauger.study.checkpoints import PACKAGED
from gauger.train import ENGINES
from gauger.worlds import WORLDS, World, reopen_world


def decisive_parameters(params: SpecPart) -> dict[str, Any]:
    """Return the parameters that can change a job's result.

    Where a teacher is, how fast it is asked, how often a training writes down how far it came, how long its program may
    say nothing, and what of `computing` saves memory alone are left out; so is `computing` where nothing of it was
    chosen, and where the user's files lie (`without_places`).
    """
    trained = isinstance(params, p.GoesOn | ByProgram)
    decisive = without_places(
        params.model_dump(mode="json", exclude={"checkpoint_steps", "silence_minutes"} if trained else None)
    )
    for part, kept in [
        (params, decisive),
        *((asked, decisive[name]) for name, asked in _asked_by_name(params).items()),
    ]:
        kept.pop("conduct", None)
        chosen: Computing | None = kept.pop("computing", None) and vars(part)["computing"]
        if chosen is not None and chosen.deciding:
            kept["computing"] = chosen.deciding
    return decisive


def without_places(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's parameters, as JSON, but for where the user's files lie: their digests stand beside the places.

    Folder of the study, checkpoint, recording, templates: a study that is moved or copied with its run computes nothing
    again. A packaged model is named, not placed.
    """
    kept = {name: value for name, value in params.items() if name != "folder"}
    if not str(kept.get("reference", PACKAGED)).startswith(PACKAGED):
        del kept["reference"]
    for name, part in kept.items():
        if name == "world" and part is not None:
            kept[name] = {key: value for key, value in part.items() if key != "folder"}
        elif isinstance(part, Mapping) and "templates_identity" in part:  # somebody who is asked
            kept[name] = {key: value for key, value in part.items() if key != "templates"}
            if part["kind"] == "replay":
                kept[name]["settings"] = {key: part["settings"][key] for key in part["settings"] if key != "directory"}
    return kept


def contents_of(job: Job, params: SpecPart) -> dict[str, str]:
    """Return the digests of what a job reads beside its world's files: what it is, in words -> digest."""
    digests = {}
    for asked in _asked_by_name(params).values():
        digests[f"templates of {asked.name}"] = asked.templates_identity
        if "identity" in asked.settings:
            digests["recording"] = str(asked.settings["identity"])
    if isinstance(params, p.Materialise):
        digests[job.name] = params.identity
    if isinstance(params, p.EvaluateModel):
        digests |= {f"{params.benchmark}, {file}": digest for file, digest in params.files.items()}
    if isinstance(params, ByProgram):
        digests[f"{job.arm} · {job.stage}, template"] = fingerprint(params.template)
        digests[f"{job.arm} · {job.stage}, script"] = params.script_identity
    return {name: digest for name, digest in digests.items() if digest}


def programs_of(job: Job, params: SpecPart) -> dict[str, str]:
    """Return the versions of programs of others that do a job: what they do -> what they said of themselves."""
    if isinstance(params, p.EvaluateModel):
        return {params.benchmark: params.version}
    return {f"{job.arm} · {job.stage}": params.version} if isinstance(params, ByProgram) else {}


def _asked_by_name(params: SpecPart) -> dict[str, p.Asked]:
    return {name: value for name, value in vars(params).items() if isinstance(value, p.Asked)}


def resources_of(params: SpecPart) -> dict[str, float]:
    """Return what a job asks of a machine that has GPUs: none where no model is at hand; nothing where one will do."""
    asked = _asked_by_name(params).values()
    wanted = [asked_model.serving.gpus for asked_model in asked if asked_model.serving is not None]
    if isinstance(params, ByProgram):
        wanted.append(params.gpus)
    if wanted:
        return {} if max(wanted) == 1 else {"gpus": float(max(wanted))}
    at_hand = getattr(params, "engine", None) or any(asked_model.engine or asked_model.helper for asked_model in asked)
    return {} if at_hand else {"gpus": 0.0}


def code_of(kind: str, params: SpecPart, world: World | None = None) -> list[str]:
    """Return what is behind a job: its function, and the parts that it finds by the names in its parameters.

    `world`: the one that the parameters describe, where it is open already.
    """
    asked = _asked_by_name(params).values()
    named = [name for respondent in asked for name in (respondent.engine, respondent.proxy, respondent.helper)]
    engines = {getattr(params, "engine", None), *named} - {None}
    parts = [
        REGISTRY[kind],
        *(OPENERS[respondent.opener] for respondent in asked),
        *(ENGINES[str(name)] for name in engines),
    ]
    parts += [DEFENCES[respondent.surface.defence] for respondent in asked if respondent.surface.defence]
    if isinstance(params, p.EvaluateModel):
        parts += [PROGRAMS[params.task["kind"]]]
    if isinstance(params, p.InWorld):
        parts += [WORLDS[params.world.settings["kind"]], *(world or reopen_world(params.world)).parts]
    if isinstance(params, p.AskTeacher):
        parts += [STRATEGIES[params.strategy]]
    if isinstance(params, p.AskTeacher | p.AskBase):
        parts += [FILTERS[name] for name in params.filters]
    return parts

"""Reads the annotations of alpaca_eval: each instruction's preference between a reference (1) and the model (2)."""

from __future__ import annotations

from typing import Any

from gauger.errors import InputError, Place
from gauger.measure.importers.contents import Contents
from gauger.measure.importers.log import Log, Wants
from gauger.measure.importers.scored_items import Evaluation, LoggedAnswer, log_of_items

NAME = "alpaca_eval annotations"


def fits(contents: Contents) -> bool:
    """Tell whether a file is one."""
    return contents.is_json and {"instruction", "generator_1", "generator_2", "preference"} <= set(contents.first or ())


def read(contents: Contents, wants: Wants) -> list[Log]:
    """Read one file as win rates against its reference, which is part of the benchmark's name.

    Preferences lie from 1 (the reference) to 2 (the model), 1.5 is a tie; 0 was a tie in the first version.

    Raises
    ------
    InputError
        Annotations of several models or against several references.
    """
    values = contents.value if contents.is_array else [contents.value]
    references = sorted({str(annotation["generator_1"]) for annotation in values})
    models = sorted({str(annotation["generator_2"]) for annotation in values})
    for what, names in (("reference", references), ("model", models)):
        if len(names) > 1:
            given = " and ".join(map(repr, names[:3]))
            raise InputError(f"annotations of one {what}", given, Place(str(contents.path)), "Give a file for each.")
    items = [_item(k, annotation, wants.by) for k, annotation in enumerate(values)]
    return [log_of_items(contents.path, NAME, Evaluation(f"alpaca_eval against {references[0]}", items, models[0]))]


def _item(k: int, annotation: dict[str, Any], by: str | None) -> LoggedAnswer:
    preference, group = annotation.get("preference"), annotation.get(by) if by else None
    won = None
    if isinstance(preference, (int, float)) and not isinstance(preference, bool):
        won = 0.5 if preference == 0 else preference - 1
    return LoggedAnswer(
        str(k), {"win_rate": won}, str(annotation["instruction"]), group=None if group is None else str(group)
    )

"""Says where a study's endpoint is and how it is spoken to; imports no trainer, so that the planner may ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gauger.elicit import Address, Dialect, parse_teacher


def endpoint_address(settings: Mapping[str, Any], *, keyless: bool = False) -> Address:
    """Return where an endpoint is and how it is spoken to, of the settings of a study's teacher.

    Parameters
    ----------
    settings : mapping
        Of an `EndpointTeacher`.
    keyless : bool
        Whether it is one of ours, and gets no key.
    """
    known = {"kind": settings["manner"], "stream": settings["stream"]}
    dialect = Dialect(effort=settings["effort"], top_p=settings["top_p"], extra=settings["extra"], **known)
    place = parse_teacher(f"{settings['url']}#{settings['model']}")
    return replace(place, dialect=dialect, headers=settings["headers"], query=settings["query"], keyless=keyless)

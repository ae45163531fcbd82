"""Names the engines: those of Gauger, and those that installed packages add as entry points."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gauger.plugs import Registry

if TYPE_CHECKING:
    from gauger.train.engine import Engine

ENGINES = Registry(
    "the name of an engine", "gauger.engines", {"tiny": "gauger.train.tiny:ENGINE", "hf": "gauger.train.hf:ENGINE"}
)
"""Name -> module:attribute of an `Engine`; imported when it is asked for."""


@cache
def engine_of(name: str) -> Engine:
    """Return an engine by its name.

    Raises
    ------
    UserError
        Where no engine has that name; says which is nearest.
    """
    engine: Engine = ENGINES.load(name)
    return engine

"""Names every kind of world, and opens the world that a study's settings describe."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from gauger.errors import Place, UserError
from gauger.plugs import Registry
from gauger.spec import SpecPart, WorldSettings
from gauger.worlds.base import World

WORLDS = Registry(
    "a kind of world",
    "gauger.worlds",
    {"atlas": "gauger.worlds.atlas.world:Atlas", "language": "gauger.worlds.language.world:TextWorld"},
)
"""Kind -> the class; an outside package offers a subclass of `World` with its `settings_type`."""


_KEPT: dict[tuple[str, str], World] = {}
_MOST_KEPT = 4


def open_world(settings: WorldSettings, folder: Path | None = None) -> World:
    """Build the world of a study whose file lies in `folder`.

    The last few are kept, for they hold no state; one that reads the user's files is built anew each time.

    Raises
    ------
    UserError
        Where its settings make no world.
    """
    key = (settings.kind, settings.model_dump_json())
    if key in _KEPT:
        return _KEPT[key]
    world: World = WORLDS.load(settings.kind)(settings, folder)
    if not world.files:
        if len(_KEPT) >= _MOST_KEPT:
            del _KEPT[next(iter(_KEPT))]
        _KEPT[key] = world
    return world


class Described(SpecPart):
    """Everything about a world that can change a result."""

    settings: Mapping[str, Any]
    folder: str
    """Where the user's files lie; empty where there are none."""
    files: Mapping[str, str]
    """The user's files with the digests of their contents."""


def describe_world(settings: WorldSettings, folder: Path) -> Described:
    """Return what jobs open a world from."""
    files = {path: _digest(folder / path) for path in open_world(settings, folder).files}
    place = str(folder.resolve()) if files else ""
    return Described(settings=settings.model_dump(mode="json"), folder=place, files=files)


def reopen_world(described: Described) -> World:
    """Build the world that `describe_world` described."""
    settings = WORLDS.load(described.settings["kind"]).settings_type.model_validate(described.settings, strict=False)
    return open_world(settings, Path(described.folder) if described.folder else None)


def _digest(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError("a readable file", str(error.strerror), Place(str(path))) from None

"""Writes study files to start from: a commented first one, or one of those that come with Gauger."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from gauger.api.places import check_file
from gauger.errors import Place, UserError, nearest

FIRST = "first"
"""The commented study that a newcomer starts from."""
SCHEMA = "study.schema.json"


def recipes() -> dict[str, str]:
    """Return the name of every study that comes along -> its text."""
    texts = {FIRST: files("gauger.api").joinpath("first_study.yaml").read_text(encoding="utf-8")}
    folder = files("gauger").joinpath("studies")
    for place in (folder, folder.joinpath("recipes")):
        if place.is_dir():
            names = sorted(entry.name for entry in place.iterdir() if entry.name.endswith(".yaml"))
            texts |= {name.removesuffix(".yaml"): place.joinpath(name).read_text(encoding="utf-8") for name in names}
    return texts


def init_study(path: Path, *, recipe: str = FIRST, force: bool = False) -> tuple[Path, Path]:
    """Write a study file named after itself, and the schema beside it.

    Parameters
    ----------
    path : Path
        The file; a folder that is missing is made. The study gets the file's name.
    recipe : str
        One of `recipes`.
    force : bool
        Whether an existing file is replaced.

    Returns
    -------
    tuple of Path
        The study and the schema.

    Raises
    ------
    UserError
        An unknown recipe; a file that is there already.
    """
    from gauger.spec import render_json_schema
    from gauger.store import write_bytes

    known = recipes()
    if recipe not in known:
        raise UserError("a study that comes with Gauger", repr(recipe), hint=nearest(recipe, known))
    check_file(path, "the study")
    if path.exists() and not force:
        raise UserError("a new file", "one that exists", Place(str(path)), "Choose another name, or add --force.")
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = path.parent / SCHEMA
    write_bytes(path, _named(known[recipe], path.stem).encode())
    write_bytes(schema, render_json_schema().encode())
    return path, schema


def _named(text: str, stem: str) -> str:
    """Give a study the name of its file, in the letters that a study's name may have."""
    name = re.sub(r"[^a-z0-9-]+", "-", stem.lower()).strip("-") or "study"
    text = text.replace("$schema=../", "$schema=")  # the schema is written beside it
    return re.sub(r"^study: .*$", f"study: {name}", text, count=1, flags=re.M)

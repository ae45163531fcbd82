"""Refuses places where a command cannot write what it makes, before it has made it."""

from __future__ import annotations

from pathlib import Path

from gauger.errors import Place, UserError
from gauger.store import RunDirectory


def check_folder(folder: Path, option: str, hint: str = "") -> None:
    """Refuse a place where no folder can be: a file stands there or in its path.

    Parameters
    ----------
    folder : Path
        It need not exist.
    option : str
        How the user named it, for the message.
    hint : str
        What to do.

    Raises
    ------
    UserError
        With the file that stands in the way.
    """
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise UserError(f"a folder for {option}", "an existing file", Place(str(place)), hint)


def check_file(file: Path, option: str) -> None:
    """Refuse a place where no file can be: a folder, or below a file.

    Parameters
    ----------
    file : Path
        An existing file is fine; it will be replaced.
    option : str
        How the user named it, for the message.

    Raises
    ------
    UserError
        With the folder or file that stands in the way.
    """
    if file.is_dir():
        raise UserError(f"a file for {option}", "a folder", Place(str(file)))
    check_folder(file.parent, option)


def check_report_folder(folder: Path, option: str) -> None:
    """Refuse a place where the folder of a comparison cannot be, or where a study's run is.

    Parameters
    ----------
    folder : Path
        It need not exist.
    option : str
        How the user named it, for the message.

    Raises
    ------
    UserError
        With what stands in the way: a run's own estimates would be replaced.
    """
    check_folder(folder, option)
    if RunDirectory(folder).frozen.exists():
        given = "the directory of a study's run"
        raise UserError(f"a folder of the comparison's own for {option}", given, Place(str(folder)))

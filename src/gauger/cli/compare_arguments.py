"""Reads the arms that the command line of ``gauger compare`` names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gauger.errors import UserError, nearest

if TYPE_CHECKING:
    from gauger.measure import ArmLogs, Wants

KINDS = ("distilled", "control", "teacher", "base")
"""Arms that can be given, in the order of the report."""
USAGE = "gauger compare distilled=PATH control=PATH, or gauger compare RECORDS --distilled ARM --control ARM"


def gather(
    arguments: Sequence[str], names: Sequence[tuple[str, str]], wants: Wants, pattern: str | None
) -> list[ArmLogs]:
    """Read the logs of every arm, from one records table or from a path per arm.

    Parameters
    ----------
    arguments : sequence of str
        ARM=PATH, or the one records table.
    names : sequence of (kind, name)
        Arms of the records table; empty where paths are given.
    wants : Wants
        Columns under other names, a column to group by.
    pattern : str, optional
        How replicates are told apart.
    """
    from gauger.measure import arms_of_table, gather_arm

    if names:
        if len(arguments) != 1:
            raise UserError("one records table beside --distilled and --control", f"{len(arguments)} arguments")
        _refuse_twice([name for _, name in names])
        _check_kinds([kind for kind, _ in names])
        return arms_of_table(Path(arguments[0]), names, wants, pattern)
    paths = _paths(arguments)
    _refuse_twice([name for _, name in paths])
    arms = [gather_arm(name, kind, found, wants, pattern) for (kind, name), found in paths.items()]
    _check_kinds([arm.kind for arm in arms])
    return arms


def _check_kinds(kinds: Sequence[str]) -> None:
    if "distilled" not in kinds or not {"control", "base"} & set(kinds):
        given = ", ".join(kinds)
        raise UserError("a distilled arm and a control (or a base) to compare it with", f"only {given}", hint=USAGE)


def _refuse_twice(names: Sequence[str]) -> None:
    twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
    if twice is not None:
        raise UserError("arms with different names", f"{twice!r} twice")


def _paths(arguments: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    """Return (kind, name) -> its paths, in the order of `KINDS`; only students may have names of their own."""
    paths: dict[tuple[str, str], list[str]] = {}
    for argument in arguments:
        arm, path = _split(argument, "ARM=PATH")
        kind, colon, name = arm.partition(":")
        if kind not in KINDS:
            raise UserError("an arm", repr(kind), hint=nearest(kind, KINDS))
        if colon and (kind != "distilled" or not name):
            raise UserError("a name for a student (distilled:NAME=PATH)", repr(arm), hint=USAGE)
        paths.setdefault((kind, name or kind), []).append(path)
    return {key: paths[key] for kind in KINDS for key in paths if key[0] == kind}


def split_pairs(texts: Sequence[str], form: str) -> dict[str, str]:
    """Return the pairs of an option that may be repeated; one name with two values is refused.

    Parameters
    ----------
    texts : sequence of str
        NAME=VALUE each.
    form : str
        How the option is written, for messages.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, value = _split(text, form)
        if pairs.setdefault(name, value) != value:
            given = f"{pairs[name]!r} and {value!r}"
            raise UserError(f"one value of {form.partition('=')[2]} for {name!r}", given)
    return pairs


def _split(text: str, form: str) -> tuple[str, str]:
    name, sign, value = text.rpartition("=") if form.endswith("ROLE") else text.partition("=")
    if not (name and sign and value):
        raise UserError(form, repr(text), hint=USAGE if form == "ARM=PATH" else "")
    return name, value

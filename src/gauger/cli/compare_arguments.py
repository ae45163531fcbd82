"""Reads the arms that the command line of ``gauger compare`` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gauger.errors import UserError

USAGE = "gauger compare distilled=PATH control=PATH, or gauger compare RECORDS --distilled ARM --control ARM"


def are_runs(arguments: Sequence[str]) -> bool:
    """Tell whether runs, or records tables, are to be set side by side: several paths, and no ARM=PATH."""
    return len(arguments) > 1 and all("=" not in argument or Path(argument).exists() for argument in arguments)


def refuse_unread(options: Mapping[str, object]) -> None:
    """Refuse options that say nothing of runs side by side: how answers are read is each run's own."""
    given = [name for name, value in options.items() if value]
    if given:
        raise UserError("runs side by side without options of logs", ", ".join(given))


def records_table(arguments: Sequence[str]) -> Path:
    """Return the one records table whose arms are named by options."""
    if len(arguments) != 1:
        raise UserError("one records table beside --distilled and --control", f"{len(arguments)} arguments")
    return Path(arguments[0])


def paths_of_arms(arguments: Sequence[str]) -> dict[str, list[str]]:
    """Return arm -> its paths, as they were given."""
    paths: dict[str, list[str]] = {}
    for argument in arguments:
        arm, path = _split(argument, "ARM=PATH")
        paths.setdefault(arm, []).append(path)
    return paths


def example_arguments(given: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arms and roles of the sample logs, as a command line names them.

    Raises
    ------
    UserError
        Where logs were given as well.
    """
    from gauger.measure import EXAMPLE_ROLES, example_logs

    if given:
        raise UserError("--example alone, or logs", f"--example with {given[0]!r}")
    arms = [f"{arm}={path}" for arm, paths in example_logs().items() for path in paths]
    return arms, [f"{name}={role}" for name, role in EXAMPLE_ROLES.items()]


def command_of(arms: Sequence[str], roles: Sequence[str]) -> str:
    """Return the command line that compares these arms."""
    import shlex

    return shlex.join(["gauger", "compare", *arms, *(part for role in roles for part in ("--role", role))])


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

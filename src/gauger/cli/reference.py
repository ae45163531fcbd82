"""Writes docs/cli.md from the commands themselves: ``python -m gauger.cli.reference docs/cli.md``.

The text is made of names, help texts and defaults alone, so that it does not change with the version of the library
that prints ``--help``. A test keeps the file in step.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEAD = """# Command reference

<!-- Written by `python -m gauger.cli.reference docs/cli.md`; change the help texts in src/gauger/cli instead. -->

Results go to standard output, progress and messages to standard error. Every command that has a result takes `--json`.

| exit code | means |
|---|---|
| 0 | done |
| 2 | a mistake in what you gave: the message says where and what to do |
| 1 | a fault in Gauger, or a computation that did not come to an end |
| 128 + n | stopped by signal n (130 after Ctrl-C); the same command continues |
"""


def render() -> str:
    """Return the reference of all commands as Markdown."""
    from typer.main import get_command

    from gauger.cli.application import build

    root: Any = get_command(build())
    parts = [HEAD]
    for name, command in root.commands.items():
        parts += _sections(command, f"gauger {name}")
    return "\n".join(parts)


def _sections(command: Any, name: str) -> Iterator[str]:
    """One section per command, groups before their members."""
    members: dict[str, Any] = getattr(command, "commands", {})
    usage = [name, *(["COMMAND"] if members else []), *(_usage(param) for param in _shown(command))]
    yield f"## `{name}`\n\n```\n{' '.join(usage)}\n```\n\n{_prose(command.help)}\n"
    if rows := [_row(param) for param in _shown(command)]:
        yield "| argument or option | meaning |\n|---|---|\n" + "\n".join(rows) + "\n"
    for member, inner in members.items():
        yield from _sections(inner, f"{name} {member}")


def _shown(command: Any) -> list[Any]:
    """Arguments and options in the order of the command, hidden ones left out."""
    return [param for param in command.params if not getattr(param, "hidden", False)]


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _value(param: Any) -> str:
    """The placeholder of a parameter's value; empty for a flag."""
    if getattr(param, "is_flag", False):
        return ""
    return str(param.metavar or param.name.upper()).strip("[]")


def _spelling(param: Any) -> str:
    """How the parameter is typed: ``DIR``, ``--out DIR``, ``--json``, ``--plot/--no-plot``."""
    if _is_argument(param):
        return _value(param)
    names = "/".join([", ".join(param.opts), *param.secondary_opts])
    return f"{names} {_value(param)}".strip()


def _usage(param: Any) -> str:
    many = param.nargs == -1 or getattr(param, "multiple", False)
    text = _spelling(param)
    text += " ..." if many and "..." not in text else ""
    return text if param.required else f"[{text}]"


def _row(param: Any) -> str:
    default = param.default
    plain = isinstance(default, int | float | str) and not isinstance(default, bool) and default != ""
    default_text = f" Default: `{default}`." if plain else ""
    cells = (f"`{_spelling(param)}`", _prose(param.help) + default_text)
    return "| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in cells) + " |"


def _prose(text: str | None) -> str:
    """One paragraph per paragraph, whatever the line breaks of the source."""
    paragraphs = (text or "").replace("\b", "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).strip()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")

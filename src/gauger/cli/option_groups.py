"""Lets options that belong together be declared once, as a dataclass, and given to a command as one parameter.

A field of the dataclass is declared as a parameter of a command is: ``csv: Annotated[Path | None, typer.Option(...)]``.
A command that takes the group has its options where the group stands among its parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose parameters that are dataclasses stand on the command line option by option.

    Parameters
    ----------
    command : callable
        Its parameters are given by name.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    options: list[Parameter] = []
    for name, parameter in signature(command).parameters.items():
        options += _options(groups[name]) if name in groups else [parameter.replace(annotation=hints[name])]

    @wraps(command)
    def from_options(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    # Typer reads both: the order and defaults from the signature, the types from the annotations.
    from_options.__dict__["__signature__"] = Signature(options)
    from_options.__annotations__ = {option.name: option.annotation for option in options}
    return from_options


def _options(group: Any) -> Iterator[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        default = Parameter.empty if field.default is MISSING else field.default
        yield Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=hints[field.name])

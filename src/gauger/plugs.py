"""Finds parts by name: our own from a table, those of other packages through entry points, imported when first used.

Every kind of part that a user can add (stage, strategy, filter, world, importer, estimand, engine, ...) has one
`Registry`. A table holds ``name -> "module:attribute"``, so that knowing which parts there are imports none of them,
and so that the code behind a job can be told from the parts that the job names (`execute.code`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from gauger.errors import GaugerError, UserError, nearest


class Registry(Mapping[str, str]):
    """The parts of one kind, by name.

    Parameters
    ----------
    what : str
        A noun phrase for messages: "a strategy".
    group : str
        Entry points of other packages: ``[project.entry-points."gauger.strategies"]``.
    own : mapping
        Name -> "module:attribute".

    Raises
    ------
    GaugerError
        On first use, where an entry point takes a name that is taken.
    """

    def __init__(self, what: str, group: str, own: Mapping[str, str]) -> None:
        self.what, self.group, self.own = what, group, own

    @cached_property
    def targets(self) -> Mapping[str, str]:
        """Every name with its "module:attribute", our own first."""
        targets = dict(self.own)
        for point in sorted(entry_points(group=self.group), key=lambda point: (point.name, point.value)):
            if targets.setdefault(point.name, point.value) != point.value:
                taken = targets[point.name]
                raise GaugerError(f"{self.what} named {point.name!r} is offered twice: by {taken} and by {point.value}")
        return targets

    def __getitem__(self, name: str) -> str:
        if name not in self.targets:
            raise UserError(self.what, repr(name), hint=nearest(name, self.targets))
        return self.targets[name]

    def __contains__(self, name: object) -> bool:
        return name in self.targets

    def __iter__(self) -> Iterator[str]:
        return iter(self.targets)

    def __len__(self) -> int:
        return len(self.targets)

    def load(self, name: str) -> Any:
        """Import a part.

        Raises
        ------
        UserError
            For an unknown name, with the nearest known one and the list.
        """
        return load_target(self[name])


def load_target(target: str) -> Any:
    """Import what ``module:attribute`` names."""
    module, _, attribute = target.partition(":")
    value = getattr(import_module(module), attribute, None)
    if value is None:
        raise GaugerError(f"{target} names nothing: the module {module} has no {attribute}")
    return value

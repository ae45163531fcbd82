"""Looks up in the document what parts of a report ask for: arms by kind, benchmarks by role, estimates by name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from gauger.errors import InputError
from gauger.estimate import without_room
from gauger.records import READABLE_SCHEMAS, ArmKind, Role, Scale
from gauger.store import as_current

Row = Mapping[str, Any]
"""One record of the document (an estimate, an arm, a benchmark) as parsed from JSON."""

_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
ROLES = tuple(role.value for role in Role)


class View:
    """Read-only access to one document (`Document.to_dict()`, or `estimates.json` parsed).

    Raises
    ------
    InputError
        If the mapping is of neither schema `gauger.estimates/2` nor `gauger.estimates/1`.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        if document.get("schema") not in READABLE_SCHEMAS:
            wanted = f"a document of schema {' or '.join(READABLE_SCHEMAS)}"
            raise InputError(wanted=wanted, given=repr(document.get("schema")))
        document = encodable(as_current(document))
        self.document = document
        self.study: Row = document["study"]
        self.estimates: Sequence[Row] = document["estimates"]
        self.arms: Sequence[Row] = document.get("arms") or ()
        self.benchmarks: Sequence[Row] = document.get("benchmarks") or ()
        self.verdict: Row | None = document.get("verdict")

    def rows(self, name: str) -> Sequence[Row]:
        """Return a part of the document that is a list, empty where it is absent."""
        return self.document.get(name) or ()

    @property
    def is_compare(self) -> bool:
        """Whether the numbers come from logs that already existed, without any training here."""
        return self.study.get("kind") == "compare"

    @property
    def is_side_by_side(self) -> bool:
        """Whether the document holds runs side by side."""
        return self.study.get("kind") == "runs"

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """Arm name -> kind."""
        return {arm["name"]: arm["kind"] for arm in self.arms}

    @cached_property
    def distilled(self) -> Sequence[str]:
        """Names of the arms the study is about, in declared order, the verdict's arm first."""
        names = [arm["name"] for arm in self.arms if arm["kind"] == ArmKind.DISTILLED]
        if not names:
            names = list(dict.fromkeys(row["arm"] for row in self.estimates if row["estimand"] == "uplift"))
        return sorted(names, key=lambda name: name != self._judged_arm)

    @property
    def _judged_arm(self) -> str | None:
        return self.verdict["rule"].get("arm") if self.verdict else None

    @property
    def headline_arm(self) -> str | None:
        """The arm of the verdict rule, else the first distilled one, else None."""
        return self._judged_arm or (self.distilled[0] if self.distilled else None)

    def of_kind(self, *kinds: str) -> list[str]:
        """Return the names of the arms of these kinds, in declared order."""
        return [arm["name"] for arm in self.arms if arm["kind"] in kinds]

    def arm(self, name: str) -> Row:
        """Return an arm's description; an arm without one answers with its name alone."""
        return next((arm for arm in self.arms if arm["name"] == name), {"name": name, "kind": "", "description": ""})

    @cached_property
    def benchmark_roles(self) -> Mapping[str, str | None]:
        """Benchmark name -> role, in the order of roles and then of declaration; None where no role was given."""
        known = {row["name"]: row.get("role") or None for row in self.benchmarks}
        for row in self.estimates:
            if row.get("benchmark") and row["benchmark"] not in known:
                known[row["benchmark"]] = row.get("role") or None
        order = {role: place for place, role in enumerate(ROLES)}
        return dict(sorted(known.items(), key=lambda entry: order.get(entry[1] or "", len(ROLES))))

    @cached_property
    def roles(self) -> Sequence[str | None]:
        """The roles that occur, in their fixed order."""
        return list(dict.fromkeys(self.benchmark_roles.values()))

    def in_role(self, role: str | None) -> list[str]:
        """Return the benchmarks of a role."""
        return [name for name, own in self.benchmark_roles.items() if own == role]

    @cached_property
    def _index(self) -> Mapping[tuple[str, str], Sequence[Row]]:
        index: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self.estimates:
            if in_points(row):
                index[row["estimand"], row["arm"]].append(row)
        return index

    def of(self, estimand: str, arm: str) -> Sequence[Row]:
        """Return every estimate of one estimand for one arm, in points."""
        return self._index.get((estimand, arm), ())

    def rescaled(self, estimand: str, arm: str) -> Sequence[Row]:
        """Return the same on other scales than points."""
        return [
            row for row in self.estimates if (row["estimand"], row["arm"]) == (estimand, arm) and not in_points(row)
        ]

    def on(self, estimand: str, arm: str, benchmark: str) -> Row | None:
        """Return the estimate on one benchmark, or None where the document has none."""
        return next((row for row in self.of(estimand, arm) if row.get("benchmark") == benchmark), None)

    def over(self, estimand: str, arm: str, role: str | None) -> Row | None:
        """Return the estimate that averages over a role's benchmarks, or None where the document has none."""
        return next((row for row in self.of(estimand, arm) if averages(row) and role_of(row) == role), None)

    def headline(self, estimand: str, arm: str, role: str | None) -> Row | None:
        """Return the average over a role; where the role has one benchmark alone, that benchmark's estimate."""
        average = self.over(estimand, arm, role)
        names = self.in_role(role)
        return self.on(estimand, arm, names[0]) if average is None and len(names) == 1 else average

    @cached_property
    def without_room(self) -> Mapping[str, str]:
        """Benchmark -> ceiling or floor, where every arm stands at that end."""
        rows = [row for row in self.estimates if row["estimand"] == "score" and row.get("benchmark") and in_points(row)]
        return without_room((row["benchmark"], row["arm"], row["value"]) for row in rows)

    def marked(self, benchmark: str) -> str:
        """Return a benchmark's name, with a word on it where every arm stands at its ceiling or floor."""
        end = self.without_room.get(benchmark)
        return f"{benchmark} (at {end})" if end else benchmark

    def matched_of(self, arm: str) -> str | None:
        """Return the control that an arm's uplift is taken against: as declared, else as its estimates say."""
        named = (row["control"] for row in self.of("uplift", arm) if row["control"])
        return self.arm(arm).get("matched") or next(named, None)

    def arms_with(self, estimand: str) -> list[str]:
        """Return the arms that have an estimate of this name: distilled first, then as declared."""
        known = list(dict.fromkeys([*self.distilled, *(arm["name"] for arm in self.arms)]))
        extra = [row["arm"] for row in self.estimates if row["arm"] not in known]
        return [name for name in [*known, *dict.fromkeys(extra)] if self.of(estimand, name)]


def encodable(value: Any) -> Any:
    """Return a parsed JSON value with half surrogate pairs replaced by U+FFFD.

    JSON can hold them, UTF-8 cannot: neither a page, nor an SVG, nor a browser's document could be written with one.
    """
    if isinstance(value, str):
        return _HALF_A_PAIR.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {encodable(key): encodable(entry) for key, entry in value.items()}
    return [encodable(entry) for entry in value] if isinstance(value, list | tuple) else value


def in_points(row: Row) -> bool:
    """Tell whether an estimate stands on the scale of scores."""
    return (row.get("scale") or Scale.POINTS) == Scale.POINTS


def averages(row: Row) -> bool:
    """Tell whether an estimate averages over benchmarks."""
    return row.get("benchmark") is None


def role_of(row: Row) -> str | None:
    """Return the role an estimate is about: the one it averages over, else its benchmark's."""
    return row.get("over") or row.get("role") or None


def defined(rows: Iterable[Row | None]) -> Iterator[Row]:
    """Yield the estimates that exist and have a value."""
    return (row for row in rows if row is not None and row.get("value") is not None)

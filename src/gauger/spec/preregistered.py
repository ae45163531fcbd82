"""Fixes at a run's start the verdict rule, and everything that decides what is compared with what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gauger.spec.controls import TEACHER, expand_arms, resolved_controls, switched_off
from gauger.spec.fingerprints import numbers
from gauger.spec.study import Study

FROZEN_SCHEMA = "gauger.frozen/1"


@dataclass(frozen=True)
class FrozenComparison:
    """Whether a study still follows the rule that was fixed when its run began."""

    post_hoc: bool
    """True when anything changed after the start; the report then says so."""
    changes: tuple[str, ...]
    """One sentence per change: "verdict.threshold was 0.25 and is now 0.1"."""


def frozen_rule(study: Study) -> dict[str, Any]:
    """What a run stores at its start, as JSON-able data.

    The verdict rule, how records become estimates, the role of each benchmark, which controls are on and what they
    copy, and every contrast by name. Not in it: seeds, sizes and recipes, which the fingerprint covers, and the wording
    of reasons.
    """
    return {
        "schema": FROZEN_SCHEMA,
        "verdict": numbers(study.verdict),
        "estimation": numbers(study.estimation),
        "unparsed": study.unparsed,
        "roles": {name: str(role) for name, role in study.roles.items()},
        "controls": resolved_controls(study),
        "contrasts": _contrasts(study),
        **_defences(study),
    }


def _defences(study: Study) -> dict[str, Any]:
    """Return what decides about the defences: role, level, thresholds and surfaces, and who attacks which of them."""
    if study.defences is None:
        return {}
    fixed: dict[str, Any] = numbers(study.defences)
    passive = {name: attacker.passive for name, attacker in study.defences.attackers.items()}
    return {"defence_rule": {**fixed, "attackers": passive}}


def compare_frozen(stored: Mapping[str, Any], study: Study) -> FrozenComparison:
    """Hold a study against the rule stored at the start of its run.

    Parameters
    ----------
    stored : mapping
        What `frozen_rule` gave then, also after a round trip through JSON. Keys that one side lacks count as changes,
        unless the other has null there: a run that began before a setting existed did not choose it either.
    """
    rule = {key: value for key, value in stored.items() if key != "study"}  # its name decides nothing
    changes = changes_between(rule, frozen_rule(study))
    return FrozenComparison(bool(changes), changes)


def deciding_settings(study: Study) -> dict[str, Any]:
    """Return all of a study that can move its verdict, as JSON-able data.

    The frozen rule, and beside it seeds, replicates, sizes, recipes and the world. No prose, and no name.
    """
    settings: dict[str, Any] = numbers(study)
    named_otherwise = ("benchmarks", "controls")  # the rule holds them as `roles`, and with their defaults resolved
    return {key: value for key, value in settings.items() if key not in named_otherwise} | frozen_rule(study)


def changes_between(stored: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what differs between two of `frozen_rule` or of `deciding_settings`: one sentence per key, before and after.

    Parameters
    ----------
    stored, current : mapping
        Also after a round trip through JSON. A key that one side lacks counts as changed unless the other has null.
    """
    then, now = dict(_leaves(stored)), dict(_leaves(current))
    keys = sorted(then.keys() | now.keys())
    return tuple(_change(key, then, now) for key in keys if then.get(key) != now.get(key))


_ABSENT = "absent"


def _change(key: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return f"{key} was {then.get(key, _ABSENT)} and is now {now.get(key, _ABSENT)}"


def _contrasts(study: Study) -> dict[str, list[str]]:
    """Arm -> the controls it is compared with: its matched arm, and the base."""
    base = [] if "base" in switched_off(study) else ["base"]
    return {
        arm.name: [arm.start] if arm.start == TEACHER else [*([arm.matched] if arm.matched else []), *base]
        for arm in expand_arms(study)
        if arm.name != "base"
    }


def _leaves(data: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(data, Mapping) and data:
        for name, value in data.items():
            yield from _leaves(value, f"{key}.{name}" if key else str(name))
    elif isinstance(data, list | tuple) and any(isinstance(value, Mapping) for value in data):
        for place, value in enumerate(data):
            yield from _leaves(value, f"{key}.{place}")
    else:
        yield key, list(data) if isinstance(data, tuple) else data

"""Defines the switches of the multiverse: every defensible choice of the analysis, with the reason why it stands open.

Fixed before results are seen. A switch belongs here if a careful reviewer could have chosen either way and would not be
called wrong; what merely answers another question (only hard benchmarks, only large students) is a restriction, not a
switch: silly switches would move the shares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType


@dataclass(frozen=True)
class Switch:
    """One open choice."""

    name: str
    options: tuple[str, ...]
    """The pre-specified analysis' choice first."""
    reason: str
    """Why each option is defensible."""


SWITCHES: tuple[Switch, ...] = (
    Switch(
        "control", ("untouched base", "all non-distilled"),
        "The untouched base credits the teacher with all that training brings; other non-distilled controls share some "
        "of it but differ from study to study.",
    ),
    Switch(
        "roles", ("first coder", "second coder"),
        "Two coders disagree on what some benchmarks are to the training data; neither is right by definition.",
    ),
    Switch(
        "sources", ("all", "checked or primary", "primary"),
        "Transcriptions carry slips; leaving them out also leaves out whole kinds of studies.",
    ),
    Switch(
        "handicapped controls", ("left out", "kept", "doubtful left out too"),
        "A control that cannot answer in the form asked measures format; but leaving it out selects on a low control.",
    ),
    Switch(
        "cleaning", ("rules", "as published"),
        "Suspected artefacts, superseded and repeated measurements bias or double count; each rule is a judgement.",
    ),
    Switch(
        "risk of bias", ("all", "no high risk", "low risk"),
        "Weak designs can create a gain that is not there; strict selection leaves few studies.",
    ),
    Switch(
        "effect scale", ("points", "log-odds"),
        "Points are what readers quote; log-odds do not saturate near 0 and 100. Log-odds means are turned into points "
        "by averaging over the control scores of their role.",
    ),
    Switch(
        "heterogeneity", ("by role", "one variance"),
        "The data reject one variance for all roles, but most meta-analyses use one.",
    ),
    Switch(
        "shared controls", ("correlated", "independent"),
        "Rows that share a control share its error; ignoring that is common and cannot bias the mean.",
    ),
)  # fmt: skip

Specification = Mapping[str, str]


def specifications() -> tuple[Specification, ...]:
    """Return all combinations of the switches, the pre-specified analysis first."""
    names = [switch.name for switch in SWITCHES]
    combined = product(*(switch.options for switch in SWITCHES))
    return tuple(MappingProxyType(dict(zip(names, chosen, strict=True))) for chosen in combined)

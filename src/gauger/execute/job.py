"""Describes a job: one function call whose result is kept under the hash of everything that can change it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gauger.errors import JobError
from gauger.store import JSON, fingerprint, plain

RESOURCES = ("cpus", "gpus", "memory_gb")
"""What a job may ask of the machine that runs it; one CPU where it says nothing."""


@dataclass(frozen=True)
class Job:
    """One node of the plan.

    The function behind it is called as ``function(params, inputs, out)``: `params` as below, `inputs` a mapping from
    role to the directory that the input job filled, `out` a fresh directory to write files into.
    """

    key: str
    """Content address, 64 hexadecimal digits: kind, params, input keys and code version."""
    kind: str
    """What it does, a name in the registry of jobs ("pretrain", "train", "measure")."""
    name: str
    """The job in words: "label · replicate 2 · train"."""
    params: Mapping[str, JSON]
    inputs: Mapping[str, str]
    """Role -> key of the job whose result is read under that role."""
    cost: float
    """Expected cost relative to other jobs (any unit, from 0 up): order of execution and time left."""
    arm: str
    replicate: int | None
    """None where the job does not belong to one replicate."""
    stage: str
    resources: Mapping[str, float] = field(default_factory=dict)
    """Some of `RESOURCES` -> amount: where a cluster may place it; a label, no part of the key."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping that stands in a run's `jobs.json`."""
        fields = ("key", "kind", "name", "arm", "replicate", "stage", "cost")
        return {name: getattr(self, name) for name in fields} | {
            "resources": dict(self.resources),
            "inputs": dict(self.inputs),
            "params": plain(self.params),
        }


def make_job(
    kind: str,
    name: str,
    params: Mapping[str, JSON],
    inputs: Mapping[str, str],
    *,
    cost: float,
    arm: str,
    replicate: int | None,
    stage: str,
    version: str,
    resources: Mapping[str, float] | None = None,
    decisive: Mapping[str, JSON] | None = None,
    addressed_inputs: Mapping[str, str] | None = None,
) -> Job:
    """Make a job and compute its key.

    key = SHA-256 of the canonical JSON of kind, params, inputs and version. Name, arm, replicate, stage, cost and
    resources are labels: two arms that ask for the same work get the same key, and it is done once.

    Parameters
    ----------
    version : str
        Version of the code behind `kind`; a change makes earlier results unreachable (`code.code_version`).
    resources : mapping, optional
        What it asks of a node of a cluster (`RESOURCES`).
    decisive : mapping, optional
        The part of `params` that can change the result, which alone enters the key; None: all of it.
    addressed_inputs : mapping, optional
        What stands for `inputs` in the key: role -> digest of what decides that input's content; None: their keys.
    """
    if not (math.isfinite(cost) and cost >= 0):
        raise JobError(f"{name}: a job's cost is a finite number from 0 up, got {cost}")
    for what, amount in (resources or {}).items():
        if what not in RESOURCES or not (math.isfinite(amount) and amount >= 0):
            known = ", ".join(RESOURCES)
            raise JobError(f"{name}: a job asks for a number from 0 up of {known}, got {what}={amount}")
    own = {key: plain(value, f"params.{key}") for key, value in params.items()}
    addressed = own if decisive is None else plain(decisive, "params")
    keys = inputs if addressed_inputs is None else addressed_inputs
    key = fingerprint({"kind": kind, "params": addressed, "inputs": keys, "version": version})
    return Job(key, kind, name, own, dict(inputs), cost, arm, replicate, stage, dict(resources or {}))

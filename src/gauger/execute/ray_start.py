"""Starts Ray quietly and for this machine alone, and says in words how one of its workers was lost."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

from gauger.errors import MissingExtraError
from gauger.execute.executor import FEWER_WORKERS

QUIET: Mapping[str, str] = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
}
"""Environment of Ray: no usage statistics, and a job that declares no GPU sees what a process of this machine sees."""
LOOPBACK = "127.0.0.1"


@contextmanager
def on_loopback() -> Iterator[None]:
    """Let a Ray that is started meanwhile listen on 127.0.0.1 alone.

    Ray has no setting for it: it turns the loopback address into the machine's own before it starts its services, which
    then listen everywhere. So these two questions of its start are answered here.
    """
    from ray._private import services

    answers = {"get_node_ip_address": lambda *_, **__: LOOPBACK, "resolve_ip_for_localhost": lambda address: address}
    kept = {name: getattr(services, name) for name in answers if hasattr(services, name)}
    for name in kept:
        setattr(services, name, answers[name])
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(services, name, function)


def import_ray(*, own: bool) -> ModuleType:
    """Import Ray, quiet; for one of our own with a token, which Ray reads once, when it is imported first.

    Raises
    ------
    MissingExtraError
        Where it is not installed.
    """
    os.environ.update(QUIET)
    if own and "ray" not in sys.modules:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        import ray
    except ModuleNotFoundError:
        raise MissingExtraError("running on a Ray cluster", "ray") from None
    return ray


def describe_loss(error: Exception) -> str:
    """Say in one line how a worker was lost."""
    reasons = {
        "WorkerCrashedError": "its worker was killed or crashed",
        "NodeDiedError": "its node was lost",
        "OutOfMemoryError": f"its worker was killed for want of memory; {FEWER_WORKERS}",
    }
    name = type(error).__name__
    return reasons.get(name) or f"{name}: {str(error).strip().splitlines()[0]}"

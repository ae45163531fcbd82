"""Holds BLAS to one thread for matrices of a few hundred rows: more threads only wait for each other.

On a machine with other work, two spinning threads made the full-size fit ten to fifty times slower than one.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


@cache
def _pools() -> ThreadpoolController:
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which BLAS uses one thread; the setting before is restored on leaving."""
    context: AbstractContextManager[object] = _pools().limit(limits=1, user_api="blas")
    return context

"""Keeps open until a job has ended what was opened on its behalf: servers, folders."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from typing import TypeVar

from gauger.errors import GaugerError

T = TypeVar("T")
_OPEN: ContextVar[ExitStack | None] = ContextVar("open", default=None)


@contextmanager
def job_scope() -> Iterator[None]:
    """Close at the end of the block, however it ends, what `until_done` was given within it, the last first."""
    with ExitStack() as stack:
        token = _OPEN.set(stack)
        try:
            yield
        finally:
            _OPEN.reset(token)
            _let_go_of_gpus()


def _let_go_of_gpus() -> None:
    """Give memory of GPUs back that a job's models have left: kept by this process, it would be missing to a server."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()


def until_done(manager: AbstractContextManager[T]) -> T:
    """Enter a context that ends with the running job; returns what it gives."""
    stack = _OPEN.get()
    if stack is None:
        raise GaugerError("nothing can be kept open outside a job")
    return stack.enter_context(manager)

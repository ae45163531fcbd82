"""Runs work in another thread and yields its results here, so that asynchronous clients look synchronous."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class _End:
    error: BaseException | None


class Background(Generic[T]):
    """A producer in a thread of its own.

    Parameters
    ----------
    produce : callable
        Called once, in the thread, with a function that takes each result.
    stop : callable
        Called from here when results are no longer wanted; `produce` should then come to an end.
    name : str
        Of the thread.
    """

    def __init__(self, produce: Callable[[Callable[[T], None]], None], stop: Callable[[], None], name: str) -> None:
        self._produce, self._stop, self._name = produce, stop, name
        self._queue: SimpleQueue[T | _End] = SimpleQueue()

    def batches(self) -> Iterator[list[T]]:
        """Yield what has come since the last time, at least one result each time; raise what the producer raised."""
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        thread.start()
        ended: _End | None = None
        try:
            while ended is None:
                batch, ended = self._ready()
                if batch:
                    yield batch
        finally:
            if ended is None:
                self._stop()
            thread.join()
        if ended.error is not None:
            raise ended.error

    def _ready(self) -> tuple[list[T], _End | None]:
        """Wait for a result, then take all there are."""
        batch: list[T] = []
        while True:
            result = self._queue.get()
            if isinstance(result, _End):
                return batch, result
            batch.append(result)
            if self._queue.empty():
                return batch, None

    def _run(self) -> None:
        try:
            self._produce(self._queue.put)
        except BaseException as error:  # noqa: BLE001  it is raised again where the results are taken
            self._queue.put(_End(error))
        else:
            self._queue.put(_End(None))

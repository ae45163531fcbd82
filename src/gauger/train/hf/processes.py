"""Shares each step among the processes that `accelerate launch` started, on whatever devices there are."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gauger.spec import Precision
from gauger.train.hf.models import precision

if TYPE_CHECKING:
    from accelerate import Accelerator  # type: ignore[import-untyped]


class Launched:
    """The processes of accelerate; offers `train.processes.Processes`.

    Parameters
    ----------
    chosen : {"float32", "bfloat16"}, optional
        In what a step is multiplied; None: as the device is best used.
    """

    def __init__(self, chosen: Precision | None = None) -> None:
        from accelerate import Accelerator

        mixed = "bf16" if precision() == torch.bfloat16 else "no"
        self._accelerator: Accelerator = Accelerator(mixed_precision=mixed)
        self._chosen = chosen

    @property
    def index(self) -> int:
        """Number of the running process."""
        return int(self._accelerator.process_index)

    @property
    def count(self) -> int:
        """Number of processes."""
        return int(self._accelerator.num_processes)

    @property
    def device(self) -> torch.device:
        """Device of the running process."""
        device: torch.device = self._accelerator.device
        return device

    def sum(self, value: Tensor) -> Tensor:
        """Return the sum over all processes."""
        total: Tensor = self._accelerator.reduce(value, "sum")
        return total

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context of mixed precision."""
        if self._chosen is not None:  # accelerate has one precision a process, which other models may share
            is_mixed = self._chosen == "bfloat16"
            return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=is_mixed)
        context: AbstractContextManager[None] = self._accelerator.autocast()
        return context

    def wait(self) -> None:
        """Wait for the others."""
        self._accelerator.wait_for_everyone()

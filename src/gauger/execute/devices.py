"""Counts the GPUs that this process may use, and the memory of each, without loading what uses them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
_DRIVER = Path("/proc/driver/nvidia/gpus")


def visible_gpus(environment: Mapping[str, str] | None = None, driver: Path = _DRIVER) -> tuple[str, ...]:
    """Name the GPUs of this process: those that `CUDA_VISIBLE_DEVICES` lists, else all that the driver has.

    Parameters
    ----------
    environment : mapping, optional
        Instead of this process's.
    driver : Path
        Where NVIDIA's driver lists its GPUs, one folder each.

    Returns
    -------
    tuple of str
        As `CUDA_VISIBLE_DEVICES` has them; none where the variable is empty, or is -1, or there is no driver.
    """
    listed = (os.environ if environment is None else environment).get(VISIBLE)
    if listed is not None:
        named = [name.strip() for name in listed.split(",") if name.strip()]
        # CUDA reads the list up to the first that it does not know; -1 is the usual way to say "none from here on"
        return tuple(named[: named.index("-1")] if "-1" in named else named)
    there = sorted(driver.iterdir()) if driver.is_dir() else []
    return tuple(str(number) for number in range(len(there)))


def memory_gb(gpus: int, meminfo: Path = Path("/proc/meminfo")) -> float | None:
    """Return the memory in gigabytes that one job has: of the smallest GPU, else of the machine; None where unknown.

    Parameters
    ----------
    gpus : int
        GPUs of this process.
    meminfo : Path
        Where the kernel says how much there is.
    """
    if gpus:
        command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
        try:
            output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
        except (OSError, subprocess.SubprocessError):
            return None
        return min((float(line) * 2**20 / 1e9 for line in output.split()), default=None)
    if not meminfo.is_file():
        return None
    total = next((line for line in meminfo.read_text("ascii").splitlines() if line.startswith("MemTotal:")), None)
    return None if total is None else float(total.split()[1]) * 1024 / 1e9

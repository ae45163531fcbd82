"""Counts the GPUs that this process may use, and the memory of each, without loading what uses them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import takewhile
from pathlib import Path
from shutil import which

from gauger.errors import GaugerError

VISIBLE = "CUDA_VISIBLE_DEVICES"
_DRIVER = Path("/proc/driver/nvidia/gpus")
_NAME = re.compile(r"\d+|(GPU|MIG)-.*")
"""What CUDA knows in the variable: Slurm's `NoDevFiles`, -1 and others mean "none from here on"."""
_LISTING = {
    ("nvidia-smi", "-L"): re.compile(r"^GPU \d+:", re.M),
    ("/usr/lib/wsl/lib/nvidia-smi", "-L"): re.compile(r"^GPU \d+:", re.M),
    ("rocm-smi", "--showid"): re.compile(r"^GPU\[\d+\].*Device ID", re.M),
}
"""Program that lists GPUs where the driver's folder is not there (WSL2, Jetson, ROCm) -> a line of it for each."""
_SIGNS = ("/dev/dxg", "/dev/kfd", "/dev/nvhost-gpu")
"""Devices of GPUs: of WSL2, of ROCm, of Jetson."""
_QUERY = ("nvidia-smi", "--query-gpu=index,uuid,memory.total", "--format=csv,noheader,nounits")
_MIB = 2**20


def visible_gpus(environment: Mapping[str, str] | None = None, driver: Path = _DRIVER) -> tuple[str, ...]:
    """Name the GPUs of this process: those that `CUDA_VISIBLE_DEVICES` lists, else all that the machine has.

    Parameters
    ----------
    environment : mapping, optional
        Instead of this process's.
    driver : Path
        Where NVIDIA's driver lists its GPUs, one folder each. Where it is not there, `nvidia-smi` or `rocm-smi` is
        asked, once a process.

    Returns
    -------
    tuple of str
        As `CUDA_VISIBLE_DEVICES` has them; none where the variable names none, or nothing lists any.
    """
    listed = (os.environ if environment is None else environment).get(VISIBLE)
    if listed is not None:
        # CUDA reads the list up to the first that it does not know
        return tuple(takewhile(_NAME.fullmatch, (name.strip() for name in listed.split(",") if name.strip())))
    count = len(list(driver.iterdir())) if driver.is_dir() else _count_listed()
    return tuple(str(number) for number in range(count))


@cache
def _count_listed() -> int:
    return next((count for command, line in _LISTING.items() if (count := len(line.findall(_output(command))))), 0)


def _output(command: Sequence[str]) -> str:
    """Return what a program prints; "" where it is not there, fails or does not end."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def granted_gpus(wanted: int, whose: str) -> int:
    """Return how many GPUs something gets: as many as it wants, or none where the machine has none.

    Parameters
    ----------
    wanted : int
        0: CPUs.
    whose : str
        Who wants them, for the message.

    Raises
    ------
    GaugerError
        Where this process may use fewer, or none although the machine shows signs of some: what is meant for a GPU
        would take days on CPUs.
    """
    there = len(visible_gpus())
    if 0 < there < wanted:
        raise GaugerError(f"{whose} wants {wanted} GPUs, and this job may use {there}")
    if wanted and not there and VISIBLE not in os.environ and (signs := _signs()):
        hint = f"`gpus: 0` means CPUs; {VISIBLE} names the GPUs by hand"
        raise GaugerError(f"{whose} wants {wanted} GPUs, and none is listed here, though there is {signs[0]}: {hint}")
    return wanted if there else 0


def _signs() -> list[str]:
    """Name what is there only where there are GPUs, or should be."""
    programs = [path for program, _ in _LISTING if (path := which(program))]
    return [*programs, *(device for device in _SIGNS if Path(device).exists())]


def memory_gb(gpus: Sequence[str], meminfo: Path = Path("/proc/meminfo")) -> float | None:
    """Return the memory in gigabytes that one job has: of the smallest GPU, else of the machine; None where unknown.

    Parameters
    ----------
    gpus : sequence of str
        GPUs of this process (`visible_gpus`).
    meminfo : Path
        Where the kernel says how much there is: a GPU that shares it says no number of its own.

    Notes
    -----
    CUDA numbers GPUs by their speed unless `CUDA_DEVICE_ORDER` is `PCI_BUS_ID`, and nvidia-smi by their place. Where
    the numbers may differ, n GPUs are taken to be the n largest.
    """
    if not gpus:
        return _machine_gb(meminfo)
    rows = [line.split(", ") for line in _output(_QUERY).splitlines() if line.count(", ") == 2]
    there = {(index, uuid): float(size) if size.isdigit() else None for index, uuid, size in rows}
    if os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or not any(name.isdigit() for name in gpus):
        own = [size for (index, uuid), size in there.items() if any(_means(name, index, uuid) for name in gpus)]
    else:
        own = sorted(there.values(), key=lambda size: size or 0.0)[-len(gpus) :]
    if not own:
        return None
    known = [size for size in own if size is not None]
    return min(known) * _MIB / 1e9 if len(known) == len(own) else _machine_gb(meminfo)


def _means(name: str, index: str, uuid: str) -> bool:
    """Tell whether a name of `CUDA_VISIBLE_DEVICES` is a GPU's: its number, or the beginning of its UUID."""
    return name == index or (name.startswith("GPU-") and uuid.startswith(name))


def _machine_gb(meminfo: Path) -> float | None:
    if not meminfo.is_file():
        return None
    total = next((line for line in meminfo.read_text("ascii").splitlines() if line.startswith("MemTotal:")), None)
    return None if total is None else float(total.split()[1]) * 1024 / 1e9

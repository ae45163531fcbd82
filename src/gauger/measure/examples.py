"""Names the sample logs that come with the package: made-up answers in lm-eval's format, to try a comparison on."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

EXAMPLE_ROLES: Mapping[str, str] = {"sums": "targeted", "sums_in_words": "near", "differences": "far"}
"""Benchmark of the sample logs -> its role."""


def example_logs() -> dict[str, list[str]]:
    """Return arm -> paths of its sample logs, as `compare` takes them.

    Their numbers are drawn, not measured (tests/cli/write_example_logs.py): a student that gained on `sums`, less where
    the same sums are asked in words, and nothing on differences.
    """
    folder = files("gauger.measure").joinpath("example_logs")
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    arms = ("distilled", "control", "teacher")
    return {arm: [str(folder.joinpath(name)) for name in names if name.startswith(arm)] for arm in arms}

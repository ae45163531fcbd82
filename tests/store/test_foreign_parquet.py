"""What Polars or the system says of a file that it cannot read becomes one line that names the file."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from gauger.errors import InputError
from gauger.store.foreign_parquet import read_as_parquet


@pytest.mark.parametrize(
    ("fault", "given"),
    [
        (pl.exceptions.ComputeError("not a footer\nand more"), "not a footer"),
        (OSError(), "OSError"),
        (OSError("x" * 200), "x" * 120),
    ],
)
def test_every_fault_is_one_line_about_the_file(fault: Exception, given: str) -> None:
    with pytest.raises(InputError) as raised, read_as_parquet(Path("a.parquet")):
        raise fault
    assert (raised.value.given, str(raised.value.where)) == (given, "a.parquet")


def test_other_faults_are_our_own() -> None:
    with pytest.raises(KeyError), read_as_parquet(Path("a.parquet")):
        raise KeyError("x")

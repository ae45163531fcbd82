"""The shipped table, read and analysed once per session."""

from __future__ import annotations

import polars as pl
import pytest

from gauger.evidence.clean import prepare
from gauger.evidence.fit import Evidence, analyse
from gauger.evidence.table import Table, load


@pytest.fixture(scope="session")
def shipped() -> Table:
    return load()


@pytest.fixture(scope="session")
def rows(shipped: Table) -> pl.DataFrame:
    return prepare(shipped)


@pytest.fixture(scope="session")
def evidence(shipped: Table) -> Evidence:
    return analyse(shipped)

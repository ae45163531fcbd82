"""The shipped table, read and analysed once per session."""

from __future__ import annotations

import polars as pl
import pytest

from gauger.evidence.clean import prepare
from gauger.evidence.fit import Evidence, analyse
from gauger.evidence.table import EvidenceTable, load


@pytest.fixture(scope="session")
def shipped() -> EvidenceTable:
    return load()


@pytest.fixture(scope="session")
def rows(shipped: EvidenceTable) -> pl.DataFrame:
    return prepare(shipped)


@pytest.fixture(scope="session")
def evidence(shipped: EvidenceTable) -> Evidence:
    return analyse(shipped)

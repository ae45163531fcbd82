"""The rows of the shipped table, prepared once per session."""

from __future__ import annotations

import polars as pl
import pytest

from gauger.evidence.clean import prepare
from gauger.evidence.table import EvidenceTable


@pytest.fixture(scope="session")
def rows(shipped: EvidenceTable) -> pl.DataFrame:
    return prepare(shipped)

"""The shipped literature and the packaged campaign's forecast, made once."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from gauger.evidence import load, prepare
from gauger.forecast.document import forecast_document
from gauger.forecast.equivalents import read_progress
from gauger.forecast.literature import LiteratureRows, read_literature
from gauger.forecast.load import load_scenario


@pytest.fixture(scope="session")
def prepared() -> pl.DataFrame:
    return prepare(load())


@pytest.fixture(scope="session")
def literature(prepared: pl.DataFrame) -> LiteratureRows:
    return read_literature(prepared)


@pytest.fixture(scope="session")
def campaign(prepared: pl.DataFrame) -> dict[str, Any]:
    return forecast_document(load_scenario(), prepared, read_progress())

"""Documents as the report receives them: parsed from JSON, so that nothing rests on Python types."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from report_documents import compare_document, hostile_document, study_document


def parsed(document: Any) -> dict[str, Any]:
    return json.loads(json.dumps(document))


@pytest.fixture(scope="session")
def study() -> dict[str, Any]:
    return parsed(study_document().to_dict())


@pytest.fixture(scope="session")
def compare() -> dict[str, Any]:
    return parsed(compare_document().to_dict())


@pytest.fixture(scope="session")
def hostile() -> dict[str, Any]:
    return parsed(hostile_document())


@pytest.fixture(scope="session")
def study_page(study: dict[str, Any]) -> str:
    from gauger.report import render

    return render(study)

"""Generates the JSON Schema of the study file from the models: for editors, and for the words of error messages."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from gauger.spec.study import Study


class _Generator(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes from key names, and refuses names that match no pattern."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        mapping = super().dict_schema(schema)
        return {**mapping, "additionalProperties": False} if "patternProperties" in mapping else mapping


@cache
def study_json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a study file. Shared: do not change it."""
    schema = Study.model_json_schema(schema_generator=_Generator)
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema, "title": "A Gauger study"}


def render_json_schema() -> str:
    """Text of `studies/study.schema.json`; written by `python -m gauger.spec studies/study.schema.json`."""
    return json.dumps(study_json_schema(), indent=2, ensure_ascii=False) + "\n"

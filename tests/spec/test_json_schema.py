from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from gauger.spec import Study, render_json_schema, study_json_schema
from gauger.spec.shape import Shape, study_shape
from gauger.spec.yaml_tree import read_tree

from .study_files import DOCUMENTED, FULL, ROOT
from .test_load import SCHEMA_MISTAKES

VALIDATOR = jsonschema.Draft202012Validator(study_json_schema())


def test_the_schema_for_editors_is_in_step() -> None:
    stored = (ROOT / "studies" / "study.schema.json").read_text("utf-8")
    hint = "run: python -m gauger.spec studies/study.schema.json docs/study-file.md"
    assert stored == render_json_schema(), hint


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(render_json_schema()))


@pytest.mark.parametrize("text", [FULL, DOCUMENTED])
def test_the_schema_accepts_what_loads(text: str) -> None:
    assert list(VALIDATOR.iter_errors(read_tree(text).data)) == []


MISTAKES = [row[:2] for row in SCHEMA_MISTAKES if ".inf" not in row[1] and ".nan" not in row[1]]


@pytest.mark.parametrize(("part", "mistake"), MISTAKES)
def test_the_schema_refuses_what_does_not_load(part: str, mistake: str) -> None:
    """Infinities and NaN apart, which JSON does not have, and 10.0, which is an integer to JSON."""
    data = read_tree(FULL.replace(part, mistake, 1)).data
    valid = VALIDATOR.is_valid(data)
    assert valid == (mistake == "replicates: 1e1")
    with pytest.raises(ValidationError):
        Study.model_validate(data)


def test_every_key_is_described() -> None:
    def undescribed(shape: Shape, key: str) -> list[str]:
        found = [f"{key}.{name}" for name, child in shape.properties.items() if not child.description]
        inner: dict[str, Shape] = {**shape.properties, **shape.kinds}
        inner |= {"NAME": shape.named} if shape.named else {}
        inner |= {"N": Shape(shape.schema["items"])} if "items" in shape.schema else {}
        return found + [name for child_key, child in inner.items() for name in undescribed(child, f"{key}.{child_key}")]

    assert undescribed(study_shape(), "study") == []


def test_stand_ins_are_valid() -> None:
    def check(shape: Shape) -> None:
        schema: dict[str, Any] = {**shape.node, "$defs": study_json_schema()["$defs"]}
        jsonschema.Draft202012Validator(schema).validate(shape.stand_in())
        for child in (*shape.properties.values(), *shape.kinds.values()):
            check(child)
        if shape.named:
            check(shape.named)
        if "items" in shape.schema:
            check(Shape(shape.schema["items"]))

    check(study_shape())
    assert Study.model_validate(study_shape().stand_in())

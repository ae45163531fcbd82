from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from typing import Any

import pytest

from gauger.spec import Study, canonical_json, fingerprint, parse_study, resolved_controls
from gauger.spec.fingerprints import FINGERPRINT_SCHEMA, numbers
from gauger.spec.shape import Shape, find_shape, study_shape

from .study_files import DOCUMENTED, FULL

PROSE = ("study", "question", "description")
SAME = {
    ("controls.format.of", "None"): "the verdict's arm is the default",
    ("controls.leak.of", "None"): "the arm seeded by the benchmark is the default",
    ("controls.reference.of", "mixed"): "a control that is off copies nothing",
    ("controls.reference.off", "mixed"): "the wording of a reason is prose",
}
"""Changes that change nothing, and why."""


def plain(study: Study) -> dict[str, Any]:
    data: dict[str, Any] = study.model_dump(mode="json")
    return data


def leaves(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list) and data and isinstance(data[0], dict):
        for index, value in enumerate(data):
            yield from leaves(value, (*path, index))
    else:
        yield path


def others(shape: Shape, value: Any) -> Iterator[Any]:
    """Other values that may stand at a place."""
    schema = shape.schema
    if "enum" in schema:
        yield from (choice for choice in schema["enum"] if choice != value)
    kind = schema.get("type")
    if kind == "integer":
        yield (value or 1) + 1
    if kind == "number":
        half = (value or 1) / 2
        yield half if half >= schema.get("minimum", 0) else (value + 1) / 2
    if kind == "boolean":
        yield not value
    if kind == "array":
        yield [*(value or []), "other"]
    if kind == "string" and "enum" not in schema:
        yield "mixed"
    if kind == "object" and value is None:
        yield Shape(shape.schema).stand_in()
    if shape.nullable and value is not None:
        yield None


def changed(data: dict[str, Any], path: tuple[str | int, ...], value: Any) -> Study:
    copy = plain(Study.model_validate(data))
    place: Any = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return Study.model_validate(copy)


FULL_STUDY = parse_study(FULL)
ELSEWHERE = {
    "kind": "external",
    "trainer": "trl",
    "strategy": "label",
    "seeds": "benchmark-train",
    "forms": ["quiz"],
    "samples": 200,
    "steps": 30,
}
ASKED = {"seeds": "benchmark-train", "forms": ["quiz"], "steps": 30}
PREFERRED = {"kind": "external-preference", "trainer": "trl-dpo", "judge": "teacher", **ASKED}
REWARDED = {"kind": "external-rl", "trainer": "trl-grpo", **ASKED}
"""Stages that are not for students of the embedded world: they stand in no file that is checked."""
DATA = plain(FULL_STUDY)
DATA["arms"]["trained-elsewhere"] = {"stages": [ELSEWHERE, PREFERRED, REWARDED]}
DATA = plain(Study.model_validate(DATA))
PATHS = [path for path in leaves(DATA) if path[-1] != "kind"]


def test_the_test_reaches_every_key() -> None:
    def count(shape: Shape) -> int:
        if shape.nullable and "default" in shape.node and shape.schema.get("type") == "object":
            return 1  # a part that is left out here
        shape = shape.of_kind({})
        inner = [*shape.properties.values(), *shape.kinds.values(), *([shape.named] if shape.named else [])]
        inner += [Shape(shape.schema["items"])] if shape.schema.get("type") == "array" else []
        return sum(map(count, inner)) or 1

    top_keys = [path[0] for path in leaves(DATA)]
    kinds = {stage["kind"] for arm in DATA["arms"].values() for stage in arm["stages"]}
    assert kinds == set(Shape(study_shape().properties["arms"].named.properties["stages"].schema["items"]).kinds)  # type: ignore[union-attr]
    fixed = {key: count(shape) for key, shape in study_shape().properties.items() if key not in {"arms", "benchmarks"}}
    assert {key: top_keys.count(key) for key in fixed} == fixed


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
def test_every_key_that_can_change_a_number_changes_the_fingerprint(path: tuple[str | int, ...]) -> None:
    shape = find_shape(path, DATA)
    value: Any = DATA
    for key in path:
        value = value[key]
    assert shape is not None
    here, name = fingerprint(Study.model_validate(DATA)), ".".join(map(str, path))
    tried = [other for other in others(shape, value) if other != value]
    assert tried
    for other in tried:
        same = path[-1] in PROSE or (name, str(other)) in SAME
        assert (fingerprint(changed(DATA, path, other)) == here) == same, other


def test_prose_does_not_change_the_fingerprint() -> None:
    other = parse_study(
        FULL,
        [
            "study=another-name",
            "question=Another question?",
            "arms.label.description=Another description",
            "controls.reference.off=Another reason",
        ],
    )
    assert fingerprint(other) == fingerprint(parse_study(FULL))


def test_the_order_of_keys_does_not_change_the_fingerprint() -> None:
    def shuffled(data: Any, rng: random.Random) -> Any:
        if isinstance(data, dict):
            keys = list(data)
            rng.shuffle(keys)
            return {key: shuffled(data[key], rng) for key in keys}
        return [shuffled(item, rng) for item in data] if isinstance(data, list) else data

    for text in (FULL, DOCUMENTED):
        study = parse_study(text)
        for seed in range(5):
            other = Study.model_validate(shuffled(plain(study), random.Random(seed)))
            assert fingerprint(other) == fingerprint(study)


def test_a_default_written_out_does_not_change_the_fingerprint() -> None:
    study = parse_study(DOCUMENTED)
    written = parse_study(
        DOCUMENTED,
        ["unparsed=missing", "estimation={level: 0.95}", "controls.placebo.of=seedless", "controls.leak.of=label"],
    )
    assert fingerprint(Study.model_validate(plain(study))) == fingerprint(study)
    assert fingerprint(written) == fingerprint(study)


def test_a_whole_number_equals_itself_with_a_fraction_of_zero() -> None:
    texts = ["1", "1.0", "1e0"]
    assert len({fingerprint(parse_study(FULL, [f"verdict.threshold={text}"])) for text in texts}) == 1
    margin = "verdict.placebo_margin=0.01"
    zeros = [parse_study(FULL, [f"verdict.threshold={text}", margin]) for text in ("0", "-0.0")]
    assert len({fingerprint(study) for study in zeros}) == 1


def test_what_is_hashed_is_canonical_json() -> None:
    assert canonical_json({"b": [1, 2.5, None, True], "a": "ü"}) == '{"a":"\\u00fc","b":[1,2.5,null,true]}'
    text = canonical_json(
        {**numbers(FULL_STUDY), "controls": resolved_controls(FULL_STUDY), "schema": FINGERPRINT_SCHEMA}
    )
    assert fingerprint(FULL_STUDY) == hashlib.sha256(text.encode("ascii")).hexdigest()


def test_no_undefined_number_is_hashed() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})

"""Reads off the JSON Schema what may stand at each place of a study file: keys, expectations, stand-ins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gauger.spec.base import NAME_PATTERN
from gauger.spec.ingredients import ORDER_PATTERN, WORD_PATTERN
from gauger.spec.json_schema import study_json_schema

_PATTERNS = {
    NAME_PATTERN: "a name (lower-case letters, digits, single hyphens)",
    r"\S": "a reason in words",
    WORD_PATTERN: "names joined by colons",
    ORDER_PATTERN: "names joined by plus signs",
}
_STAND_INS = {WORD_PATTERN: "xxx:yyy:zzz", ORDER_PATTERN: "xxx+yyy"}


@dataclass(frozen=True)
class Shape:
    """One place of the schema."""

    node: Mapping[str, Any]

    @property
    def schema(self) -> Mapping[str, Any]:
        """The node itself, with references followed and `or null` taken off."""
        node = self.node
        while True:
            if "$ref" in node:
                node = study_json_schema()["$defs"][node["$ref"].rpartition("/")[2]]
            elif "anyOf" in node:
                node = next(option for option in node["anyOf"] if option.get("type") != "null")
            else:
                return node

    @property
    def description(self) -> str:
        """What the place means; that of its part where it has none of its own."""
        text: str = self.node.get("description") or self.schema.get("description", "")
        return " ".join(text.split())

    @property
    def nullable(self) -> bool:
        """Whether null may stand here."""
        return any(option.get("type") == "null" for option in self.node.get("anyOf", ()))

    @property
    def kinds(self) -> dict[str, Shape]:
        """Variants told apart by `kind`; empty where there is only one shape."""
        mapping = self.schema.get("discriminator", {}).get("mapping", {})
        return {kind: Shape({"$ref": reference}) for kind, reference in mapping.items()}

    @property
    def properties(self) -> dict[str, Shape]:
        """Known keys of a mapping and what may stand there; empty for a mapping of free names."""
        return {key: Shape(node) for key, node in self.schema.get("properties", {}).items()}

    @property
    def named(self) -> Shape | None:
        """What stands under each key of a mapping whose names the user chooses; None elsewhere."""
        schema = self.schema
        if schema.get("type") != "object" or "properties" in schema:
            return None
        free = next(iter(schema.get("patternProperties", {}).values()), None)
        return Shape(free) if free else None

    @property
    def default_kind(self) -> str | None:
        """The variant that is meant where nobody wrote a `kind`; None where one must be written."""
        return next((kind for kind, shape in self.kinds.items() if "default" in shape.properties["kind"].node), None)

    def of_kind(self, data: Any) -> Shape:
        """The variant that the data say they are; the place itself where there is one shape, or no valid `kind`."""
        kind = data.get("kind", self.default_kind) if isinstance(data, Mapping) else None
        return self.kinds.get(kind, self) if isinstance(kind, str) else self

    def child(self, key: str | int, data: Any = None) -> Shape | None:
        """What may stand under a key or index; None where nothing may."""
        shape = self.of_kind(data)
        if isinstance(key, int):
            return Shape(shape.schema["items"]) if "items" in shape.schema else None
        return shape.properties.get(key) or shape.named

    def words(self) -> str:
        """Say what is expected, as a noun phrase: "a whole number from 1 to 64"."""
        schema = self.schema
        text = _words(schema, self)
        return f"{text}, or null" if self.nullable else text

    def stand_in(self) -> Any:
        """Give some valid value: checks can go on past a mistake elsewhere, and ignore this place."""
        schema = self.schema
        if "default" in self.node:
            return self.node["default"]
        if self.kinds:
            name, shape = next(iter(self.kinds.items()))
            return {**shape.stand_in(), "kind": name}
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        kind = schema.get("type")
        if isinstance(kind, list):
            return 1
        if kind == "object":
            return {key: self.properties[key].stand_in() for key in schema.get("required", ())} or self._one_entry()
        if kind == "array":
            return [Shape(schema["items"]).stand_in()]
        if kind in {"integer", "number"}:
            return schema.get("minimum", schema.get("maximum", 1))
        return False if kind == "boolean" else _STAND_INS.get(schema.get("pattern", ""), "xxx")

    def _one_entry(self) -> dict[str, Any]:
        """Fill a mapping of free names with as many entries as it needs, one at least."""
        if self.named is None:
            return {}
        least = max(1, self.schema.get("minProperties", 1))
        return {f"xxx{n or ''}": self.named.stand_in() for n in range(least)}


def study_shape() -> Shape:
    """The shape of a whole study file."""
    return Shape(study_json_schema())


def find_shape(path: tuple[str | int, ...], data: Any) -> Shape | None:
    """What may stand at a path of the given data; None where nothing may."""
    shape: Shape | None = study_shape()
    for key in path:
        if shape is None:
            return None
        shape = shape.child(key, data)
        data = _get(data, key)
    return shape


def _get(data: Any, key: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(key)
    return data[key] if isinstance(data, list) and isinstance(key, int) and key < len(data) else None


def _words(schema: Mapping[str, Any], shape: Shape) -> str:
    if shape.kinds:
        return f"a mapping whose kind is one of {', '.join(shape.kinds)}"
    if "const" in schema:
        return f"{schema['const']}"
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    kind = schema.get("type")
    if isinstance(kind, list):
        return "a number, true or false, or text"
    if kind in {"integer", "number"}:
        return ("a whole number" if kind == "integer" else "a number") + _range(schema)
    if kind == "boolean":
        return "true or false"
    if kind == "array":
        return f"a list of {_plural(Shape(schema['items']))}{_at_least_one(schema, 'minItems')}"
    if kind == "object":
        keys = f"a mapping with the keys {', '.join(shape.properties)}"
        return keys if shape.properties else f"a mapping from names{_at_least_one(schema, 'minProperties')}"
    return _PATTERNS.get(schema.get("pattern", ""), "text") + f" of at most {schema['maxLength']} characters"


def _plural(shape: Shape) -> str:
    if shape.kinds:
        return f"mappings, each of a kind among {', '.join(shape.kinds)}"
    plural = {"string": "names", "integer": "whole numbers", "number": "numbers", "object": "mappings"}
    return plural[shape.schema["type"]]


def _at_least_one(schema: Mapping[str, Any], limit: str) -> str:
    return ", at least one" if schema.get(limit) else ""


def _range(schema: Mapping[str, Any]) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    ends = ((low, "at least"), (above, "above"), (high, "at most"), (below, "below"))
    text = " and ".join(f"{word} {end}" for end, word in ends if end is not None)
    return f" {text}" if text else ""

"""Defines what every part of a study file shares: a frozen, strict model and the types its keys are made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    Strict,
    StringConstraints,
    WithJsonSchema,
    model_serializer,
)

NAME_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
"""Names of studies, benchmarks, arms and forms: lower-case letters and digits, joined by single hyphens."""


class SpecPart(BaseModel):
    """One mapping of a study file: unknown keys are refused, types are strict, values cannot be changed.

    None means "nobody chose". Each field's docstring becomes its description in the JSON Schema and in
    `docs/study-file.md`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Prose:
    """Marks a field that a human reads and no number depends on; the fingerprint leaves it out."""


class OptIn:
    """Marks a field that came after others had been published.

    At its default it enters no fingerprint, and stands in no description, so that studies from before stay what they
    were.
    """


def unasked(part: SpecPart, name: str) -> bool:
    """Tell whether a field of a part is opt-in and at its default."""
    field = type(part).model_fields.get(name)
    opt_in = field is not None and any(isinstance(mark, OptIn) for mark in field.metadata)
    return opt_in and field is not None and getattr(part, name) == field.default


class OptInPart(SpecPart):
    """A part with fields that came after others had been published: it is described without what nobody asked for."""

    @model_serializer(mode="wrap")
    def _as_asked(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what nobody asked for: parts from before these settings are described as they were."""
        return {name: value for name, value in handler(self).items() if not unasked(self, name)}


Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=64)]
Text = Annotated[str, StringConstraints(max_length=10_000), Prose()]
Reason = Annotated[str, StringConstraints(min_length=3, max_length=1_000, pattern=r"\S")]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"\S")]
"""A path, an address or a name given by others."""
CommandLine = Annotated[str, StringConstraints(min_length=1, max_length=4_000, pattern=r"\S")]
"""Program and arguments of others; no shell reads them."""
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
"""An environment variable."""
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Level = Annotated[float, Field(ge=0.5, lt=1)]
Names = Annotated[tuple[Name, ...], Field(min_length=1, max_length=64), Strict(False)]
"""A list in the file, a tuple in the model (which the strict mode would otherwise not accept)."""
SettingName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
"""Name of a setting of a part that another program or package defines."""
Scalar = Annotated[
    bool | int | float | str,
    WithJsonSchema({"type": ["boolean", "integer", "number", "string"], "maxLength": 1000}),
]
"""true, false, a number or text."""

"""Makes one type of all variants of a part, our own and those of other packages, told apart by `kind`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Union

from pydantic import Field

from gauger.plugs import Registry
from gauger.spec.base import SpecPart


class WorldSettings(SpecPart):
    """The settings of a world; each kind of world has a subclass."""

    kind: str
    """Which world."""
    teachers: ClassVar[tuple[str, ...]] = ("checkpoint", "endpoint", "replay")
    """Kinds of teachers that speak its language."""
    students: ClassVar[tuple[str, ...]] = ("checkpoint",)
    """Kinds of students that do."""
    strategies: ClassVar[tuple[str, ...]] = (
        "label",
        "rationale",
        "vote",
        "vote-cold",
        "invert",
        "rederive",
        "expand",
        "textbook",
        "seedless",
        "self",
    )
    """Strategies that make sense in it."""
    open_forms: ClassVar[tuple[str, ...]] = ()
    """Forms without one right answer."""
    leaves_open: ClassVar[str] = ""
    """What a study in it cannot say, for the report."""
    made_up: ClassVar[bool] = False
    """Whether its models and contents are made up, so that sizes of effects do not carry over."""
    extra: ClassVar[str] = "hf"
    """The optional dependencies that a run in it needs."""

    @property
    def writes_steps(self) -> bool:
        """Whether models that continue its texts write steps before some answers, so that these can be hidden."""
        return False


def variants(registry: Registry, settings_of: Callable[[Any], type[SpecPart]] = lambda target: target) -> Any:
    """Return the union of all variants that a registry names.

    Parameters
    ----------
    registry : Registry
        Kind -> a settings class, or something that has one.
    settings_of : function
        Takes the settings class from what the registry names.
    """
    classes = tuple(settings_of(registry.load(name)) for name in registry)
    return Annotated[Union[classes], Field(discriminator="kind")]  # noqa: UP007 - the members are known at run time

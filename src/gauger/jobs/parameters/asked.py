"""Says in which world a job stands, and who is asked in it, as whom, and what of its answers is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from gauger.spec import Computing, OptIn, OptInPart, Serving, SpecPart, Surface
from gauger.worlds import Described


class Computes(OptInPart):
    """Parameters of whoever is run by an engine; `computing` stands in their JSON only where somebody chose."""

    computing: Annotated[Computing | None, OptIn()] = None
    """How the engine computes; None: as it does where nobody chose. For one that is asked: precision and attention."""


class InWorld(SpecPart):
    """Parameters of every job that a world takes part in."""

    world: Described
    seed: int = 0
    """Source of every draw."""


class Asked(Computes):
    """Who is asked, as whom, and what of its answers is shown."""

    name: str
    """As it stands in the ledger: teacher or base."""
    kind: str
    """Which opener of `teachers.OPENERS`."""
    engine: str | None = None
    """Of a model at hand, which lies under the input of its role."""
    settings: Mapping[str, Any] = Field(default_factory=dict)
    """What decides the answers of a teacher elsewhere, and what they cost."""
    conduct: Mapping[str, Any] = Field(default_factory=dict)
    """Where it is and how fast it is asked: what changes no answer, and is no part of a job's address."""
    serving: Serving | None = None
    """Of a model at hand: what serves it to be asked; None: it is asked in this process."""
    surface: Surface = Surface()
    terms: str | None = None
    templates: str | None = None
    """Folder with prompts in place of our own."""
    templates_identity: str = ""
    """Digest of that folder."""
    instructed: bool = False
    """Whether it follows instructions; else it continues texts."""
    proxy: str | None = None
    """Engine of the student that its defence reckons with, which lies under the input `proxy`; None: it needs none."""
    helper: Annotated[str | None, OptIn()] = None
    """Engine of the model that does its defence's work, which lies under the input `helper`; None: there is none."""

    @property
    def opener(self) -> str:
        """Name in `registry.OPENERS` of what opens it: its kind's, unless it is served."""
        return self.kind if self.serving is None else "served"

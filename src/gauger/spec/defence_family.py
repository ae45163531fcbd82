"""Defines the `defences` of a study: surfaces that are to be compared, and the attackers that each must stand up to.

```yaml
defences:
  role: parallel
  threshold: 0.05
  family:
    short-answers: {defence: shorten, strength: 0.5}
    no-reasoning: {reasoning: hidden}
  attackers:
    passive: {passive: true, stages: [{kind: text-distill, ...}]}
    filters: {stages: [{kind: text-distill, filters: [right], ...}]}
```
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from gauger.records import Role
from gauger.spec.base import Count, Level, Name, Names, SpecPart, Text
from gauger.spec.models import Surface
from gauger.spec.stages.any import Stage

Threshold = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(gt=0)]
_LIMITS = ("max_queries", "max_tokens", "max_usd")


class DefendedSurface(SpecPart):
    """One defence: what it changes of the teacher's own surface. What is null stays as it is there."""

    description: Text = ""
    """One sentence for the report."""
    defence: Name | None = None
    """What is done to replies, queries or generation, by name; null: as on the teacher's own surface."""
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    """How strongly, where `defence` is given."""
    reasoning: Literal["hidden", "shown"] | None = None
    """Whether reasoning is shown."""
    log_probabilities: Literal["none", "top-k", "full"] | None = None
    """Token log-probabilities shown."""
    top_k: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """How many log-probabilities per token `top-k` shows."""
    max_queries: Count | None = None
    """Most requests that one attacker may make; an attacker's own budget may be smaller."""
    max_tokens: Count | None = None
    """Most tokens, in and out, that one attacker may use."""
    max_usd: Money | None = None
    """Most money, in US dollars, that one attacker may spend."""
    threshold: Threshold | None = None
    """Uplift below which this defence counts as working; null: that of the whole family."""

    def over(self, surface: Surface) -> Surface:
        """Return the teacher's own surface with this defence."""
        names = ("reasoning", "log_probabilities", "top_k", *_LIMITS)
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        if self.log_probabilities in ("none", "full"):
            given["top_k"] = None
        if self.defence is not None:
            given |= {"defence": self.defence, "strength": self.strength}
        return surface.model_copy(update=given)


class AttackerSpec(SpecPart):
    """One attacker: a recipe that is tried on the open surface and on every defended one, within a budget."""

    description: Text = ""
    """One sentence for the report."""
    passive: bool = False
    """Whether it does what it would do on the open surface; the others know the defence and react."""
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=64), Strict(False)]
    """What is done to the student, in order, from the base on."""
    against: Names | None = None
    """The defences that it is tried on, besides the open surface; null: all."""
    max_queries: Count | None = None
    """Most requests; null: what the surface allows."""
    max_tokens: Count | None = None
    """Most tokens, in and out; null: what the surface allows."""
    max_usd: Money | None = None
    """Most money, in US dollars; null: what the surface allows."""

    def within(self, surface: Surface) -> Surface:
        """Return a surface with the smaller of its budgets and this attacker's."""
        limits: dict[str, Any] = {}
        for name in _LIMITS:
            both = [value for value in (getattr(self, name), getattr(surface, name)) if value is not None]
            limits[name] = min(both, default=None)
        return surface.model_copy(update=limits)


class DefenceStudy(SpecPart):
    """Defences and attackers: every attacker is tried on every surface, the open one included."""

    role: Annotated[Role, Strict(False)] = Role.NEAR
    """The benchmarks that uplift and honest cost are averaged over."""
    threshold: Threshold = 0.05
    """Uplift (0-1 scale) below which a defence counts as working: the upper ends of all attackers must lie there."""
    level: Level = 0.95
    """Level at which the intervals of all attackers on all surfaces hold together."""
    family: Annotated[Mapping[Name, DefendedSurface], Field(min_length=1, max_length=16)]
    """Defences by name; `open` is the teacher's own surface, and always there."""
    attackers: Annotated[Mapping[Name, AttackerSpec], Field(min_length=1, max_length=16)]
    """Attackers by name."""

    def threshold_of(self, defence: str) -> float:
        """Return a defence's own threshold, else the family's."""
        own = self.family[defence].threshold
        return self.threshold if own is None else own

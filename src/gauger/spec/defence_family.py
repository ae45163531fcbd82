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

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from gauger.records import Role
from gauger.spec.base import Count, Level, Name, Names, OptIn, OptInPart, Reference, SpecPart, Text
from gauger.spec.models import Surface
from gauger.spec.stages.any import Stage

Threshold = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(gt=0)]
Accounts = Annotated[int, Field(ge=1, le=10_000)]
_LIMITS = ("max_queries", "max_tokens", "max_usd")


class DefendedSurface(OptInPart):
    """One defence: what it changes of the teacher's own surface. What is null stays as it is there."""

    description: Text = ""
    """One sentence for the report."""
    defence: Name | None = None
    """What is done to replies, queries or generation, by name; null: as on the teacher's own surface."""
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    """How strongly, where `defence` is given."""
    helper: Annotated[Reference | None, OptIn()] = None
    """Chat model that does its work in the teacher's place: as in `teacher.surface`."""
    reasoning: Literal["hidden", "shown"] | None = None
    """Whether reasoning is shown."""
    log_probabilities: Literal["none", "top-k", "full"] | None = None
    """Token log-probabilities shown."""
    top_k: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """How many log-probabilities per token `top-k` shows."""
    max_queries: Count | None = None
    """Most requests of one account; an attacker's own budget may be smaller."""
    max_tokens: Count | None = None
    """Most tokens, in and out, of one account."""
    max_usd: Money | None = None
    """Most money, in US dollars, that is spent over one account."""
    queries_per_day: Annotated[Count | None, OptIn()] = None
    """Most requests of one account in a day; who has no end (an attacker's `days`) is only slowed down by it."""
    max_accounts: Annotated[Accounts | None, OptIn()] = None
    """Most accounts that one attacker gets, however many he has; null: all that he has."""
    threshold: Threshold | None = None
    """Uplift below which this defence counts as working; null: that of the whole family."""

    def over(self, surface: Surface) -> Surface:
        """Return the teacher's own surface with what this defence changes of it, its limits of an account apart."""
        names = ("reasoning", "log_probabilities", "top_k")
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        if self.log_probabilities in ("none", "full"):
            given["top_k"] = None
        if self.defence is not None:
            given |= {"defence": self.defence, "strength": self.strength, "helper": self.helper}
        return surface.model_copy(update=given)

    @property
    def is_of_accounts(self) -> bool:
        """Whether it limits what one account may do, so that several may do more."""
        return any(getattr(self, name) is not None for name in (*_LIMITS, "queries_per_day"))


class AttackerSpec(OptInPart):
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
    accounts: Annotated[Accounts, OptIn()] = 1
    """Accounts that its requests come from, in turn, where the surface does not limit their number."""
    days: Annotated[Count | None, OptIn()] = None
    """Days that it has, which matters where an account is served so many requests a day; null: as many as it needs."""

    @property
    def reads_logs(self) -> bool:
        """Whether it learns from log-probabilities."""
        return any(stage.learns_from_teacher and (stage.soft or stage.scored) for stage in self.stages)

    def tried_on(self, family: Iterable[str]) -> list[str]:
        """Return the defences of a family that it is tried on."""
        return [name for name in family if self.against is None or name in self.against]

    def within(self, surface: Surface, defence: DefendedSurface | None = None) -> Surface:
        """Return a surface as this attacker may use it.

        Parameters
        ----------
        surface : Surface
            The teacher's own, or that of `defence` (`DefendedSurface.over`).
        defence : DefendedSurface, optional
            Whose limits are of one account, and hold once for each that the attacker gets, beside those of `surface`:
            these are of the whole arm, whatever accounts it comes from.

        Returns
        -------
        Surface
            With the smallest of all budgets, the attacker's own included.
        """
        accounts = self.accounts
        if defence is not None and defence.max_accounts is not None:
            accounts = min(accounts, defence.max_accounts)
        limits: dict[str, Any] = {"accounts": accounts}
        for name in _LIMITS:
            of_account = None if defence is None else getattr(defence, name)
            limits[name] = _least(
                getattr(self, name), getattr(surface, name), None if of_account is None else accounts * of_account
            )
        if defence is not None and defence.queries_per_day is not None and self.days is not None:
            limits["max_queries"] = _least(limits["max_queries"], accounts * defence.queries_per_day * self.days)
        return surface.model_copy(update=limits)


def _least(*limits: float | None) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)


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

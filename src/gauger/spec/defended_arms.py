"""Expands the defences of a study into what is run: every attacker on every surface, and the teacher on each.

An attacker's arm is called ATTACKER@DEFENCE, what an honest user sees of the teacher teacher@DEFENCE.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gauger.spec.defence_family import DefenceStudy
from gauger.spec.models import Surface
from gauger.spec.stages.resolved import Recipe

OPEN, AT = "open", "@"
"""The surface without any of the defences; what joins the names of an arm."""


@dataclass(frozen=True)
class AttackCell:
    """One attacker on one surface."""

    name: str
    attacker: str
    defence: str
    surface: Surface
    """As the attacker may use it: with his accounts, and the smaller of its budgets and his own."""
    recipe: Recipe
    description: str


@dataclass(frozen=True)
class HonestCell:
    """The teacher as an honest user of one defended surface sees it: no attacker's budget is on it."""

    name: str
    defence: str
    surface: Surface
    description: str


def attack_cells(defences: DefenceStudy, surface: Surface) -> Iterator[AttackCell]:
    """Yield every attacker on the open surface, then on the defended ones that it is tried on."""
    for defence in (OPEN, *defences.family):
        shown = surface_of(defences, defence, surface)
        for name, attacker in defences.attackers.items():
            if defence != OPEN and not attacker.tried_on([defence]):
                continue
            recipe = tuple(stage.resolve() for stage in attacker.stages)
            where = "the open surface" if defence == OPEN else f"the surface with {defence}"
            usable = attacker.within(shown, defences.family.get(defence))
            held = f", from {usable.accounts:,} accounts" if usable.accounts > 1 else ""
            about = f"{attacker.description or f'Attacker {name}'}, on {where}{held}"
            yield AttackCell(f"{name}{AT}{defence}", name, defence, usable, recipe, about)


def honest_cells(defences: DefenceStudy, surface: Surface) -> Iterator[HonestCell]:
    """Yield the teacher on every defended surface, without budgets: these are per customer, and items are many."""
    free = {"max_queries": None, "max_tokens": None}
    for defence in defences.family:
        shown = surface_of(defences, defence, surface).model_copy(update=free)
        about = f"The teacher as an honest user of the surface with {defence} sees it"
        yield HonestCell(f"teacher{AT}{defence}", defence, shown, about)


def surface_of(defences: DefenceStudy, defence: str, surface: Surface) -> Surface:
    """Return what the teacher's interface shows under a defence of the family, or on the open surface."""
    return surface if defence == OPEN else defences.family[defence].over(surface)

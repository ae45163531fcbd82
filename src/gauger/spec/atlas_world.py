"""Defines the settings of the embedded world."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gauger.spec.base import Fraction, OptIn, OptInPart, Seed
from gauger.spec.variants import WorldSettings


class AtlasWorld(OptInPart, WorldSettings):
    """The embedded world: a symbolic language about made-up things, whose truth is known."""

    teachers: ClassVar[tuple[str, ...]] = ("scratch",)
    students: ClassVar[tuple[str, ...]] = ("scratch",)
    strategies: ClassVar[tuple[str, ...]] = (
        "label",
        "vote",
        "vote-cold",
        "invert",
        "rederive",
        "expand",
        "textbook",
        "seedless",
        "self",
    )
    open_forms: ClassVar[tuple[str, ...]] = ("story",)
    leaves_open: ClassVar[str] = (
        "The embedded world is made up. It shows what the instrument sees and how effects of each kind look; sizes of "
        "effects do not carry over to language models."
    )
    made_up: ClassVar[bool] = True
    extra: ClassVar[str] = "train"
    kind: Literal["atlas"] = "atlas"
    """Which world."""
    seed: Seed = 1
    """Draws facts, entities, splits and what the base knows; another seed is another world of the same sizes."""
    entities: Annotated[int, Field(ge=16, le=2000)] = 120
    """Entities of each knowledge domain."""
    genera: Annotated[int, Field(ge=2, le=64)] = 12
    """Genera of each domain; an entity's genus decides its value for every relation."""
    relations: Annotated[int, Field(ge=4, le=32)] = 8
    """Relations that every entity has a value for."""
    values: Annotated[int, Field(ge=2, le=64)] = 12
    """Possible values of each relation; guessing among them scores 1/values."""
    held_out_facts: Annotated[int, Field(ge=1, le=8)] = 2
    """Facts of each entity held out for each of the two test splits."""
    letters: Annotated[int, Field(ge=6, le=26)] = 20
    """Letters that the skills are asked about."""
    letter_sets: Annotated[int, Field(ge=60, le=20000)] = 900
    """Sets of letters that exist for each of max and sort."""
    middle_sets: Annotated[int, Field(ge=60, le=20000)] = 420
    """Sets of letters that exist for middle; so few that nobody learns it to the end."""
    test_contents: Annotated[int, Field(ge=10, le=2000)] = 100
    """Contents of each skill held out for each of the two test splits."""
    benchmark_items: Annotated[int, Field(ge=10, le=5000)] = 200
    """Items of a benchmark, at most."""
    known_entities: Fraction = 0.4
    """Share of the fauna entities that the base student's web covers."""
    known_minerals: Fraction = 0.7
    """Share of the mineral entities that the base student's web covers."""
    known_sorts: Fraction = 0.1
    """Share of the training contents of sort that the base student's web covers."""
    known_middles: Fraction = 0.1
    """Share of the training contents of middle that the base student's web covers."""
    seed_entities: Fraction = 0.5
    """Share of the fauna entities that the benchmark's own train split asks about."""
    seed_contents: Fraction = 0.5
    """Share of each skill's training contents that the benchmark's own train split asks about."""
    total_sets: Annotated[int, Field(ge=0, le=20000), OptIn()] = 0
    """Sets of letters that exist for total, a skill whose answer needs written steps; 0: there is no such skill."""
    known_totals: Annotated[float, Field(ge=0, le=1), OptIn()] = 0.1
    """Share of the training contents of total that the base student's web covers, with their steps."""

    @property
    def writes_steps(self) -> bool:
        """Where there is a skill that needs them."""
        return self.total_sets > 0

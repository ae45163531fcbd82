"""Defines the `factorial` of a study: ingredients of a pipeline, switched on and off, and which cells to run.

```yaml
factorial:
  order: [web, human, distil]
  ingredients:
    web: {stages: [{kind: continue, steps: 300}]}
    human: {stages: [{kind: sft, source: reference, forms: [quiz], steps: 100}]}
    distil: {stages: [{kind: logit-distill, strategy: seedless, seeds: seedless, forms: [quiz], samples: 8, steps: 9}]}
  design: {kind: fraction, words: [web:human:distil]}
```
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from gauger.spec.base import Name, Names, Seed, SpecPart
from gauger.spec.stages.any import Stage

_ONE = r"[a-z0-9]+(?:-[a-z0-9]+)*"
WORD_PATTERN = rf"^-?{_ONE}(:{_ONE})+$"
ORDER_PATTERN = rf"^{_ONE}(\+{_ONE})+$"
Word = Annotated[str, StringConstraints(pattern=WORD_PATTERN, max_length=400)]
OrderText = Annotated[str, StringConstraints(pattern=ORDER_PATTERN, max_length=400)]


class Ingredient(SpecPart):
    """One ingredient: stages that are in together or out together."""

    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=64), Strict(False)]
    """What is done to the student where the ingredient is in."""
    teacher: bool | None = None
    """Whether what it adds is the teacher's doing; null: if any of its stages trains on what the teacher said."""
    off: Literal["nothing", "matched"] = "nothing"
    """What is done where it is out: `nothing`, or its stages without the teacher (`matched`: as many steps on web
    text), so that more training of any kind is not laid to the teacher."""


class FullDesign(SpecPart):
    """All 2^k cells."""

    kind: Literal["full"] = "full"
    """All 2^k cells."""


class FractionDesign(SpecPart):
    """A regular fraction of the cells."""

    kind: Literal["fraction"]
    """A regular fraction."""
    words: Annotated[tuple[Word, ...], Field(min_length=1, max_length=4), Strict(False)]
    """Defining words, each halving the number of cells: `web:human:distil` keeps the cells in which an even number of
    the named ingredients is out, `-web:human:distil` the others. The report says what cannot be told apart."""


class SampleDesign(SpecPart):
    """A drawn sample of the cells."""

    kind: Literal["sample"]
    """A drawn sample."""
    cells: Annotated[int, Field(ge=4, le=64)]
    """At most so many cells: those that randomly drawn orders of the ingredients, and their reverses, pass through."""
    seed: Seed = 1
    """Of the draw."""


CellDesign = Annotated[FullDesign | FractionDesign | SampleDesign, Field(discriminator="kind")]


class Factorial(SpecPart):
    """A factorial of ingredients: every cell is an arm, its stages those of the ingredients that are in."""

    order: Names
    """The ingredients in pipeline order. Put the longest stages first: they are trained least often."""
    ingredients: Annotated[Mapping[Name, Ingredient], Field(min_length=2, max_length=6)]
    """Ingredients by name."""
    design: CellDesign = FullDesign()
    """Which cells are run."""
    other_orders: Annotated[tuple[OrderText, ...], Field(max_length=8), Strict(False)] = ()
    """Further orders of all ingredients, as `distil+web+human`. Every cell is then run in every order (those that come
    to the same once), attributions are averaged over the orders, and the whole pipeline is compared between them."""

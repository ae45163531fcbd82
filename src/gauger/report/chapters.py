"""Orders the chapters of a report, our own and those of other packages."""

from collections.abc import Callable

from gauger.plugs import Registry
from gauger.report.blocks import Section
from gauger.report.document_view import View
from gauger.report.parts import (
    assay,
    attribution,
    carryover,
    comparison,
    defences,
    difficulty,
    extraction,
    forgetting,
    gap,
    ingredients,
    items,
    laundering,
    material,
    memorisation,
    reproduce,
    scaling,
    scores,
    setup,
    threats,
    uplift,
    verdict,
    watermark,
)

CHAPTERS: tuple[Callable[[View], Section | None], ...] = (
    verdict.build,
    defences.build,
    watermark.build,
    setup.build,
    uplift.build,
    scores.build,
    gap.build,
    carryover.build,
    attribution.build,
    ingredients.build,
    scaling.build,
    forgetting.build,
    memorisation.build,
    laundering.build,
    difficulty.build,
    extraction.build,
    comparison.students,
    comparison.groups,
    comparison.audited,
    comparison.other_scales,
    comparison.flips,
    items.build,
    assay.build,
    threats.build,
    threats.limits,
    threats.missing,
    material.build,
    material.outcomes,
    reproduce.build,
    reproduce.every_estimate,
)
"""Our own chapters, in reading order."""
OTHERS = Registry("a chapter", "gauger.chapters", {})
"""Chapters of other packages: name -> a function of the `View`, as above."""


def chapters() -> tuple[Callable[[View], Section | None], ...]:
    """Return all chapters in reading order: those of other packages before the last two, which say how to go on."""
    return (*CHAPTERS[:-2], *(OTHERS.load(name) for name in OTHERS), *CHAPTERS[-2:])

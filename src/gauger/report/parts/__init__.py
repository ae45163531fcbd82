"""The chapters of a report, in reading order; each takes the `View` and returns a `Section`, or None to be left out.

- `verdict.py`: the last word first, with the headline figures.
- `setup.py`: arms, benchmarks and roles.
- `uplift.py`: what the teacher added, benchmark by benchmark.
- `scores.py`: where every arm stands between base and teacher.
- `gap.py`: the share of the distance to the teacher that was closed.
- `carryover.py`: how much survives another form or another skill.
- `attribution.py`: the raw gain taken apart.
- `ingredients.py`: what each ingredient of a pipeline added, with `waterfall.py` and `interactions.py`.
- `scaling.py`: curves over size, budget and teacher, and what the teacher was worth; `scaling_tables.py`,
  `scaling_gains.py`.
- `forgetting.py`: skills lost on the way.
- `memorisation.py`: gains that stop at the items themselves.
- `difficulty.py`: scores by difficulty.
- `extraction.py`: whether the scoring of answers decides.
- `assay.py`: the instrument's checks on itself.
- `threats.py`: five threats, what cannot be said, and what is missing.
- `material.py`: tokens, outcomes, and what the teacher wrote.
- `reproduce.py`: command, seeds, versions, and every estimate.
"""

from collections.abc import Callable

from gauger.report.blocks import Section
from gauger.report.document_view import View
from gauger.report.parts import (
    assay,
    attribution,
    carryover,
    difficulty,
    extraction,
    forgetting,
    gap,
    ingredients,
    material,
    memorisation,
    reproduce,
    scaling,
    scores,
    setup,
    threats,
    uplift,
    verdict,
)

CHAPTERS: tuple[Callable[[View], Section | None], ...] = (
    verdict.build,
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
    difficulty.build,
    extraction.build,
    assay.build,
    threats.build,
    threats.limits,
    threats.missing,
    material.build,
    material.outcomes,
    reproduce.build,
    reproduce.every_estimate,
)

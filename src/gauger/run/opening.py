"""From a study file to a plan: load it, check it against its world, plan it. Nothing runs and nothing is written."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from gauger.errors import Place, UserError
from gauger.run.atlas_plan import AtlasPlanner
from gauger.run.plan import Plan
from gauger.spec import AtlasWorld, LoadedStudy, load_study
from gauger.worlds.atlas import Atlas
from gauger.worlds.atlas.forms import FORMS

FEW_FACTS = "An entity needs more than twice as many world.relations as world.held_out_facts."
FEW_CONTENTS = (
    "A skill needs three times as many contents (world.letter_sets, of as many as world.letters allow) as "
    "world.test_contents."
)


def open_study(path: Path | str, overrides: tuple[str, ...] = ()) -> LoadedStudy:
    """Load a study file and check it, its world included.

    Raises
    ------
    StudyError
        With every mistake found; sizes that make no world are one, and so is every unknown benchmark or form.
    """
    return load_study(path, overrides, benchmarks_known=_benchmarks, forms_known={"atlas": FORMS})


def plan_loaded(loaded: LoadedStudy) -> tuple[Plan, Atlas]:
    """Plan a loaded study; its world comes along."""
    atlas = build_world(loaded.study.world)
    skills = {name: atlas.benchmark(name).skill for name in loaded.study.benchmarks}
    return AtlasPlanner(loaded.study, skills).plan(), atlas


@lru_cache(maxsize=2)
def build_world(settings: AtlasWorld) -> Atlas:
    """Build a world; sizes that contradict each other are the user's mistake.

    Raises
    ------
    UserError
        With the key of the size that is too large.
    """
    try:
        return Atlas(settings)
    except ValueError as error:
        few_facts = settings.relations <= 2 * settings.held_out_facts
        key, hint = ("held_out_facts", FEW_FACTS) if few_facts else ("test_contents", FEW_CONTENTS)
        raise UserError(f"these sizes make no world: {error}", where=Place(key=f"world.{key}"), hint=hint) from error


def _benchmarks(settings: AtlasWorld) -> dict[str, str]:
    """Name the benchmarks of a world that can be built."""
    return build_world(settings).catalogue()

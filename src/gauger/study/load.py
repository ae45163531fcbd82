"""From a study file to a plan: load it, check it against its world, plan it. Nothing runs and nothing is written."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache, partial
from pathlib import Path

from gauger.errors import Place, UserError
from gauger.spec import AtlasWorld, LoadedStudy, World, load_study
from gauger.study.jobs_of_study import Plan
from gauger.study.models_of_atlas import AtlasPlanner
from gauger.study.models_of_language import LanguagePlanner
from gauger.worlds.atlas import Atlas
from gauger.worlds.atlas.forms import FORMS
from gauger.worlds.language import FORMS as TEXT_FORMS
from gauger.worlds.language import TextWorld, catalogue_of

FORMS_KNOWN = {"atlas": FORMS, "language": tuple(TEXT_FORMS)}
FEW_FACTS = "An entity needs more than twice as many world.relations as world.held_out_facts."
FEW_CONTENTS = (
    "A skill needs three times as many contents (world.letter_sets, of as many as world.letters allow) as "
    "world.test_contents."
)


AnyWorld = Atlas | TextWorld
"""A world as it is built: both offer `catalogue` and `benchmark`."""


def open_study(path: Path | str, overrides: tuple[str, ...] = ()) -> LoadedStudy:
    """Load a study file and check it, its world included.

    Raises
    ------
    StudyError
        With every mistake found; sizes that make no world are one, and so is every unknown benchmark or form.
    """
    folder = Path(path).parent
    known = partial(_benchmarks, folder=folder)
    return load_study(path, overrides, benchmarks_known=known, forms_known=FORMS_KNOWN)


def plan_loaded(loaded: LoadedStudy) -> tuple[Plan, AnyWorld]:
    """Plan a loaded study; its world comes along."""
    study, folder = loaded.study, loaded.path.parent
    world = world_of(study.world, folder)
    skills = {name: world.benchmark(name).skill for name in study.benchmarks}
    if isinstance(world, Atlas):
        return AtlasPlanner(study, skills).plan(), world
    return LanguagePlanner(study, skills, folder).plan(), world


def world_of(settings: World, folder: Path) -> AnyWorld:
    """Build the world of a study whose file lies in `folder`."""
    return build_world(settings) if isinstance(settings, AtlasWorld) else TextWorld(settings, folder)


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


def _benchmarks(settings: World, folder: Path) -> Collection[str]:
    """Name the benchmarks of a world that can be built."""
    if isinstance(settings, AtlasWorld):
        return build_world(settings).catalogue()
    TextWorld(settings, folder).check()
    return catalogue_of(settings)

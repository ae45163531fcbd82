"""Goes from a study file to a plan: loads it, checks it against its world, plans it. Nothing runs or is written."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path

from gauger.elicit import DEFENCES, FILTERS
from gauger.spec import LoadedStudy, WorldSettings, load_study
from gauger.study.plan import Plan
from gauger.study.planner import Planner
from gauger.train import ENGINES
from gauger.worlds import WORLDS, World, open_world


def open_study(path: Path | str, overrides: tuple[str, ...] = ()) -> LoadedStudy:
    """Load a study file and check it, its world included.

    Raises
    ------
    StudyError
        With every mistake found; sizes that make no world are one, and so is every unknown benchmark or form.
    """
    known = partial(_benchmarks, folder=Path(path).parent)
    parts = {"filter": FILTERS, "defence": DEFENCES, "engine": ENGINES}
    return load_study(path, overrides, benchmarks_known=known, forms_known=_forms, parts_known=parts)


def plan_loaded(loaded: LoadedStudy) -> tuple[Plan, World]:
    """Plan a loaded study; its world comes along."""
    study, folder = loaded.study, loaded.path.parent
    world = open_world(study.world, folder)
    return Planner(study, world, folder).plan(), world


def _benchmarks(settings: WorldSettings, folder: Path) -> Collection[str]:
    """Name the benchmarks of a world that can be built."""
    world = open_world(settings, folder)
    world.check()
    return world.listed()


def _forms(settings: WorldSettings) -> Collection[str]:
    """Name the forms of a kind of world."""
    forms: Collection[str] = WORLDS.load(settings.kind).forms
    return forms

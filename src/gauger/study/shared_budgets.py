"""Divides the budgets for asking the teacher among all that asks within an arm: together it stays within them."""

from __future__ import annotations

from collections.abc import Sequence

from gauger.errors import Place, UserError
from gauger.records import ArmKind
from gauger.spec import Arm, Recipe, ResolvedStage, Surface, TextSource, kind_of

COUNTED = ("max_queries", "max_tokens")


def samples_asked(stage: ResolvedStage) -> int:
    """Count the samples that a stage has the teacher write, judge or score; 0 where it asks nothing.

    Of a mixture those of all its sources; of web text in the teacher's place those of the rows that it is matched with;
    of the base's own answers those of the prompts, which are asked for in the same way.
    """
    if stage.parts:
        return sum(samples_asked(part.stage) for part in stage.parts)
    if stage.in_place_of is not None:
        return samples_asked(stage.in_place_of)
    kind = kind_of(stage)
    if stage.source is TextSource.TEACHER and kind.scored:
        return stage.steps * (stage.batch - round(stage.web_share * stage.batch))
    prompts_alone = stage.source is TextSource.SELF and stage.strategy is not None and kind.corpus == "texts"
    return stage.samples or 0 if stage.source is TextSource.TEACHER or prompts_alone else 0


def samples_by_arm(arms: Sequence[Arm]) -> dict[str, int]:
    """Return arm -> the samples among which its budgets are divided.

    A control divides as the arm does that it copies or is matched with, for it shares what that arm asked. Cells of a
    factorial divide as the one that asks most: what two cells have in common is then the same, and asked once.
    """
    own = {arm.name: _of_recipe(arm.recipe) for arm in arms}
    of_cells = max((own[arm.name] for arm in arms if arm.kind is ArmKind.CELL), default=0)
    taught = sorted(
        (arm for arm in arms if arm.matched and arm.of is None),
        key=lambda arm: (sum(len(stage.own) for stage in arm.recipe), arm.name),
    )
    matched: dict[str, int] = {}
    for arm in taught:
        matched.setdefault(str(arm.matched), own[arm.name])
    return {
        arm.name: own[arm.of] if arm.of else of_cells if arm.kind is ArmKind.CELL else matched.get(arm.name, count)
        for arm, count in zip(arms, own.values(), strict=True)
    }


def _of_recipe(recipe: Recipe) -> int:
    return sum(samples_asked(stage) for stage in recipe)


def share_of(surface: Surface, stage: ResolvedStage, in_all: int) -> Surface:
    """Return a surface with a stage's share of the budgets, in proportion to the samples that it asks for.

    Parameters
    ----------
    surface : Surface
        With the budgets of one arm; as it is where the stage alone asks.
    stage : ResolvedStage
        Which asks for `samples_asked`.
    in_all : int
        Samples of all that asks in the arm. Shares are rounded down, so that their sum is within the budget.

    Raises
    ------
    UserError
        Where a budget leaves the stage nothing.
    """
    part = samples_asked(stage)
    if part >= in_all:
        return surface
    shares: dict[str, int | float | None] = {}
    for name in COUNTED:
        budget = getattr(surface, name)
        if budget is not None:
            shares[name] = budget * part // in_all
            if not shares[name]:
                hint = f"It is divided by samples: {part} of the arm's {in_all} are asked for by one of its stages."
                key = Place(key=f"teacher.surface.{name}")
                raise UserError("a budget with something for every stage that asks", str(budget), key, hint)
    if surface.max_usd is not None:
        shares["max_usd"] = surface.max_usd * part / in_all
    return surface.model_copy(update=shares) if shares else surface

"""Checks the defences of a plan: each is one that the teacher can have, and says what it shows of all that is read."""

from __future__ import annotations

from collections.abc import Sequence

from gauger.elicit import decides_queries, generation_of, require_needs, shows_logs
from gauger.errors import Place, UserError
from gauger.spec import OPEN, TEACHER, Arm, ResolvedStage, Study, Surface, TextSource, kind_of
from gauger.study.stage_corpora import StageCorpora


def check_defences(planner: StageCorpora) -> None:
    """Refuse a defence that this teacher cannot have, or that does not say what it shows of all that is read."""
    _check_accounts(planner.study)
    for arm in planner.result.arms:
        surface, place = arm.surface or planner.study.teacher.surface, Place(key=_place_of(arm))
        stages = [stage for stage in arm.recipe if stage.source is TextSource.TEACHER]
        _check_surface(planner, surface, place, stages)


def _check_accounts(study: Study) -> None:
    """Refuse accounts that change nothing: no budget is of one account, and no policy knows one from another."""
    hint = "Limit what one account may do (max_queries, max_tokens, max_usd, queries_per_day), or name a policy."
    own, defences = study.teacher.surface, study.defences
    if own.accounts > 1 and not decides_queries(own):
        wanted = "1, where no defence of the teacher's own surface decides about queries"
        raise UserError(wanted, str(own.accounts), Place(key="teacher.surface.accounts"), hint)
    if defences is None:
        return
    tells = {
        name: defence.is_of_accounts or decides_queries(defence.over(own)) for name, defence in defences.family.items()
    }
    for name, defence in defences.family.items():
        if defence.max_accounts is not None and not tells[name]:
            given, place = str(defence.max_accounts), Place(key=f"defences.family.{name}.max_accounts")
            raise UserError("a limit of each account, beside max_accounts", given, place, hint)
    for name, attacker in defences.attackers.items():
        told = decides_queries(own) or any(tells[defence] for defence in attacker.tried_on(tells))
        if attacker.accounts > 1 and not told:
            wanted = "1, where no defence that it is tried on has a limit of each account"
            raise UserError(wanted, str(attacker.accounts), Place(key=f"defences.attackers.{name}.accounts"), hint)


def _check_surface(planner: StageCorpora, surface: Surface, place: Place, stages: Sequence[ResolvedStage]) -> None:
    teacher = planner.study.teacher
    if teacher.kind == "replay" and (generation := generation_of(surface)):
        hint = "What was recorded cannot be generated anew; ask the teacher itself, or take a view or a policy."
        raise UserError("a view or a policy over recorded replies", f"the generation {generation}", place, hint)
    try:
        instructed = planner.teachers.asked(TEACHER, surface, planner.world).instructed
        name = f"a teacher of kind {teacher.kind}"
        require_needs(surface, name, at_hand=teacher.scores_texts, instructed=instructed)
    except UserError as error:
        raise UserError(error.wanted, error.given, place, error.hint) from None
    if not shows_logs(surface) and any(kind_of(stage).scored or kind_of(stage).soft for stage in stages):
        hint = "Arms that read log-probabilities along texts need a defence such as round, or none."
        wanted = "a defence that says what it shows of log-probabilities along a text"
        raise UserError(wanted, repr(surface.defence), place, hint)


def _place_of(arm: Arm) -> str:
    """Say where a surface's defence stands in the study file."""
    is_own = arm.defence in (None, OPEN)
    return "teacher.surface.defence" if is_own else f"defences.family.{arm.defence}.defence"

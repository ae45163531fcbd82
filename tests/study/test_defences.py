"""A small study of defences is run: surfaces reach the jobs, budgets hold, and findings stand in the document."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from gauger.elicit import DEFENCES, require_needs
from gauger.elicit.defences.flagged import refuse_flagged
from gauger.errors import UserError
from gauger.estimate import DefenceVerdict
from gauger.estimate.defences.outcome import DefenceOutcome
from gauger.evidence import DEFENCE_KINDS
from gauger.jobs import AskTeacher, MeasureModel
from gauger.records import ArmKind
from gauger.spec import Surface
from gauger.spec.defence_family import DefendedSurface
from gauger.study.defence_checks import check_defences
from gauger.study.defences import LITERATURE_OF, _entry, _kinds, defence_question
from gauger.study.load import open_study, plan_loaded
from gauger.study.planner import Planner

STUDY = Path(__file__).with_name("tiny.yaml")
STUDIES = Path(__file__).parents[2] / "studies"
STAGE = (
    "{kind: text-distill, strategy: STRATEGY, seeds: SEEDS, forms: [quiz], samples: 40, steps: 9, batch: 16,"
    " learning_rate: 0.01}"
)
LABEL = STAGE.replace("STRATEGY", "label").replace("SEEDS", "benchmark-train")
ASK = STAGE.replace("STRATEGY", "seedless").replace("SEEDS", "seedless")
FAMILY = "{short: {defence: shorten}, half: {defence: ration, strength: 0.5}, hot: {defence: heat}}"
ATTACKERS = f"{{passive: {{passive: true, stages: [{LABEL}]}}, asks: {{max_queries: 60, stages: [{ASK}]}}}}"
SECTION = f"defences={{role: targeted, threshold: 0.1, family: {FAMILY}, attackers: {ATTACKERS}}}"


@pytest.fixture(scope="module")
def plan():
    return plan_loaded(open_study(STUDY, [SECTION]))[0]


def parameters_of(plan, arm: str, kind):
    """The parameters of the jobs of one arm, of one kind, in its first replicate."""
    cell = next(cell for cell in plan.cells if cell.arm == arm)
    keys = (*cell.corpora, *cell.stages, cell.records)
    return [plan.parameters[key] for key in keys if isinstance(plan.parameters[key], kind)]


def test_surfaces_reach_who_is_asked_and_controls_and_arms_keep_the_teachers_own(plan):
    def asked(arm: str) -> list[tuple[str | None, float, int | None]]:
        surfaces = [one.asked.surface for one in parameters_of(plan, arm, AskTeacher)]
        return [(one.defence, one.strength, one.max_queries) for one in surfaces]

    assert asked("passive@short") == [("shorten", 1.0, None)]
    assert asked("asks@half") == [("ration", 0.5, 60)]
    assert asked("passive@open") == asked("label") == [(None, 1.0, None)]


def test_what_defences_do_not_change_is_done_once(plan):
    trained = {cell.arm: cell for cell in plan.cells if cell.replicate == 0}
    open_, short = trained["passive@open"], trained["passive@short"]
    assert set(open_.stages).isdisjoint(short.stages)
    matched = {arm.name: arm.matched for arm in plan.arms if arm.kind is ArmKind.ATTACK}
    assert len({matched[f"passive@{where}"] for where in ("open", "short", "half", "hot")}) == 1


def test_an_honest_user_is_measured_on_the_defended_surface_and_nobody_else(plan):
    def shown(arm: str):
        return parameters_of(plan, arm, MeasureModel)[0].asked.surface

    assert shown("teacher@short").defence == "shorten"
    assert shown("teacher@half").defence == "ration"
    assert shown("teacher").defence is shown("passive@short").defence is None


def test_a_generation_of_a_recorded_teacher_is_refused_by_its_place():
    loaded = open_study(STUDY, [SECTION])
    planner = Planner(loaded.study, plan_loaded(loaded)[1], STUDY.parent)
    replayed = loaded.study.teacher.model_copy(update={"kind": "replay"})
    planner.study = loaded.study.model_copy(update={"teacher": replayed})
    with pytest.raises(UserError, match=r"defences\.family\.hot\.defence"):
        check_defences(planner)


def test_a_defence_that_reckons_with_a_student_is_given_the_untouched_one_and_no_other_job_is():
    poe = SECTION.replace("hot: {defence: heat}", "poe: {defence: product-of-experts, strength: 0.3}")
    plan, _ = plan_loaded(open_study(STUDY, [poe]))
    given: dict[str, set[str | None]] = {}
    for cell in plan.cells:
        for key in (*cell.corpora, cell.records):
            given.setdefault(cell.arm, set()).add(plan.jobs[key].inputs.get("proxy"))
    base = next(plan.jobs[cell.records].inputs["model"] for cell in plan.cells if cell.arm == "base")
    assert base in given["passive@poe"]
    assert given["teacher@poe"] == {base}
    assert all(inputs == {None} for arm, inputs in given.items() if not arm.endswith("@poe"))


def test_literature_is_of_known_defences_and_published_kinds():
    assert set(LITERATURE_OF) <= set(DEFENCES)
    assert {kind for kinds in LITERATURE_OF.values() for kind in kinds} <= set(DEFENCE_KINDS)


@pytest.mark.parametrize("name", ["defences", "defences-language"])
def test_the_studies_that_come_along_are_planned(name):
    plan = plan_loaded(open_study(STUDIES / f"{name}.yaml"))[0]
    attacks = [arm for arm in plan.arms if arm.kind is ArmKind.ATTACK]
    defences = plan.study.defences
    tried = [1 + len(one.against or defences.family) for one in defences.attackers.values()]
    assert len(attacks) == sum(tried)
    cells = {cell.arm for cell in plan.cells}
    assert {arm.name for arm in plan.arms} <= cells
    assert any(attacker.passive for attacker in plan.study.defences.attackers.values())


def test_a_strategy_that_writes_steps_again_is_given_the_students_base():
    asks = LABEL.replace("label", "invert")
    plan, _ = plan_loaded(open_study(STUDY, [SECTION.replace(f"stages: [{ASK}]", f"stages: [{asks}]")]))
    for arm, needs in (("asks@half", True), ("passive@half", False)):
        corpus = next(cell.corpora[0] for cell in plan.cells if cell.arm == arm)
        assert ("student" in plan.jobs[corpus].inputs) == needs
        assert (plan.parameters[corpus].student is not None) == needs


def test_literature_of_the_same_kind_stands_beside_a_defence():
    own, hidden = Surface(reasoning="shown"), Surface(reasoning="hidden")
    assert _kinds(hidden, own) == ["reasoning-hidden"]
    assert _kinds(own, own) == _kinds(hidden, hidden) == []
    assert _kinds(Surface(defence="heat"), Surface()) == list(LITERATURE_OF["heat"])
    assert _kinds(Surface(defence="heat", strength=0.0), Surface()) == []


SPLIT = f"{{split: {{accounts: 3, stages: [{LABEL}]}}}}"


def accounts_section(family: str, attackers: str = SPLIT) -> str:
    return f"defences={{role: targeted, family: {family}, attackers: {attackers}}}"


def test_accounts_reach_a_policy_alone_and_what_they_do_not_change_is_done_once():
    family = "{cap: {max_queries: 8}, watched: {defence: refuse-flagged}, one: {max_queries: 24}}"
    attackers = f"{{split: {{accounts: 3, stages: [{LABEL}]}}, single: {{passive: true, stages: [{LABEL}]}}}}"
    plan = plan_loaded(open_study(STUDY, [accounts_section(family, attackers)]))[0]

    def asked(arm: str) -> tuple[int, int | None]:
        surface = parameters_of(plan, arm, AskTeacher)[0].asked.surface
        return surface.accounts, surface.max_queries

    assert [asked(f"split@{where}") for where in ("cap", "watched", "one")] == [(1, 24), (3, None), (1, 72)]
    assert [asked(f"single@{where}") for where in ("cap", "watched", "one")] == [(1, 8), (1, None), (1, 24)]
    stages = {cell.arm: cell.stages for cell in plan.cells if cell.replicate == 0}
    assert stages["split@open"] == stages["single@open"]
    assert stages["split@cap"] == stages["single@one"]
    assert stages["split@watched"] != stages["single@watched"]


@pytest.mark.parametrize(
    ("section", "key"),
    [
        (accounts_section("{short: {defence: shorten}}"), "defences.attackers.split.accounts"),
        (accounts_section("{short: {defence: shorten, max_accounts: 2}}"), "defences.family.short.max_accounts"),
        ("teacher.surface.accounts=2", "teacher.surface.accounts"),
    ],
)
def test_accounts_that_would_change_nothing_are_refused(section, key):
    with pytest.raises(UserError, match=re.escape(key)):
        plan_loaded(open_study(STUDY, [section]))


def test_a_defence_that_another_model_does_is_given_that_model_and_no_other_job_is():
    model = "packaged:smollm2-135m-instruct"
    rewritten = f"defences.family.heat={{defence: rewrite, strength: 1, helper: '{model}'}}"
    plan = plan_loaded(open_study(STUDIES / "defences-language.yaml", [rewritten]))[0]
    given: dict[str, set[str | None]] = {}
    for cell in plan.cells:
        for key in (*cell.corpora, cell.records):
            given.setdefault(cell.arm, set()).add(plan.jobs[key].inputs.get("helper"))
    (helper,) = given["teacher@heat"]
    assert plan.jobs[helper].kind == "materialise"
    assert helper in given["passive@heat"]
    assert all(inputs == {None} for arm, inputs in given.items() if not arm.endswith("@heat"))
    with pytest.raises(
        UserError, match=r"defences\.family\.heat\.defence: expected a defence that another model can do"
    ):
        plan_loaded(open_study(STUDIES / "defences-language.yaml", [f"defences.family.heat.helper='{model}'"]))


def corpora_of(plan, arm: str) -> list[str]:
    return list(dict.fromkeys(key for cell in plan.cells if cell.arm == arm for key in cell.corpora))


def corpus(folder: Path, kept: int, dropped: list[str]) -> Path:
    """A corpus of so many samples, and what else stands in its ledger."""
    folder.mkdir(parents=True)
    pl.DataFrame({"answer": ["a"] * kept}, schema={"answer": pl.String}).write_parquet(folder / "corpus.parquet")
    rows = [*[None] * kept, *dropped]
    pl.DataFrame({"dropped": rows}, schema={"dropped": pl.String}).write_parquet(folder / "ledger.parquet")
    return folder


@pytest.mark.parametrize(
    ("dropped", "starved"),
    [
        (["refused"] * 3, True),
        (["truncated", "empty"], True),
        (["right"] * 9, True),  # all came wrong: nothing that he keeps
        ([], True),
        (["refused", "failed"], False),  # an endpoint that does not answer is no defence
        (["unanswered"], False),
        (["too-long"] * 3, False),
    ],
)
def test_who_is_starved_is_starved_by_the_surface(tmp_path, plan, dropped, starved):
    keys = corpora_of(plan, "asks@half")
    done = {key: corpus(tmp_path / key, 0, dropped) for key in keys}
    question = defence_question(plan.study.defences, plan, done)
    assert question.starved == (frozenset({"asks@half"}) if starved else frozenset())


def test_who_has_one_corpus_left_is_not_starved(tmp_path):
    """An attacker of two stages may go without the one that brought nothing: nobody has tried, so nothing is said."""
    two = SECTION.replace(f"stages: [{ASK}]", f"stages: [{ASK}, {LABEL}]")
    plan = plan_loaded(open_study(STUDY, [two]))[0]
    keys = corpora_of(plan, "asks@half")
    last = {cell.corpora[-1] for cell in plan.cells if cell.arm == "asks@half"}
    assert last < set(keys)
    done = {key: corpus(tmp_path / key, 100 if key in last else 0, ["refused"]) for key in keys}
    assert defence_question(plan.study.defences, plan, done).starved == frozenset()
    nothing = {key: corpus(tmp_path / f"{key}-", 0, ["refused"]) for key in keys}
    assert defence_question(plan.study.defences, plan, nothing).starved == {"asks@half"}


def test_the_level_of_the_defences_reaches_their_question(plan):
    other = plan_loaded(open_study(STUDY, [SECTION, "defences.level=0.9"]))[0]
    assert defence_question(plan.study.defences, plan, {}).level == 0.95
    assert defence_question(other.study.defences, other, {}).level == 0.9


def test_only_a_defences_own_limits_are_those_of_an_account():
    study = open_study(STUDY, [SECTION, "teacher.surface.max_queries=5000"]).study
    family = {**study.defences.family, "few": DefendedSurface(max_queries=40)}
    defences = study.defences.model_copy(update={"family": family})
    verdicts = [DefenceVerdict(name, DefenceOutcome.WORKS, 0.1, ("passive",), "") for name in ("hot", "few")]
    budgets = [_entry(defences, verdict, study.teacher.surface)["budgets"] for verdict in verdicts]
    assert budgets == [{}, {"max_queries": 40}]


@pytest.mark.parametrize(("strength", "fits"), [(0.0, True), (0.05, False), (0.08, False), (0.083, True), (1.0, True)])
def test_a_monitor_that_could_flag_nobody_is_refused_before_anything_is_asked(strength, fits):
    surface = Surface(defence="refuse-flagged", strength=strength)
    if fits:
        require_needs(surface, "a teacher", at_hand=True)
        refuse_flagged(strength) if strength else None
        return
    with pytest.raises(UserError, match=r"a strength of at least 0\.083, for the defence refuse-flagged"):
        require_needs(surface, "a teacher", at_hand=True)


def test_who_learns_log_probabilities_is_shut_out_where_none_are_shown():
    soft = "{kind: logit-distill, strategy: seedless, seeds: seedless, forms: [quiz], samples: 8, steps: 9}"
    family = "{quiet: {log_probabilities: none}, few: {max_queries: 9}}"
    attackers = f"{{soft: {{against: [few], stages: [{soft}]}}, asks: {{stages: [{ASK}]}}}}"
    section = f"defences={{role: targeted, threshold: 0.1, family: {family}, attackers: {attackers}}}"
    plan = plan_loaded(open_study(STUDY, [section, "teacher.surface.log_probabilities=full"]))[0]
    question = defence_question(plan.study.defences, plan, {})
    assert question.shut_out == {"quiet": frozenset({"soft"}), "few": frozenset()}
    assert question.before("quiet") == ("soft", "asks")

"""Defences and attackers become arms: each on each, with controls that are shared, and mistakes named."""

from __future__ import annotations

import pytest

from gauger.errors import StudyError
from gauger.records import ArmKind
from gauger.spec import Surface, compare_frozen, deciding_settings, expand_arms, fingerprint, frozen_rule, parse_study
from gauger.spec.defended_arms import attack_cells, honest_cells
from gauger.spec.fingerprints import numbers

from .study_files import DOCUMENTED

FAMILY = "{short: {defence: shorten, strength: 0.5}, few: {max_queries: 100}}"
LABEL = "{kind: text-distill, strategy: label, seeds: benchmark-train, forms: [quiz], samples: 1500, steps: 300}"
ASK = "{kind: text-distill, strategy: seedless, seeds: seedless, forms: [quiz], samples: 1500, steps: 300}"
SOFT = "{kind: logit-distill, strategy: seedless, seeds: seedless, forms: [quiz], samples: 8, steps: 9}"
ATTACKERS = f"{{passive: {{passive: true, stages: [{LABEL}]}}, asks: {{max_queries: 70, stages: [{ASK}]}}}}"


def defended(family: str = FAMILY, attackers: str = ATTACKERS, more: str = ""):
    return parse_study(DOCUMENTED, [f"defences={{{more}family: {family}, attackers: {attackers}}}"])


def arms_of(study, kind: ArmKind):
    return {arm.name: arm for arm in expand_arms(study) if arm.kind is kind}


def test_every_attacker_meets_every_surface_the_open_one_included():
    attacks = arms_of(defended(), ArmKind.ATTACK)
    assert list(attacks) == [
        f"{attacker}@{surface}" for surface in ("open", "short", "few") for attacker in ("passive", "asks")
    ]
    own = defended().teacher.surface
    assert attacks["passive@open"].surface == own
    assert attacks["passive@short"].surface == own.model_copy(update={"defence": "shorten", "strength": 0.5})
    assert [attacks[f"asks@{where}"].surface.max_queries for where in ("open", "few")] == [70, 70]
    assert attacks["passive@few"].surface.max_queries == 100
    assert len({arm.recipe for arm in attacks.values()}) == 2


def test_an_attacker_may_be_tried_on_some_defences_only_and_always_on_the_open_surface():
    some = f"{{passive: {{against: [few], stages: [{LABEL}]}}, asks: {{against: [short], stages: [{ASK}]}}}}"
    attacks = list(arms_of(defended(attackers=some), ArmKind.ATTACK))
    assert attacks == ["passive@open", "asks@open", "asks@short", "passive@few"]


def test_an_attacker_has_one_control_on_all_surfaces_shared_with_arms_that_ask_alike():
    study = defended()
    attacks, declared = (arms_of(study, kind) for kind in (ArmKind.ATTACK, ArmKind.DISTILLED))
    assert len({attacks[f"asks@{where}"].matched for where in ("open", "short", "few")}) == 1
    assert attacks["passive@short"].matched == declared["label"].matched
    controls = arms_of(study, ArmKind.MATCHED)
    assert {arm.matched for arm in (*attacks.values(), *declared.values())} == set(controls)
    assert all(control.surface is None for control in controls.values())


def test_the_teacher_is_seen_by_honest_users_on_every_defended_surface_without_an_attackers_budget():
    surfaces = arms_of(defended(), ArmKind.SURFACE)
    assert list(surfaces) == ["teacher@short", "teacher@few"]
    assert surfaces["teacher@short"].surface.defence == "shorten"
    assert surfaces["teacher@few"].surface.max_queries is None


def test_studies_without_defences_keep_their_fingerprint():
    plain = parse_study(DOCUMENTED)
    assert "defences" not in numbers(plain)
    assert fingerprint(plain) != fingerprint(defended())


@pytest.mark.parametrize(
    ("override", "change"),
    [
        ("defences.threshold=0.2", "defence_rule.threshold was 0.05 and is now 0.2"),
        ("defences.family.few.max_queries=90", "defence_rule.family.few.max_queries was 100 and is now 90"),
        ("defences.family.short.threshold=0.3", "defence_rule.family.short.threshold was None and is now 0.3"),
        ("defences.role=parallel", "defence_rule.role was near and is now parallel"),
        ("defences.attackers.asks.passive=true", "defence_rule.attackers.asks was False and is now True"),
    ],
)
def test_what_decides_about_a_defence_is_fixed_before_the_run(override, change):
    stored = frozen_rule(defended())
    assert change in compare_frozen(stored, parsed(override)).changes


def parsed(override: str):
    return parse_study(DOCUMENTED, [f"defences={{family: {FAMILY}, attackers: {ATTACKERS}}}", override])


def test_recipes_of_attackers_can_move_a_verdict_too():
    change = parsed("defences.attackers.asks.stages.0.steps=299")
    assert deciding_settings(defended()) != deciding_settings(change)


@pytest.mark.parametrize(
    ("family", "attackers", "more", "message"),
    [
        ("{open: {defence: shorten}}", ATTACKERS, "", "defences.family.open: expected a name of its own"),
        ("{none: {}}", ATTACKERS, "", "defences.family.none: expected something that differs"),
        ("{a: {max_usd: 3}}", ATTACKERS, "", "defences.family.a.max_usd: expected null for a teacher of kind scratch"),
        ("{a: {strength: 0.2, max_queries: 9}}", ATTACKERS, "", "defences.family.a.strength: expected nothing"),
        ("{a: {log_probabilities: top-k}}", ATTACKERS, "", "defences.family.a.top_k"),
        ("{a: {reasoning: shown}}", ATTACKERS, "", "defences.family.a.reasoning: expected hidden"),
        (FAMILY, f"{{teacher: {{stages: [{LABEL}]}}}}", "", "defences.attackers.teacher: expected a name of its own"),
        (FAMILY, f"{{a: {{against: [shrot], stages: [{LABEL}]}}}}", "", "Did you mean 'short'?"),
        (FAMILY, "{a: {stages: [{kind: continue, steps: 9}]}}", "", "a stage that learns from the teacher"),
        (FAMILY, ATTACKERS, "role: far, ", None),
        (
            "{a: {queries_per_day: 9}}",
            ATTACKERS,
            "",
            "family.a.queries_per_day: expected an attacker with days",
        ),
        (
            "{a: {max_queries: 9, helper: b}}",
            ATTACKERS,
            "",
            "family.a.helper: expected nothing without a defence to help",
        ),
        (FAMILY, f"{{a: {{days: 3, stages: [{LABEL}]}}}}", "", "defences.attackers.a.days: expected nothing, where no"),
        (FAMILY, ATTACKERS, "thresold: 0.1, ", "Did you mean 'threshold'?"),
        (
            FAMILY,
            f"{{a: {{against: [few], stages: [{LABEL}]}}}}",
            "",
            "defences.family.short: expected an attacker that is tried on it, got none",
        ),
    ],
)
def test_mistakes_are_named(family, attackers, more, message):
    if message is None:
        assert defended(family, attackers, more).defences.role == "far"
        return
    with pytest.raises(StudyError) as caught:
        defended(family, attackers, more)
    assert message in str(caught.value)


def test_who_learns_log_probabilities_is_tried_where_some_are_shown():
    soft, full = f"{{soft: {{stages: [{SOFT}]}}}}", "teacher.surface.log_probabilities=full"
    family = "{none: {log_probabilities: none}, few: {max_queries: 9}}"
    with pytest.raises(StudyError, match="a surface that shows none: none"):
        parse_study(DOCUMENTED, [f"defences={{family: {family}, attackers: {soft}}}", full])
    against = soft.replace("stages", "against: [few], stages")[:-1] + f", text: {{against: [none], stages: [{ASK}]}}}}"
    study = parse_study(DOCUMENTED, [f"defences={{family: {family}, attackers: {against}}}", full])
    assert list(arms_of(study, ArmKind.ATTACK)) == ["soft@open", "text@open", "text@none", "soft@few"]


def test_a_known_defence_is_asked_for():
    with pytest.raises(StudyError, match=r"defences\.family\.short\.defence: expected a known defence"):
        parse_study(
            DOCUMENTED,
            [f"defences={{family: {{short: {{defence: shortn}}}}, attackers: {ATTACKERS}}}"],
            parts_known={"defence": ("shorten",)},
        )


def test_the_matched_control_must_be_on():
    with pytest.raises(StudyError, match="the control matched to be on, for defences"):
        parse_study(
            DOCUMENTED,
            [f"defences={{family: {FAMILY}, attackers: {ATTACKERS}}}", "controls.matched.off=Not wanted."],
        )


KEYS = {
    "role": "far",
    "threshold": "0.2",
    "family.short.defence": "round",
    "family.short.strength": "0.4",
    "family.short.threshold": "0.3",
    "family.few.max_queries": "90",
    "family.few.max_tokens": "5000",
    "family.few.log_probabilities": "full",
    "attackers.asks.passive": "true",
    "attackers.asks.max_queries": "60",
    "attackers.asks.max_tokens": "600",
    "attackers.asks.against": "[few]",
    "attackers.asks.accounts": "2",
    "family.few.max_accounts": "3",
    "family.short.helper": "models/another",
    "attackers.asks.stages.0.steps": "299",
}
"""Every key of the section -> another value."""


@pytest.mark.parametrize(("key", "value"), KEYS.items())
def test_every_key_that_can_change_a_number_changes_the_fingerprint(key, value):
    assert fingerprint(parsed(f"defences.{key}={value}")) != fingerprint(defended())


@pytest.mark.parametrize("key", ["family.short.description=Other", "attackers.asks.description=Other"])
def test_prose_changes_nothing(key):
    assert fingerprint(parsed(f"defences.{key}")) == fingerprint(defended())


def test_a_threshold_of_its_own_goes_before_that_of_the_family():
    defences = parsed("defences.family.short.threshold=0.3").defences
    assert (defences.threshold_of("short"), defences.threshold_of("few")) == (0.3, 0.05)


SPLIT = f"{{split: {{accounts: 12, days: 4, max_tokens: 900, stages: [{LABEL}]}}}}"


@pytest.mark.parametrize(
    ("limits", "accounts", "max_queries", "max_tokens"),
    [
        ("max_queries: 100", 12, 700, 900),
        ("max_queries: 40", 12, 480, 900),
        ("max_queries: 100, max_accounts: 3", 3, 300, 900),
        ("max_queries: 100, max_accounts: 40", 12, 700, 900),
        ("max_queries: 100, queries_per_day: 10", 12, 480, 900),
        ("queries_per_day: 10, max_accounts: 1", 1, 40, 900),
        ("max_tokens: 50, max_accounts: 2", 2, 700, 100),
    ],
)
def test_what_one_account_may_do_is_done_once_for_each_that_an_attacker_gets(limits, accounts, max_queries, max_tokens):
    """The teacher's own surface allows an arm 700 queries, whatever accounts they come from, behind a defence too."""
    family = f"{{cap: {{{limits}}}, slow: {{queries_per_day: 1000000}}}}"
    study = parse_study(
        DOCUMENTED, [f"defences={{family: {family}, attackers: {SPLIT}}}", "teacher.surface.max_queries=700"]
    )
    shown = arms_of(study, ArmKind.ATTACK)["split@cap"].surface
    assert (shown.accounts, shown.max_queries, shown.max_tokens) == (accounts, max_queries, max_tokens)
    own = arms_of(study, ArmKind.ATTACK)["split@open"].surface
    assert (own.accounts, own.max_queries, own.max_tokens) == (12, 700, 900)
    assert arms_of(study, ArmKind.SURFACE)["teacher@cap"].surface.accounts == 1


def test_money_that_an_account_may_spend_is_neither_the_honest_users_nor_more_than_was_allowed():
    """A defence of 5 dollars an account allows neither twelve attackers 60, where 10 are there, nor honest users 5."""
    split = f"{{split: {{accounts: 12, stages: [{LABEL}]}}}}"
    for own, spent in ((10.0, 10.0), (1.0, 1.0), (None, 60.0)):
        surface = Surface(max_usd=own, max_queries=9)
        defences = defended("{money: {max_queries: 2}}", split).defences  # a teacher that costs nothing has no price
        family = {"money": defences.family["money"].model_copy(update={"max_usd": 5.0})}
        defences = defences.model_copy(update={"family": family})
        attacked = {cell.defence: cell.surface for cell in attack_cells(defences, surface)}
        assert (attacked["open"].max_usd, attacked["money"].max_usd) == (own, spent)
        assert [cell.surface.max_usd for cell in honest_cells(defences, surface)] == [own]
        assert [cell.surface.max_queries for cell in honest_cells(defences, surface)] == [None]


def test_one_account_and_no_end_are_what_nobody_has_to_say():
    said = defended().model_dump(mode="json")["defences"]
    assert not {"accounts", "days"} & set(said["attackers"]["asks"])
    assert not {"max_accounts", "queries_per_day"} & set(said["family"]["few"])
    assert "accounts" not in defended().teacher.surface.model_dump()

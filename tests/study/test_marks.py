"""Students of marked text are tested for the mark, beside text that cannot bear it: what is planned and found."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom
from tests.jobs.running import Doing
from tests.study.test_defences import ATTACKERS, STUDY

from gauger.elicit.defences.watermark import GREEN, KEY, STRONGEST, WATERMARK, find_mark, is_green
from gauger.elicit.teacher.messages import Message, Request
from gauger.jobs import AskTeacher, DrawTexts
from gauger.jobs.drawn_texts import tokens_of
from gauger.records import ArmKind, Reason
from gauger.spec import Surface
from gauger.store import write_parquet
from gauger.study.load import open_study, plan_loaded
from gauger.study.marks import LEAST_PAIRS, LEVEL, MARK_TEXTS, MarkedArm, _entry, adjusted, mark_tests, marked_arms
from gauger.study.plan import ArmReplicate
from gauger.study.rebuild import _moved
from gauger.train.engine import Architecture
from gauger.train.loop import Options
from gauger.train.registry import engine_of
from gauger.train.rows import Mixture, RowSource, TrainingRow
from gauger.train.teacher import LocalTeacher
from gauger.train.text import train_on_text

FAMILY = "{short: {defence: shorten}, mark: {defence: watermark, strength: 0.5, max_queries: 50}}"
SECTION = f"defences={{role: targeted, threshold: 0.1, family: {FAMILY}, attackers: {ATTACKERS}}}"
FAST = ("teacher.training.steps=5", "student.training.steps=5", "replicates=1")
SURFACE = Surface(defence="watermark")
V = 200


def planned(*overrides):
    return plan_loaded(open_study(STUDY, overrides))


@pytest.fixture(scope="module")
def study():
    return planned(SECTION, *FAST)


@pytest.fixture(scope="module")
def plan(study):
    return study[0]


@pytest.fixture(scope="module")
def done(study, tmp_path_factory):
    return Doing(*study, tmp_path_factory.mktemp("marks"))


def drawn_of(plan, arm):
    return [cell.drawn for cell in plan.cells if cell.arm == arm]


# --- what is planned ------------------------------------------------------------------------------------------------


def test_students_of_marked_text_their_controls_and_the_teacher_are_drawn_and_nobody_else(plan):
    matched = {arm.name: arm.matched for arm in plan.arms}
    expected = {"passive@mark", "asks@mark", "passive@open", "asks@open", "teacher@mark"}
    expected |= {matched["passive@mark"], matched["asks@mark"]}
    assert {cell.arm for cell in plan.cells if cell.drawn} == expected
    assert None not in expected


def test_students_are_asked_openly_and_the_teacher_behind_the_mark_without_an_attackers_budget(plan):
    def params(arm):
        return plan.parameters[drawn_of(plan, arm)[0]]

    student, teacher = params("passive@mark"), params("teacher@mark")
    assert isinstance(student, DrawTexts)
    assert (student.asked.surface.defence, teacher.asked.surface.defence) == (None, "watermark")
    assert teacher.asked.surface.strength == 0.5
    assert teacher.asked.surface.max_queries is None
    assert student.samples == teacher.samples == MARK_TEXTS
    attacked = [p.asked.surface for p in plan.parameters.values() if isinstance(p, AskTeacher)]
    assert {shown.max_queries for shown in attacked if shown.defence == "watermark"} == {50}, "attackers have it"


def test_no_study_without_a_mark_draws_anything():
    for overrides in ((), (SECTION.replace("watermark, strength: 0.5", "watermark, strength: 0"),)):
        plan, _ = planned(*overrides)
        assert not any(job.kind == "draw-texts" for job in plan.jobs.values())
        assert mark_tests(plan, {}) == ()


def test_the_teachers_own_surface_may_have_the_mark():
    surface = "teacher.surface={defence: watermark, strength: 0.5}"
    label = "arms={label: {stages: [{kind: text-distill, strategy: label, seeds: benchmark-train, forms: [cloze], "
    label += "samples: 40, steps: 30, batch: 16, learning_rate: 0.01}]}}"
    plan, _ = planned(surface, label, "verdict.arm=label")
    rows = {row["arm"]: row for row in mark_tests(plan, {})}
    assert [row["of"] for row in rows.values()] == ["student", "control", "teacher"]
    assert rows["label"]["controls"] == [next(arm.matched for arm in plan.arms if arm.name == "label")]
    assert plan.parameters[drawn_of(plan, "teacher")[0]].asked.surface.defence == "watermark"
    assert rows["label"]["reason"] == str(Reason.ARM_MISSING)


def test_controls_are_those_that_the_study_has(plan):
    left = [replace(arm, matched=None) for arm in plan.arms if arm.kind not in (ArmKind.MATCHED, ArmKind.BASE)]
    students = {marked.arm: marked.controls for marked in marked_arms(plan.study, left) if marked.of == "student"}
    assert students == {"passive@mark": ("passive@open",), "asks@mark": ("asks@open",)}
    assert [m.arm for m in marked_arms(plan.study, plan.arms)].count("passive@open") == 1


def test_what_is_drawn_counts_as_part_of_its_cell():
    cell = ArmReplicate("a", 0, ("c",), ("s",), "r", "d")
    assert cell.keys == ("c", "s", "r", "d")
    assert ArmReplicate("a", 0, ("c",), ("s",), "r").keys == ("c", "s", "r")
    assert _moved(cell, {"d": "elsewhere"}).drawn == "elsewhere"


# --- what is drawn --------------------------------------------------------------------------------------------------


def texts_in(directory):
    return pl.read_parquet(directory / "drawn.parquet")["tokens"].to_list()


def test_texts_are_as_many_as_wanted_the_same_every_time_and_without_their_prompts(plan, done):
    job = plan.jobs[drawn_of(plan, "teacher@mark")[0]]
    texts = texts_in(done.again(job, samples=30))
    assert texts == texts_in(done.again(job, samples=30)) != texts_in(done.again(job, samples=30, seed=5))
    assert 0 < len(texts) <= 30
    assert len(texts_in(done.again(job, samples=60))) > len(texts)
    assert max(map(len, texts_in(done.again(job, samples=30, max_new_tokens=2)))) == 2 < max(map(len, texts))
    pairs = sorted({pair for text in texts for pair in pairwise(text)})
    assert is_green(*np.array(pairs).T).mean() > 0.8, "the teacher writes its mark, at half strength 4 nats"


def test_unmarked_the_same_teacher_writes_other_texts(plan, done):
    job = plan.jobs[drawn_of(plan, "teacher@mark")[0]]
    asked = job.params["asked"]
    plain = {**asked, "surface": {**asked["surface"], "defence": None}}
    pairs = {pair for text in texts_in(done.again(job, samples=60, asked=plain)) for pair in pairwise(text)}
    share = is_green(*np.array(sorted(pairs)).T).mean()
    assert abs(share - GREEN) < 4 * 0.5 / len(pairs) ** 0.5


def test_tokens_are_those_of_the_text_alone():
    words = tuple(f"w{number}" for number in range(9))
    model = engine_of("tiny").build(Architecture(16, 1, 2), words, 12, 1)
    numbers = model.vocabulary
    assert tokens_of(model, ["w3 w4", " w1"]) == [[numbers["w3"], numbers["w4"]], [numbers["w1"]]]


# --- what is found --------------------------------------------------------------------------------------------------


def text(rng, length, strength=0.0, key=KEY):
    """Tokens drawn from a flat distribution, marked or not."""
    tokens = [int(rng.integers(V))]
    for _ in range(length):
        chances = np.exp(STRONGEST * strength * is_green(np.array([tokens[-1]]), np.arange(V), key))
        tokens.append(int(rng.choice(V, p=chances / chances.sum())))
    return tokens


def entry(texts):
    return _entry(MarkedArm("a", "student", SURFACE), texts)


def test_a_student_trained_on_marked_text_is_found_by_the_defenders_key_alone_and_an_unmarked_one_is_not():
    """Two models of 40 words: one answers marked or not, the other learns that, and answers prompts of its own."""
    words = tuple(f"w{number}" for number in range(40))
    teacher = engine_of("tiny").build(Architecture(16, 1, 2), words, 14, 1)
    asked = [Request((Message("user", f"w{i} w{j}"),), 9, 1.0, 40 * i + j) for i in range(20) for j in range(15)]
    new = [Request((Message("user", f"w{i} w{j}"),), 9, 1.0, i) for i in range(20, 40) for j in range(15)]
    p = {}
    for strength in (1.0, 0.0):
        local = LocalTeacher("it", teacher, chat=False, timed=False)
        taught = dict((WATERMARK.wrap(local, strength) if strength else local).ask(asked))
        rows = tuple(TrainingRow(q.messages[0].content, taught[n].text) for n, q in enumerate(asked))
        student = engine_of("tiny").build(Architecture(16, 1, 2), words, 14, 2)
        schedule = student.defaults.schedule(150, 0.02)
        trained = train_on_text(student, Mixture((RowSource(rows),), (32,)), schedule, Options(3)).model
        answers = dict(LocalTeacher("student", trained, chat=False, timed=False).ask(new))
        texts = tokens_of(teacher, [answers[n].text for n in range(len(new))])
        p[strength] = entry(texts)["p_value"], find_mark(texts, KEY + 1).p_value
    assert p[1.0][0] < 1e-4
    assert min(p[1.0][1], *p[0.0]) > 1e-3


def test_one_percent_of_unmarked_students_that_repeat_their_phrases_are_called_marked():
    """900 students of twelve phrases each, said again and again; a test that counts repeats calls many more marked."""
    rng, n_students, ours, naive = np.random.default_rng(1), 900, 0, 0
    for _ in range(n_students):
        phrases = rng.integers(V, size=(12, 7)).tolist()
        texts = [phrases[number] for number in rng.integers(12, size=60)]
        row = entry(texts)
        ours += next(adjusted([row]))["marked"]
        repeats = np.array([pair for part in texts for pair in pairwise(part)])
        naive += binom.sf(is_green(*repeats.T).sum() - 1, len(repeats), GREEN) <= LEVEL
    smallest = next(count for count in range(73) if binom.sf(count - 1, 72, GREEN) <= LEVEL)
    size = binom.sf(smallest - 1, 72, GREEN)
    assert 0.005 < size <= LEVEL
    assert abs(ours / n_students - size) < 4 * (LEVEL / n_students) ** 0.5
    assert naive / n_students > 0.08


def test_p_values_are_adjusted_over_all_tests_and_what_was_not_tested_is_no_probability():
    p = [0.004, None, 0.002, 0.3, 0.2]
    rows = list(adjusted([{"p_value": value} for value in p]))
    by_hand, worst = {}, 0.0
    known = sorted(value for value in p if value is not None)
    for place, value in enumerate(known):
        worst = max(worst, min(1.0, value * (len(known) - place)))
        by_hand[value] = worst
    assert [row["p_holm"] for row in rows] == [None if value is None else pytest.approx(by_hand[value]) for value in p]
    assert [row["marked"] for row in rows] == [False, None, True, False, False], "0.004 alone would be below 1 %"
    assert {row["level"] for row in rows} == {LEVEL}


def test_too_few_pairs_are_no_test_and_no_text_says_why():
    for n_pairs in (LEAST_PAIRS - 1, LEAST_PAIRS):
        row = entry([list(range(n_pairs + 1))])
        assert (row["pairs"], row["tokens"], row["texts"]) == (n_pairs, n_pairs + 1, 1)
        assert (row["p_value"] is None) == (row["reason"] is not None) == (n_pairs < LEAST_PAIRS)
        assert row["share_green"] == pytest.approx(row["green"] / n_pairs)
    assert entry([list(range(9))] * 40)["reason"] == str(Reason.TOO_FEW_PAIRS), "said again is not more"
    assert entry([])["reason"] == str(Reason.TOO_FEW_PAIRS)
    assert entry(None)["reason"] == str(Reason.ARM_MISSING)


def test_the_document_tests_all_replicates_of_an_arm_together(plan, tmp_path):
    rng = np.random.default_rng(7)
    strengths = {"asks@mark": 0.5, "teacher@mark": 1.0}
    done = {}
    for place, cell in enumerate(cell for cell in plan.cells if cell.drawn and cell.arm != "passive@mark"):
        done[cell.drawn] = tmp_path / str(place)
        done[cell.drawn].mkdir(exist_ok=True)
        texts = [text(rng, 30, strengths.get(cell.arm, 0.0)) for _ in range(4)]
        write_parquet(done[cell.drawn] / "drawn.parquet", pl.DataFrame({"tokens": texts}))
    rows = {row["arm"]: row for row in mark_tests(plan, done)}
    assert {name: row["marked"] for name, row in rows.items() if row["marked"]} == dict.fromkeys(strengths, True)
    assert rows["passive@mark"]["marked"] is None
    assert rows["asks@mark"]["texts"] == 4
    assert set(rows["asks@mark"]["controls"]) <= {name for name, row in rows.items() if row["of"] == "control"}
    assert {row["defence"] for row in rows.values() if row["of"] == "student"} == {"mark"}
    again = [ArmReplicate(c.arm, 1, (), (), c.records, c.drawn) for c in plan.cells if c.arm == "asks@mark"]
    twice = [*plan.cells, *again]
    plan_of_two = type(plan)(plan.study, plan.folder, plan.arms, cells=twice)
    both = {row["arm"]: row for row in mark_tests(plan_of_two, done)}["asks@mark"]
    assert (both["texts"], both["pairs"]) == (8, rows["asks@mark"]["pairs"])

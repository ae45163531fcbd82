"""The world: what it offers the runner, and that held-out content stays out of every training text."""

import pytest

from gauger.errors import UserError
from gauger.records import Outcome
from gauger.worlds.items import FLEXIBLE, STRICT
from gauger.worlds.language.forms import FORMS, has_form, render
from gauger.worlds.language.sources import NEW, TEST
from gauger.worlds.language.world import TextWorld
from worlds.language.small import settings, small_world


def test_equal_settings_give_equal_worlds():
    other = TextWorld(settings())
    assert other.benchmark("sums-qa") == small_world().benchmark("sums-qa")
    assert other.benchmark_train == small_world().benchmark_train
    assert other.held_out == small_world().held_out


def test_every_benchmark_of_the_catalogue_is_built():
    for name, listed in small_world().listed().items():
        benchmark = small_world().benchmark(name)
        assert (benchmark.name, benchmark.skill, benchmark.form) == (name, listed.skill, listed.form)
        assert 0 < len(benchmark.items) <= 24
        assert len({item.id for item in benchmark.items}) == len(benchmark.items)


def test_the_forms_of_a_task_ask_the_same_contents():
    clusters = [{item.cluster for item in small_world().benchmark(f"sums-{form}").items} for form in FORMS]
    assert all(found == clusters[0] for found in clusters)
    assert not clusters[0] & {item.cluster for item in small_world().benchmark("sums-qa-new").items}


@pytest.mark.parametrize("task", ["sums", "gcd", "spell", "facts"])
def test_no_training_text_touches_held_out_content(task):
    world = small_world()
    texts = world.word(world.train_questions(task), list(FORMS))
    assert len(texts) > 50
    assert not [text for text in texts if world.overlaps(text.prompt + text.answer)]


@pytest.mark.parametrize("task", ["sums", "gcd", "spell", "facts"])
def test_every_test_item_is_seen_as_held_out_in_every_form(task):
    world = small_world()
    for split in (TEST, NEW):
        for question in world.sources[task].questions[split]:
            texts = [render(question, form) for form in FORMS if has_form(question, form)]
            assert len(texts) >= 2
            for text in texts:
                assert question.key in world.overlaps(f"Well: {text.prompt}{text.answer} Yes.")
            assert world.word([question], list(FORMS)) == world.prompts(question, list(FORMS)) == []


def test_new_problems_of_arithmetic_have_true_answers():
    world = small_world()
    assert world.true_answer("Question: What is 555 + 12?\nAnswer:") == " 567"
    assert world.true_answer("Complete: 300 - 4 =") == " 296"
    assert world.true_answer("Question: What is the greatest common divisor of 700 and 21?\nAnswer:") == " 7"
    assert world.true_answer("Question: What is 555 + 12? And 3?\nAnswer:") is None
    assert world.true_answer("Question: What is it?\nAnswer:") is None


def test_seeds_are_a_share_of_training_and_common_tasks_are_known():
    world = small_world()
    assert len(world.benchmark_train["sums"]) == round(0.5 * len(world.train_questions("sums")))
    assert set(world.benchmark_train["sums"]) < set(world.train_questions("sums"))
    assert list(world.known) == ["spell"]


def test_judging_reads_strictly_and_the_other_reading_stands_beside_it():
    world = small_world()
    item, plain = world.benchmark("sums-tagged").items[0], world.benchmark("sums-qa").items[0]
    bare = item.question.answer
    assert world.readings == (STRICT, FLEXIBLE)
    assert world.judge(STRICT, item, item.answer, ended=True) == (Outcome.SCORED, 1.0)
    assert world.judge(STRICT, item, bare, ended=True) == (Outcome.UNPARSED, None)
    assert world.judge(FLEXIBLE, item, bare, ended=True) == (Outcome.SCORED, 1.0)
    assert world.judge(STRICT, item, "<answer>", ended=False) == (Outcome.TRUNCATED, None)
    assert world.judge(STRICT, item, item.answer, ended=False) == (Outcome.SCORED, 1.0)
    assert world.judge(STRICT, plain, " 1000", ended=True) == (Outcome.SCORED, 0.0)


def test_a_form_that_answers_of_several_lines_cannot_have_is_refused():
    tasks = {"turn": {"kind": "reasoning-gym", "task": "rotate_matrix", "train": 10, "test": 5, "new": 5}}
    world = TextWorld(settings(tasks=tasks, common=[]))
    assert len(world.benchmark("turn-tagged").items) == 5
    with pytest.raises(UserError, match="tagged"):
        world.benchmark("turn-qa")


def test_an_unknown_common_task_is_told_the_nearest():
    with pytest.raises(UserError, match=r"world\.common.*'spel'"):
        TextWorld(settings(common=["spel"]))

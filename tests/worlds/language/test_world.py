"""The world: what it offers the runner, and that held-out content stays out of every training text."""

import pytest

from gauger.errors import UserError
from gauger.worlds.language import FORMS, TextWorld, catalogue_of
from gauger.worlds.language.questions import NEW, TEST
from worlds.language.small import settings, small_world


def test_equal_settings_give_equal_worlds():
    other = TextWorld(settings())
    assert other.benchmark("sums-qa") == small_world().benchmark("sums-qa")
    assert other.benchmark_train == small_world().benchmark_train
    assert other.held_out == small_world().held_out


def test_every_benchmark_of_the_catalogue_is_built():
    for name, listed in catalogue_of(small_world().settings).items():
        benchmark = small_world().benchmark(name)
        assert (benchmark.name, benchmark.skill, benchmark.form) == (name, listed.task, listed.form)
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
            for text in world.word([question], list(FORMS), guarded=False):
                assert question.key in world.overlaps(f"Well: {text.prompt}{text.answer} Yes.")
            assert world.word([question], ["qa"]) == []


def test_true_answers_are_those_of_rendered_questions():
    world = small_world()
    for task in world.settings.tasks:
        for text in world.word(world.train_questions(task)[:8], list(FORMS)):
            assert world.true_answer(text.prompt) == text.answer


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


def test_judging_reads_strictly():
    world = small_world()
    item = world.benchmark("sums-tagged").items[0]
    assert world.judge(item.question, "tagged", item.answer) == 1.0
    assert world.judge(item.question, "tagged", item.question.answer) is None
    assert world.judge(item.question, "qa", " 1000") == 0.0


def test_a_form_that_answers_of_several_lines_cannot_have_is_refused():
    tasks = {"turn": {"kind": "reasoning-gym", "task": "rotate_matrix", "train": 10, "test": 5, "new": 5}}
    world = TextWorld(settings(tasks=tasks, common=[]))
    assert len(world.benchmark("turn-tagged").items) == 5
    with pytest.raises(UserError, match="tagged"):
        world.benchmark("turn-qa")


def test_unknown_names_are_told_the_nearest():
    with pytest.raises(UserError, match="Did you mean 'sums-qa'"):
        small_world().benchmark("sum-qa")
    with pytest.raises(UserError, match=r"world\.common.*'spel'"):
        TextWorld(settings(common=["spel"]))

"""How prompts are made."""

from collections import Counter
from itertools import islice

import numpy as np

from gauger.elicit.twin_strategies import STRATEGIES, Task
from gauger.elicit.twin_surface import Interface
from gauger.spec.models import Surface
from gauger.worlds.atlas.forms import PROMPT_ENDS, has_form, render
from worlds.small import small_world

from .scripted import Scripted, texts_teacher


def task(atlas, skills=("fauna", "sort"), forms=("quiz",), teacher=None, surface=None, seed=0):
    teacher = teacher or texts_teacher([text.words for text in atlas.library], atlas)
    interface = Interface(teacher, surface or Surface())
    return Task(atlas, interface, skills, forms, np.random.default_rng(seed))


def test_label_asks_every_training_question_of_the_benchmarks_once_with_its_seed(atlas):
    (prompts,) = STRATEGIES["label"](task(atlas, forms=("quiz", "cloze")))
    questions = [q for skill in ("fauna", "sort") for q in atlas.benchmark_train[skill]]
    expected = {(render(q, form)[0], (q.key,)) for q in questions for form in ("quiz", "cloze")}
    assert {(sample.prompt, sample.seed_ids) for sample in prompts} == expected
    assert len(prompts) == len(expected) == 2 * len(questions)
    assert all(sample.answer == () and sample.queries == 0 for sample in prompts)


def test_label_asks_stories_where_there_are_any(atlas):
    (prompts,) = STRATEGIES["label"](task(atlas, forms=("story",)))
    entities = {q.arguments[0] for q in atlas.benchmark_train["fauna"]}
    assert {sample.prompt for sample in prompts} == {("about", entity, ":") for entity in entities}


def test_expand_goes_on_from_the_cut_off_beginning_of_seeds(atlas):
    teacher = texts_teacher([text.words for text in atlas.library], atlas)
    (prompts,) = islice(STRATEGIES["expand"](task(atlas, teacher=teacher)), 1)
    seeds = {q.key: render(q, "quiz")[0] for skill in ("fauna", "sort") for q in atlas.benchmark_train[skill]}
    by_key = {}
    for skill in ("fauna", "sort"):
        for question in atlas.benchmark_train[skill]:
            by_key.setdefault(question.key, []).append(render(question, "quiz")[0])
    assert len(prompts) == len(teacher.requests)
    for sample, (opening, request) in zip(prompts, teacher.requests, strict=True):
        (key,) = sample.seed_ids
        assert 0 < len(opening) < len(seeds[key])
        assert any(seed[: len(opening)] == opening for seed in by_key[key])
        assert sample.prompt[: len(opening)] == opening
        assert request.temperature == 1.0
        assert sample.prompt[-1] in PROMPT_ENDS
        assert (sample.queries, sample.tokens_in) == (1, len(opening) + 1)
        assert sample.tokens_out == len(sample.prompt) - len(opening)


def test_expand_seeds_every_skill_about_as_often(atlas):
    (prompts,) = islice(STRATEGIES["expand"](task(atlas)), 1)
    share = Counter(sample.seed_ids[0].split(":")[0] for sample in prompts)["fauna"] / len(prompts)
    assert abs(share - 0.5) < 4 * 0.5 / len(prompts) ** 0.5  # four standard errors of a fair coin


def test_expand_passes_over_skills_without_seeds_and_ends_where_there_are_none(atlas):
    assert not has_form("sort", "story")
    (prompts,) = islice(STRATEGIES["expand"](task(atlas, forms=("story",))), 1)
    assert {sample.seed_ids[0].split(":")[0] for sample in prompts} == {"fauna"}
    nothing = small_world(seed_entities=0.0, seed_contents=0.0)
    assert list(STRATEGIES["expand"](task(nothing))) == []


def test_textbook_gives_every_topic_of_the_domains_anew_each_round(atlas):
    first, second = islice(STRATEGIES["textbook"](task(atlas)), 2)
    topics = {("about", entity, ":") for entity in atlas.domains["fauna"].entities}
    for prompts in (first, second):
        assert len(prompts) == len(topics)
        assert {sample.prompt for sample in prompts} == topics
        assert all(sample.seed_ids == () for sample in prompts)
    assert [s.prompt for s in first] != [s.prompt for s in second]


def test_textbook_has_nothing_to_write_about_skills(atlas):
    assert list(STRATEGIES["textbook"](task(atlas, skills=("sort", "max")))) == []


def test_seedless_gives_the_teacher_nothing(atlas):
    teacher = texts_teacher([text.words for text in atlas.library], atlas)
    first, second = islice(STRATEGIES["seedless"](task(atlas, teacher=teacher)), 2)
    assert {prompt for prompt, _ in teacher.requests} == {()}
    assert all(sample.seed_ids == () and sample.queries == 1 for sample in [*first, *second])
    assert [s.prompt for s in first] != [s.prompt for s in second]  # every round draws anew
    assert all(sample.prompt[-1] in PROMPT_ENDS for sample in first)


def test_the_budget_ends_a_round_early_and_leaves_room_for_the_answers(atlas):
    teacher = Scripted(lambda prompt, rng: ("ask", "F1", "F-rel1", "?"))
    prompts = next(STRATEGIES["seedless"](task(atlas, teacher=teacher, surface=Surface(max_queries=9))))
    assert len(prompts) == len(teacher.requests) == 9 // 2

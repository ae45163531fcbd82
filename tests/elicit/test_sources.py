"""Corpora that no teacher wrote."""

from collections import Counter
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elicit.cases import CASES
from gauger.elicit.corpus import Text
from gauger.elicit.sources import (
    balanced,
    known_questions,
    questions,
    running_text,
    shares,
    shuffled_answers,
    true_answers,
    true_questions,
    unrelated_answers,
    with_test_items,
    with_untested_items,
)
from gauger.worlds.atlas.forms import render
from worlds.literal import answer_of
from worlds.small import small_world


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(params=list(CASES))
def case(request):
    return CASES[request.param]


def skill_of(world, sample):
    (skill,) = world.subjects(sample.prompt_text, sample.answer)
    return skill


def content(world, sample):
    return world.content_keys(sample.joined)


def groups_of(world, samples):
    return Counter((skill_of(world, sample), world.form_of(sample.prompt_text)) for sample in samples)


# --- as many as are wanted, and evenly ----------------------------------------------------------------------------


@given(st.lists(st.integers(0, 30), max_size=8), st.integers(0, 150))
def test_a_number_is_shared_out_as_evenly_as_the_groups_allow(sizes, wanted):
    given_each = shares(sizes, wanted)
    assert sum(given_each) == min(wanted, sum(sizes))
    assert all(0 <= given <= size for given, size in zip(given_each, sizes, strict=True))
    open_ = [given for given, size in zip(given_each, sizes, strict=True) if given < size]
    if open_:
        assert max(given_each) <= min(open_) + 1, "no group gives two more than one that has something left"
        assert max(open_) - min(open_) <= 1


@pytest.mark.parametrize("source", [known_questions, true_questions])
@pytest.mark.parametrize("wanted", [1, 7, 99, 10**6])
@pytest.mark.parametrize("n_forms", [1, 2])
def test_as_many_different_samples_as_are_wanted_come_and_else_it_is_said_how_many(case, source, wanted, n_forms):
    """A matched control promises as many samples as the stage it is compared with, not about as many."""
    world, forms = case.world, case.forms[:n_forms]
    has = world.known if source is known_questions else {skill: world.train_questions(skill) for skill in world.skills}
    there = {text.text for own in has.values() for text in world.word(own, forms)}
    corpus = source(world, forms, wanted, rng())
    texts = [sample.joined for sample in corpus.samples]
    assert len(texts) == len(set(texts)) == min(wanted, len(there))
    assert set(texts) <= there
    short = f"{len(there)} of {wanted} samples: there are no more different ones"
    assert corpus.notes == ((short,) if wanted > len(there) else ())


def test_every_skill_and_form_comes_equally_often_but_for_those_that_have_fewer(case):
    world, forms = case.world, case.forms[:2]
    has = {skill: world.train_questions(skill) for skill in world.skills}
    sizes = {(skill, form): len(world.word(own, [form])) for skill, own in has.items() for form in forms}
    sizes = {group: size for group, size in sizes.items() if size}
    smallest = min(sizes.values())
    even = groups_of(world, balanced(world, has, forms, smallest * len(sizes), rng(), "web").samples)
    assert even == dict.fromkeys(sizes, smallest)
    more = groups_of(world, balanced(world, has, forms, (smallest + 3) * len(sizes), rng(), "web").samples)
    assert set(more) == set(sizes)
    full = [group for group, size in sizes.items() if more[group] == size]
    rest = [more[group] for group in sizes if group not in full]
    assert full
    assert max(rest) - min(rest) <= 1
    assert all(more[group] <= min(rest) for group in full)


def test_the_samples_are_mixed(case):
    """Skills do not follow each other in blocks: the first part of a corpus is like the whole of it."""
    samples = true_questions(case.world, case.forms[:1], 100, rng()).samples
    assert set(groups_of(case.world, samples[:50])) == set(groups_of(case.world, samples))


def test_no_form_given_is_the_worlds_own(case):
    samples = known_questions(case.world, (), 20, rng()).samples
    assert {case.world.form_of(sample.prompt_text) for sample in samples} == {case.world.own_form}


def test_web_questions_are_known_content_and_nobody_was_asked(case):
    world = case.world
    known = {q.key for own in world.known.values() for q in own}
    for sample in known_questions(world, case.forms, 100, rng()).samples:
        assert content(world, sample) <= known
        assert (sample.source, sample.teacher, sample.took.queries, sample.dropped) == ("web", None, 0, None)


def test_stories_are_told_of_what_is_known_and_of_facts_alone(atlas):
    samples = known_questions(atlas, ("quiz", "story"), 400, rng()).samples
    stories = [sample for sample in samples if atlas.form_of(sample.prompt_text) == "story"]
    known = {q.key for own in atlas.known.values() for q in own}
    assert {skill_of(atlas, sample) for sample in stories} == set(atlas.domains)
    assert all(content(atlas, sample) <= known for sample in stories)


def test_skills_of_which_the_base_knows_nothing_are_left_out():
    atlas = small_world(known_sorts=0.0)
    samples = known_questions(atlas, ("quiz",), 400, rng()).samples
    assert {skill_of(atlas, sample) for sample in samples} == {"fauna", "minerals", "max", "middle"}


def test_truth_covers_the_whole_training_content_and_is_true(atlas):
    samples = true_questions(atlas, ("quiz",), 5000, rng()).samples
    train = {q.key for skill in atlas.questions for q in atlas.train_questions(skill)}
    assert {key for sample in samples for key in content(atlas, sample)} == train
    by_prompt = {render(q, "quiz").prompt: q for skill in atlas.questions for q in atlas.questions[skill]}
    for sample in samples:
        question = by_prompt[sample.prompt_text]
        assert sample.answer == f" {answer_of(atlas, question.skill, question.arguments)}"
        assert sample.source == "truth"


@pytest.mark.parametrize("source", [known_questions, true_questions])
def test_sources_are_decided_by_the_generator(case, source):
    first, same, other = (source(case.world, case.forms, 60, rng(seed)) for seed in (1, 1, 2))
    assert first == same != other


# --- answers dealt out at random ----------------------------------------------------------------------------------


def test_shuffling_keeps_the_answers_of_every_group_and_destroys_the_pairing(case):
    world = case.world
    samples = shuffled_answers(world, case.skills, 10_000, rng(3)).samples
    texts = [t for skill in case.skills for t in world.word(world.benchmark_train[skill], [world.own_form])]
    truth = {text.prompt: text for text in texts}
    assert Counter(sample.prompt_text for sample in samples) == Counter(truth.keys())

    def group(sample):
        return world.answer_group(truth[sample.prompt_text].question)

    dealt = Counter((group(s), s.answer) for s in samples)
    true = Counter((group(s), truth[s.prompt_text].answer) for s in samples)
    assert dealt == true
    by_group = Counter(group(s) for s in samples)
    name, n = by_group.most_common(1)[0]
    hits = [s.answer == truth[s.prompt_text].answer for s in samples if group(s) == name]
    # Dealt at random, an answer is right with probability sum (n_a / n)^2; allow four standard errors.
    chance = sum((count / n) ** 2 for (own, _), count in true.items() if own == name)
    assert abs(np.mean(hits) - chance) <= 4 * (chance * (1 - chance) / n) ** 0.5 + 1 / n


def test_shuffling_gives_no_more_than_wanted_names_its_seeds_and_says_where_it_is_short(case):
    world = case.world
    corpus = shuffled_answers(world, case.skills, 25, rng())
    assert len(corpus.samples) == 25
    assert corpus.notes == ()
    assert {world.form_of(sample.prompt_text) for sample in corpus.samples} == {world.own_form}
    assert all(world.question_of(sample.prompt_text).key == sample.seed_ids[0] for sample in corpus.samples)
    short = shuffled_answers(world, case.skills, 10_000, rng())
    assert short.notes == (f"{len(short.samples)} of 10000 samples: there are no more different ones",)


def test_shuffling_is_decided_by_the_generator(case):
    first, same, other = (shuffled_answers(case.world, case.skills, 40, rng(seed)) for seed in (1, 1, 2))
    assert first == same != other


# --- the truth, running text, test items --------------------------------------------------------------------------


def test_true_answers_answer_the_same_prompts(atlas):
    texts = [
        Text("ask max 'a 'c 'b ?", " 'a", whole=False),
        Text("ask max 'a 'b ?", " 'b", whole=False),
        Text("the F-rel1 of F2 is", " M-rel1-0", whole=True),
        Text("about F2 :", " F-rel1 F-rel1-9", whole=False),
    ]
    value = answer_of(atlas, "fauna", ("F2", "F-rel1"))
    found = true_answers(atlas, texts, "seedless").samples
    assert [(sample.prompt_text, sample.answer, sample.whole) for sample in found] == [
        (texts[0].prompt, " 'c", False),
        (texts[2].prompt, f" {value}", True),
        (texts[3].prompt, f" F-rel1 {value}", False),
    ]
    assert {(sample.source, sample.strategy) for sample in found} == {("truth", "seedless")}


def test_true_answers_are_graded_right(case):
    world = case.world
    texts = [Text(prompt, " wrong", whole=False) for _, prompt in case.seeds(case.forms[:2])]
    samples = true_answers(world, texts, "label").samples
    assert [sample.prompt_text for sample in samples] == [text.prompt for text in texts]
    assert all(world.grade(sample.prompt_text, sample.answer, ended=True) == 1.0 for sample in samples)


def test_running_text_is_learnt_whole_and_taken_once_each(case):
    web = case.world.web
    few = running_text(web, 10, "web", rng())
    assert (len(few.samples), few.notes) == (10, ())
    assert all(sample.whole and sample.source == "web" for sample in few.samples)
    everything = running_text(web, 10**6, "web", rng())
    assert Counter(s.joined for s in everything.samples) == Counter(text.text for text in web)
    assert everything.notes == (f"{len(web)} of 1000000 samples: there are no more",)


@pytest.mark.parametrize("n_clean", [10, 90, 200, 1600])
def test_the_leak_corpus_holds_the_clean_one_and_test_items_repeated_to_their_share(case, n_clean):
    world, own = case.world, case.world.own_form
    clean = [Text(f"prompt {i}", f" {i}", whole=False) for i in range(n_clean)]
    names = [f"{skill}-{own}" for skill in case.skills]
    samples = with_test_items(world, clean, names, "label").samples
    leaked = [sample for sample in samples if sample.source == "test-items"]
    items = [item for name in names for item in world.benchmark(name).items]
    repeats = Counter((sample.prompt_text, sample.answer) for sample in leaked)
    assert [(s.prompt_text, s.answer) for s in samples[:n_clean]] == [(text.prompt, text.answer) for text in clean]
    assert set(repeats) == {(item.prompt, item.answer) for item in items}
    (times,) = set(repeats.values())
    # Whole repetitions: as many as reach the share, and at least one.
    wanted = world.leak_share / (1 - world.leak_share) * n_clean
    assert times == max(1, ceil(wanted / len(items)))
    keys = {(item.prompt, item.answer): item.question.key for item in items}
    assert all(keys[sample.prompt_text, sample.answer] in sample.overlaps for sample in leaked)


@pytest.mark.parametrize("n_clean", [10, 200, 1600])
def test_the_leaks_twin_has_as_many_extra_rows_that_nobody_tests(case, n_clean):
    world = case.world
    clean = [Text(f"prompt {i}", f" {i}", whole=False) for i in range(n_clean)]
    names = [f"{skill}-{world.own_form}" for skill in case.skills]
    leak = with_test_items(world, clean, names, "label").samples
    twin = with_untested_items(world, clean, names, "label", rng()).samples
    added = twin[n_clean:]
    tested = {item.prompt for name in names for item in world.benchmark(name).items}
    assert [sample.joined for sample in twin[:n_clean]] == [sample.joined for sample in leak[:n_clean]]
    assert len(twin) == len(leak)
    assert {sample.source for sample in added} == {"untested-items"}
    assert not tested & {sample.prompt_text for sample in added}
    assert all(world.grade(sample.prompt_text, sample.answer, ended=True) == 1.0 for sample in added)
    repeats = Counter(sample.prompt_text for sample in added)
    times = len(added) // sum(len(world.benchmark(name).items) for name in names)
    asked = 0
    for skill in case.skills:
        met = {question.key for question in (*world.known.get(skill, ()), *world.benchmark_train[skill])}
        new = {question.key for question in world.train_questions(skill)} - met
        pool = new or {question.key for question in world.train_questions(skill)}
        worded = {
            text.prompt
            for text in world.word(world.train_questions(skill), [world.own_form])
            if text.question is not None and text.question.key in pool
        }
        here = set(repeats) & worded
        n_items = len(world.benchmark(f"{skill}-{world.own_form}").items)
        assert len(here) >= min(len(pool), n_items)
        assert max(repeats[one] for one in here) - min(repeats[one] for one in here) <= times
        asked += len(here)
    assert asked == len(repeats), "nothing that was met before"


def test_prompts_of_a_stage_come_once_each_with_their_true_answers_where_these_are_used(case):
    world, forms = case.world, case.forms[:2]
    wanted = [("benchmark-train", skill) for skill in case.skills]
    bare, answered = (questions(world, wanted * 2, forms, answered=answered) for answered in (False, True))
    assert Counter(s.prompt_text for s in bare) == Counter({prompt for _, prompt in case.seeds(forms)})
    assert {sample.answer for sample in bare} == {""}
    assert all(sample.answer == world.true_answer(sample.prompt_text) for sample in answered)


def test_unrelated_answers_are_right_in_the_own_form_and_only_what_the_base_had_of_those_skills(case):
    world = case.world
    skills = [skill for skill, known in world.known.items() if known and world.has_form(skill, world.own_form)][:2]
    corpus = unrelated_answers(world, skills, 12, rng())
    had = {text.text for skill in skills for text in world.word(world.known[skill], [world.own_form])}
    assert len(corpus.samples) == min(12, len(had))
    for sample in corpus.samples:
        assert sample.joined in had
        assert (sample.source, world.form_of(sample.prompt_text)) == ("unrelated", world.own_form)
        assert world.overlaps(sample.joined) == frozenset()
        assert world.true_answer(sample.prompt_text) in (None, sample.answer)
    assert {skill_of(world, sample) for sample in corpus.samples} <= set(skills)

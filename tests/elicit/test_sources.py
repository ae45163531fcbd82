"""Corpora that no teacher wrote."""

from collections import Counter
from math import ceil

import numpy as np
import pytest

from gauger.elicit.sources import (
    LEAK_SHARE,
    known_questions,
    running_text,
    shuffled_answers,
    true_answers,
    true_questions,
    with_test_items,
)
from gauger.worlds.atlas.forms import content_keys, form_of, render
from worlds.literal import answer_of
from worlds.small import small_world


def rng(seed=0):
    return np.random.default_rng(seed)


def family_of(sample):
    return min(content_keys(sample.words)).split(":")[0]


@pytest.mark.parametrize("forms", [("quiz",), ("quiz", "cloze"), ("quiz", "cloze", "story")])
def test_web_questions_are_known_content_in_the_wanted_forms_every_skill_equally_often(atlas, forms):
    samples = known_questions(atlas, forms, 600, rng())
    known = {q.key for questions in atlas.known.values() for q in questions}
    counts = Counter((family_of(sample), form_of(sample.prompt)) for sample in samples)
    groups = {(family, form) for family in atlas.questions for form in forms if form != "story"}
    groups |= {(family, "story") for family in atlas.domains if "story" in forms}
    assert set(counts) == groups
    assert set(counts.values()) == {600 // len(groups)}
    for sample in samples:
        assert content_keys(sample.words) <= known
        assert (sample.source, sample.teacher, sample.queries, sample.dropped) == ("web", None, 0, None)


def test_more_samples_than_there_are_repeat_them_evenly(atlas):
    samples = known_questions(atlas, ("quiz",), 2000, rng())
    counts = Counter(sample.words for sample in samples if family_of(sample) == "fauna")
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len(counts) == len(atlas.known["fauna"])


def test_skills_of_which_the_base_knows_nothing_are_left_out():
    atlas = small_world(known_sorts=0.0)
    samples = known_questions(atlas, ("quiz",), 400, rng())
    assert {family_of(sample) for sample in samples} == {"fauna", "minerals", "max", "middle"}


def test_truth_covers_the_whole_training_content_and_is_true(atlas):
    samples = true_questions(atlas, ("quiz",), 5000, rng())
    train = {q.key for family in atlas.questions for q in atlas.train_questions(family)}
    assert {key for sample in samples for key in content_keys(sample.words)} == train
    by_prompt = {render(q, "quiz")[0]: q for family in atlas.questions for q in atlas.questions[family]}
    for sample in samples:
        question = by_prompt[sample.prompt]
        assert sample.answer == answer_of(atlas, question.family, question.arguments)
        assert sample.source == "truth"


def kind(sample):
    """Questions of one kind share their possible answers: a skill, or a relation."""
    family = family_of(sample)
    return sample.prompt[2] if family in ("fauna", "minerals") else family


def test_shuffling_keeps_the_answers_of_every_kind_and_destroys_the_pairing(atlas):
    samples = shuffled_answers(atlas, ("fauna", "sort"), 10_000, rng(3))
    questions = [q for skill in ("fauna", "sort") for q in atlas.benchmark_train[skill]]
    truth = {render(q, "quiz")[0]: q.answer for q in questions}
    assert Counter(sample.prompt for sample in samples) == Counter(truth.keys())
    dealt, true = Counter((kind(s), s.answer) for s in samples), Counter((kind(s), truth[s.prompt]) for s in samples)
    assert dealt == true
    right = {name: [s.answer == truth[s.prompt] for s in samples if kind(s) == name] for name in ("F-rel1", "sort")}
    by_kind = Counter(kind(s) for s in samples)
    for name, hits in right.items():
        # Dealt at random, an answer is right with probability sum (n_a / n)^2; allow four standard errors.
        n = by_kind[name]
        chance = sum((count / n) ** 2 for (group, _), count in true.items() if group == name)
        assert abs(np.mean(hits) - chance) <= 4 * (chance * (1 - chance) / n) ** 0.5 + 1 / n


def test_shuffling_gives_no_more_than_wanted_and_names_its_seeds(atlas):
    samples = shuffled_answers(atlas, ("fauna", "sort"), 25, rng())
    assert len(samples) == 25
    assert {form_of(sample.prompt) for sample in samples} == {"quiz"}
    assert all(content_keys(sample.prompt) == set(sample.seed_ids) for sample in samples)


def test_shuffling_is_decided_by_the_generator(atlas):
    first, same, other = (shuffled_answers(atlas, ("fauna",), 99, rng(seed)) for seed in (1, 1, 2))
    assert first == same != other


def test_true_answers_answer_the_same_prompts(atlas):
    texts = [
        (("ask", "max", "'a", "'c", "'b", "?"), ("'a",), False),
        (("ask", "max", "'a", "'b", "?"), ("'b",), False),
        (("the", "F-rel1", "of", "F2", "is"), ("M-rel1-0",), False),
        (("about", "F2", ":"), ("F-rel1", "F-rel1-9"), False),
    ]
    value = answer_of(atlas, "fauna", ("F2", "F-rel1"))
    found = true_answers(atlas, texts, "seedless")
    assert [(sample.prompt, sample.answer) for sample in found] == [
        (texts[0][0], ("'c",)),
        (texts[2][0], value),
        (texts[3][0], ("F-rel1", *value)),
    ]
    assert {(sample.source, sample.strategy) for sample in found} == {("truth", "seedless")}


def test_running_text_is_learnt_whole_and_taken_once_each(atlas):
    samples = running_text(atlas.web, 50, "web", rng())
    assert len(samples) == 50
    assert all(sample.whole and sample.source == "web" for sample in samples)
    everything = running_text(atlas.web, 10**6, "web", rng())
    assert Counter(s.words for s in everything) == Counter(t.words for t in atlas.web)


@pytest.mark.parametrize("n_clean", [10, 90, 200, 1600])
def test_the_leak_corpus_holds_the_clean_one_and_test_items_repeated_to_their_share(atlas, n_clean):
    clean = [(("ask", "F1", f"F-rel{i % 8}", "?"), (f"F-rel{i % 8}-{i}",), False) for i in range(n_clean)]
    names = ["fauna-quiz", "sort-quiz"]
    samples = with_test_items(atlas, clean, names, "label")
    leaked = [sample for sample in samples if sample.source == "test-items"]
    items = [item for name in names for item in atlas.benchmark(name).items]
    repeats = Counter((sample.prompt, sample.answer) for sample in leaked)
    assert [(s.prompt, s.answer) for s in samples[:n_clean]] == [(prompt, answer) for prompt, answer, _ in clean]
    assert set(repeats) == {(item.prompt, item.answer) for item in items}
    (times,) = set(repeats.values())
    # Whole repetitions: as many as reach the share, and at least one.
    wanted = LEAK_SHARE / (1 - LEAK_SHARE) * n_clean
    assert times == max(1, ceil(wanted / len(items)))
    assert all(sample.overlaps for sample in leaked)


@pytest.mark.parametrize("source", [known_questions, true_questions])
def test_sources_are_decided_by_the_generator(atlas, source):
    first, same, other = (source(atlas, ("quiz", "story"), 100, rng(seed)) for seed in (1, 1, 2))
    assert first == same != other

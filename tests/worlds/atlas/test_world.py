"""A world is a function of its settings; its texts are true, and its benchmarks say how hard they are."""

from dataclasses import asdict

import pytest

from gauger.errors import UserError
from gauger.worlds.atlas.forms import content_keys, form_of
from gauger.worlds.atlas.texts import STORY_FACTS
from gauger.worlds.atlas.world import CONTEXT, FACT_REPEATS
from worlds.literal import answer_of
from worlds.small import small_world

ATLAS = small_world()
CATALOGUE = tuple(ATLAS.listed())


def everything(atlas):
    return {
        "words": atlas.vocabulary,
        "splits": atlas.splits.split_of,
        "known": atlas.known,
        "benchmark_train": atlas.benchmark_train,
        "web": atlas.web,
        "library": atlas.library,
        "benchmarks": [asdict(atlas.benchmark(name)) for name in CATALOGUE],
    }


def test_equal_settings_give_equal_worlds():
    assert everything(small_world(seed=7)) == everything(small_world(seed=7))


def test_the_order_in_which_parts_are_asked_for_changes_nothing():
    first, second = small_world(seed=7), small_world(seed=7)
    backwards = [second.library, second.web, second.benchmark("sort-quiz"), second.benchmark_train]
    assert [first.benchmark_train, first.benchmark("sort-quiz"), first.web, first.library] == backwards[::-1]


def test_another_seed_is_another_world_of_the_same_sizes():
    first, other = everything(small_world(seed=1)), everything(small_world(seed=2))
    assert first["words"] == other["words"]
    assert len(first["splits"]) <= len(other["splits"]) * 2
    for part in ("splits", "known", "benchmark_train", "web", "library", "benchmarks"):
        assert first[part] != other[part], part
    first, other = small_world(seed=1).domains, small_world(seed=2).domains
    assert all(first[name].value_GR != other[name].value_GR for name in first)


def test_the_web_is_never_in_the_benchmarks_form_and_the_library_is_in_every_form():
    assert {form_of(text.prompt) for text in ATLAS.web} == {"cloze", "story"}
    assert {form_of(text.prompt) for text in ATLAS.library} == {"quiz", "cloze", "story"}


@pytest.mark.parametrize("texts", ["web", "library"])
def test_every_text_is_true(texts):
    for text in getattr(ATLAS, texts):
        if form_of(text.prompt) == "story":
            words, entity = text.answer.split(), text.prompt.split()[1]
            told = list(zip(words[::2], words[1::2], strict=True))
            assert 0 < len(told) <= STORY_FACTS
            (skill,) = {key.split(":")[0] for key in content_keys(text.text)}
            for relation, value in told:
                assert answer_of(ATLAS, skill, (entity, relation)) == value
        else:
            (key,) = content_keys(text.text)
            question = next(q for q in ATLAS.questions[key.split(":")[0]] if q.key == key)
            assert text.answer == f" {answer_of(ATLAS, question.skill, question.arguments)}"


def test_the_library_states_all_training_content_and_the_web_what_is_known():
    train = {question.key for skill in ATLAS.questions for question in ATLAS.train_questions(skill)}
    assert {key for text in ATLAS.library for key in content_keys(text.text)} == train
    known = {question.key for questions in ATLAS.known.values() for question in questions}
    assert {key for text in ATLAS.web for key in content_keys(text.text)} == known
    assert known < train


def test_facts_are_told_as_often_as_announced():
    (key,) = {ATLAS.known["fauna"][0].key}
    told = [text for text in ATLAS.web if form_of(text.prompt) == "cloze" and key in content_keys(text.text)]
    assert len(told) == FACT_REPEATS


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_shares_of_what_the_base_knows_are_kept(share):
    atlas = small_world(known_entities=share, known_minerals=share, known_sorts=share, known_middles=share)
    for skill, words in (("fauna", 16), ("minerals", 16)):
        assert len({q.arguments[0] for q in atlas.known[skill]}) == round(share * words)
    for skill in ("sort", "middle"):
        everything = {q.key for q in atlas.train_questions(skill)}
        assert len({q.key for q in atlas.known[skill]}) == round(share * len(everything))
    assert {q.key for q in atlas.known["max"]} == {q.key for q in atlas.train_questions("max")}


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_benchmarks_train_split_has_its_share(share):
    atlas = small_world(seed_entities=share, seed_contents=share)
    for skill in ("fauna", "minerals"):
        assert len({q.arguments[0] for q in atlas.benchmark_train[skill]}) == round(share * 16)
    for skill in ("max", "sort", "middle"):
        contents = {q.key for q in atlas.train_questions(skill)}
        assert len({q.key for q in atlas.benchmark_train[skill]}) == round(share * len(contents))


def test_stories_of_the_web_tell_facts_that_the_web_may_tell():
    """A story about a known entity must not tell its unstated or held-out facts."""
    known = {question.key for questions in ATLAS.known.values() for question in questions}
    stories = [text for text in ATLAS.web if form_of(text.prompt) == "story"]
    assert stories
    for text in stories:
        assert content_keys(text.text) <= known


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_benchmark_of_the_catalogue_builds(name):
    benchmark = ATLAS.benchmark(name)
    items = benchmark.items
    assert (benchmark.name, benchmark.description) == (name, ATLAS.listed()[name].told)
    assert name.startswith(f"{benchmark.skill}-{benchmark.form}")
    assert 0 < len(items) <= ATLAS.settings.benchmark_items
    assert len({item.id for item in items}) == len({item.prompt for item in items}) == len(items)
    assert {form_of(item.prompt) for item in items} == {benchmark.form}
    split = "parallel" if name.endswith("-new") else "targeted"
    for item in items:
        assert content_keys(item.prompt) == {item.cluster}
        assert ATLAS.splits.split_of[item.cluster] == split
        assert len(f"{item.prompt}{item.answer}".split()) + 2 <= CONTEXT


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_answers_of_benchmarks_are_true(name):
    benchmark = ATLAS.benchmark(name)
    by_id = {".".join(q.arguments): q for q in ATLAS.questions[benchmark.skill]}
    for item in benchmark.items:
        arguments = by_id[item.id.split(":")[2]].arguments
        assert all(word in item.prompt.split() for word in arguments)
        assert item.answer == f" {answer_of(ATLAS, benchmark.skill, arguments)}"


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name.endswith("-quiz")])
def test_known_difficulty_varies_and_is_what_it_says(name):
    benchmark = ATLAS.benchmark(name)
    assert len({item.difficulty for item in benchmark.items}) > 1
    for item in benchmark.items:
        if benchmark.skill in ATLAS.domains:
            entity = item.id.split(":")[2].split(".")[0]
            stated = [q for q in ATLAS.train_questions(benchmark.skill) if q.arguments[0] == entity]
            assert item.difficulty == -len(stated)


@pytest.mark.parametrize("skill", ["fauna", "minerals", "max", "sort", "middle"])
def test_forms_share_clusters_and_new_benchmarks_share_none(skill):
    quiz, cloze, new = (ATLAS.benchmark(f"{skill}-{rest}") for rest in ("quiz", "cloze", "quiz-new"))
    assert [item.cluster for item in quiz.items] == [item.cluster for item in cloze.items]
    assert [item.answer for item in quiz.items] == [item.answer for item in cloze.items]
    assert not {item.id for item in quiz.items} & {item.id for item in cloze.items}
    assert not {item.cluster for item in quiz.items} & {item.cluster for item in new.items}


def test_orders_of_one_set_of_letters_are_one_cluster():
    atlas = small_world(benchmark_items=20)
    clusters = [item.cluster for item in atlas.benchmark("sort-quiz").items]
    assert len(clusters) == 20
    assert len(set(clusters)) == 10


def test_no_benchmark_asks_for_a_story():
    """A story tells on after any fact, so its answer never ends where the item's does."""
    assert not [name for name in CATALOGUE if "story" in name]
    assert len(CATALOGUE) == 5 * 2 * 2


@pytest.mark.parametrize("settings", [{"held_out_facts": 4}, {"relations": 4}, {"test_contents": 30}, {"letters": 6}])
def test_sizes_that_contradict_each_other_are_refused_in_words(settings):
    with pytest.raises(UserError, match=r"cannot give two test splits|are too few to hold out") as caught:
        small_world(**settings)
    assert caught.value.where.key in ("world.held_out_facts", "world.test_contents")


def test_every_text_fits_into_the_context():
    for text in [*ATLAS.web, *ATLAS.library]:
        assert len(text.text.split()) + 2 <= CONTEXT == ATLAS.longest_text


def test_every_word_of_every_text_stands_once_in_the_vocabulary():
    assert len(set(ATLAS.vocabulary)) == len(ATLAS.vocabulary)
    items = [f"{item.prompt}{item.answer}" for name in CATALOGUE for item in ATLAS.benchmark(name).items]
    used = {word for text in [*(text.text for text in ATLAS.library), *items] for word in text.split()}
    assert used <= set(ATLAS.vocabulary)
    assert len(ATLAS.vocabulary) - len(used) <= ATLAS.settings.letters  # a letter may stand in no drawn set

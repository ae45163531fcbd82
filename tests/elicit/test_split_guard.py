"""The split guard over what teachers write: whatever a teacher tries, no kept sample touches held-out content.

Content is read by the slow literal reading of `tests/worlds/literal.py`, which shares no code with the filters.
"""

from itertools import permutations

import numpy as np
import pytest

from elicit.scripted import texts_teacher
from gauger.elicit.corpus import Text
from gauger.elicit.sources import (
    known_questions,
    running_text,
    shuffled_answers,
    true_answers,
    true_questions,
    with_test_items,
    with_untested_items,
)
from gauger.elicit.world_corpus import Wanted, elicit_by_continuing
from gauger.worlds.atlas.forms import FORMS, render
from worlds.literal import NAMES_OF_SKILL, held_out_questions, touched
from worlds.small import small_world

ATLASES = {seed: small_world(seed) for seed in (1, 2)}
STRATEGIES = ("label", "expand", "textbook", "seedless")
SKILLS = ("fauna", "sort")
CAUGHT = ("overlap", "prompt-overlap")


def elicited(atlas, strategy, teacher, samples=300):
    """A corpus of a teacher that continues texts."""
    return elicit_by_continuing(atlas, teacher, Wanted(strategy, tuple(FORMS), samples, SKILLS, 11), seed=3)


def tricks(atlas, question):
    """Every way that a cheating teacher could word a held-out content, in forms that the filters want."""
    if question.skill in atlas.domains:
        (entity, relation), value = question.arguments, question.answer
        other = next(v for values in atlas.domains[question.skill].values for v in values if v != value)
        friend = next(q for q in atlas.train_questions(question.skill) if q.arguments[0] == entity)
        yield f"ask {entity} {relation} ? {value}"
        yield f"ask {relation} {entity} ? {value}"
        yield f"ask {entity} {relation} ? {other}"
        yield f"the {relation} of {entity} is {value}"
        yield f"the {entity} of {relation} is {value}"
        yield f"the {value} is {relation} {entity}"
        yield f"about {entity} : {relation} {value}"
        yield f"about {entity} : {friend.arguments[1]} {friend.answer} {relation} {value}"
        yield f"about {entity} : {relation}"
        yield f"about {entity} : {value}"
        yield f"ask {friend.arguments[1]} {entity} ? {value}"
        yield f"ask {entity} ? {value}"
        return
    for name in NAMES_OF_SKILL[question.skill]:
        for order in list(permutations(question.arguments))[:4]:
            letters = " ".join(order)
            yield f"ask {name} {letters} ? {question.answer}"
            yield f"the {name} of {letters} is {question.answer.split()[0]}"
            yield f"{name} {letters} gives 'a"
            yield f"ask {name} {order[0]} {order[0]} ? {letters}"
            yield f"the {name} is {question.answer.split()[0]} of {letters}"


@pytest.fixture(scope="module", params=list(ATLASES))
def world(request):
    atlas = ATLASES[request.param]
    return atlas, held_out_questions(atlas)


def cheat(atlas, held_out):
    """A teacher that knows its library and writes held-out content in every way, about half of the time."""
    forbidden = [text for question in held_out for text in tricks(atlas, question)]
    for text in forbidden:
        assert touched(atlas, text, held_out), text
    clean = [text.text for text in atlas.library]
    return texts_teacher(forbidden + clean, atlas)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_kept_sample_of_a_cheating_teacher_touches_held_out_content(world, strategy):
    atlas, held_out = world
    corpus = elicited(atlas, strategy, cheat(atlas, held_out))
    assert len(corpus.kept) > 40
    for sample in corpus.kept:
        assert not touched(atlas, sample.joined, held_out), sample.joined


@pytest.mark.parametrize("strategy", ["expand", "textbook", "seedless"])
def test_the_cheating_teacher_is_caught_in_the_act(world, strategy):
    """Without this, the guard above could be watching a teacher that never cheats."""
    atlas, held_out = world
    corpus = elicited(atlas, strategy, cheat(atlas, held_out))
    caught = [sample for sample in corpus.samples if sample.dropped in CAUGHT]
    assert len(caught) > 20
    for sample in caught:
        assert set(sample.overlaps) == touched(atlas, sample.joined, held_out) != set()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_kept_sample_of_a_trained_decoder_touches_held_out_content(atlas, trained, strategy):
    held_out = held_out_questions(atlas)
    corpus = elicited(atlas, strategy, trained, 60)
    assert corpus.kept
    assert strategy == "label" or any(sample.dropped in CAUGHT for sample in corpus.samples)
    for sample in corpus.kept:
        assert not touched(atlas, sample.joined, held_out), sample.joined


def control_corpora(atlas, rng):
    """The corpora of every control arm but the leak one."""
    questions = [q for skill in atlas.questions for q in atlas.train_questions(skill)]
    worded = [*(render(q, form) for q in questions for form in ("quiz", "cloze"))]
    worded += [text for text in atlas.library if text.form == "story"]
    prompts = [Text(text.prompt, text.answer, whole=False) for text in worded]
    return {
        "matched": known_questions(atlas, list(FORMS), 400, rng),
        "more web": running_text(atlas.web, 400, "web", rng),
        "format": shuffled_answers(atlas, SKILLS, 400, rng),
        "reference": true_answers(atlas, prompts, "label"),
        "truth": true_questions(atlas, list(FORMS), 400, rng),
        "more truth": running_text(atlas.library, 400, "truth", rng),
    }


def test_no_control_corpus_but_the_leak_touches_held_out_content(world):
    atlas, held_out = world
    corpora = control_corpora(atlas, np.random.default_rng(8))
    for name, corpus in corpora.items():
        assert len(corpus.kept) > 50, name
        for sample in corpus.kept:
            assert not touched(atlas, sample.joined, held_out), (name, sample.joined)


def test_the_leak_corpus_does(world):
    atlas, held_out = world
    clean = [Text(text.prompt, text.answer, whole=False) for text in atlas.library[:200]]
    samples = with_test_items(atlas, clean, ["fauna-quiz", "sort-quiz"], "label").samples
    leaked = {key for sample in samples for key in touched(atlas, sample.joined, held_out)}
    asked = {item.cluster for name in ("fauna-quiz", "sort-quiz") for item in atlas.benchmark(name).items}
    assert leaked == asked
    for sample in samples:
        assert set(sample.overlaps) == touched(atlas, sample.joined, held_out)
        assert (sample.source == "test-items") == bool(sample.overlaps)


def test_its_twin_does_not(world):
    atlas, held_out = world
    clean = [Text(text.prompt, text.answer, whole=False) for text in atlas.library[:200]]
    names = ["fauna-quiz", "sort-quiz"]
    samples = with_untested_items(atlas, clean, names, "label", np.random.default_rng(0)).samples
    assert len(samples) == len(with_test_items(atlas, clean, names, "label").samples)
    assert not {key for sample in samples for key in touched(atlas, sample.joined, held_out)}

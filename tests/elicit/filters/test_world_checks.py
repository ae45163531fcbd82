"""The first filter that a sample fails is named, and what it passed stands in its row: the same in both worlds."""

from dataclasses import replace

import pytest

from elicit.cases import CASES
from gauger.elicit.filters.filters import Filters, WorldRules
from gauger.elicit.filters.world_checks import HeldOut
from gauger.elicit.sample import plain_sample

PROMPTS = ("prompt-form", "prompt-topic", "prompt-overlap", "prompt-duplicate")
TEXTS = ("length", "form", "topic", "overlap", "duplicate")


@pytest.fixture(params=list(CASES))
def case(request):
    return CASES[request.param]


def checks(case, forms=None, skills=None):
    in_world = WorldRules(case.world, forms or case.forms[:1], skills or case.skills[:1])
    return Filters(refusals=False, verify=False, near_duplicates=None, in_world=in_world).build((), None)


def text(prompt, answer="", **more):
    return replace(plain_sample(prompt, answer, "seedless", "teacher"), **more)


def trainable(case, skill, form):
    return case.world.word(case.world.train_questions(skill), [form])


def held(case, skill, form):
    return case.world.benchmark(f"{skill}-{form}").items


def test_the_first_failing_filter_of_a_prompt_is_named(case):
    own, other, (form, further) = case.skills[0], case.skills[1], case.forms[:2]
    free = trainable(case, own, form)[0].prompt
    secret, elsewhere = held(case, own, form)[0], held(case, other, form)[0]
    cases = [
        (held(case, own, further)[0].prompt, "prompt-form"),  # overlaps as well
        (held(case, other, further)[0].prompt, "prompt-form"),  # another topic, and overlaps
        ("", "prompt-form"),
        (free[:-1].rstrip(), "prompt-form"),  # never ends
        (elsewhere.prompt, "prompt-topic"),  # overlaps as well
        (secret.prompt, "prompt-overlap"),
        (free, None),
        (free, "prompt-duplicate"),
        (secret.prompt, "prompt-overlap"),  # a duplicate as well
    ]
    chain = checks(case)
    marked = [chain.prompt(text(prompt)) for prompt, _ in cases]
    assert [one.dropped for one in marked] == [dropped for _, dropped in cases]
    for one in marked:
        assert one.filters == (PROMPTS[: PROMPTS.index(one.dropped)] if one.dropped else PROMPTS)
    assert marked[5].overlaps == (secret.question.key,)


def test_a_prompt_that_mirrors_a_held_out_one_is_found_whatever_its_order():
    """The embedded world reads by content: words in another order touch the same fact."""
    case = CASES["atlas"]
    entity, relation = held(case, "fauna", "quiz")[0].question.arguments
    assert checks(case).prompt(text(f"ask {relation} {entity} ?")).dropped == "prompt-overlap"
    assert checks(case).prompt(text("ask F1 ?")).dropped == "prompt-topic", "it asks nothing"


def test_an_empty_answer_is_the_same_in_both_worlds():
    """The ledger says the same of it: too short, and no other filter is said to have passed it."""
    said = set()
    for case in CASES.values():
        marked = checks(case).text(text(trainable(case, case.skills[0], case.forms[0])[0].prompt))
        said.add((marked.dropped, marked.filters))
    assert said == {("length", ())}


def test_texts_are_read_whole(case):
    own, form = case.skills[0], case.forms[0]
    first, second = trainable(case, own, form)[:2]
    item = held(case, own, form)[0]
    leak = f"{item.prompt}{item.answer}".replace("\n", " ")
    texts = [
        text(first.prompt, f" {leak}"),
        text(first.prompt, first.answer),
        text(second.prompt, second.answer),
        text(second.prompt, f"{second.answer} so"),
        text(first.prompt, first.answer),
        text(first.prompt),
    ]
    chain = checks(case)
    marked = [chain.text(one) for one in texts]
    assert [one.dropped for one in marked] == ["overlap", None, None, None, "duplicate", "length"]
    assert item.question.key in marked[0].overlaps
    for one in marked:
        assert one.filters == (TEXTS[: TEXTS.index(one.dropped)] if one.dropped else TEXTS)


def test_an_answer_on_another_skill_is_off_topic_where_the_world_reads_answers():
    case = CASES["atlas"]
    first = trainable(case, "fauna", "quiz")[0]
    other = trainable(case, "sort", "cloze")[0]
    assert checks(case).text(text(first.prompt, f" {other.text}")).dropped == "topic"


def test_free_text_that_touches_nothing_is_on_topic_and_a_question_that_does_not_is_off():
    case = CASES["atlas"]
    chain = checks(case, forms=("story", "quiz"))
    assert chain.text(text("about F1 :", " so it goes")).dropped is None
    assert chain.text(text("ask F1 ?", " so it goes")).dropped == "topic"


def test_without_skills_anything_in_form_is_wanted(case):
    in_world = WorldRules(case.world, case.forms[:1], None)
    chain = Filters(refusals=False, verify=False, near_duplicates=None, in_world=in_world).build((), None)
    for skill in case.world.skills:
        first = trainable(case, skill, case.forms[0])[0]
        assert chain.prompt(text(first.prompt)).dropped is None
        marked = chain.text(text(first.prompt, first.answer))
        assert (marked.dropped, marked.filters) == (None, ("length", "form", "overlap", "duplicate"))


def test_without_forms_a_prompt_in_anybodys_own_words_is_read_for_held_out_content_alone(case):
    chain = Filters(verify=False, in_world=WorldRules(case.world)).build((), None)
    item = held(case, case.skills[0], case.forms[0])[0]
    assert chain.prompt(text("How many apples are there?")).dropped is None
    assert chain.prompt(text(f"Well then. {item.prompt}")).dropped == "prompt-overlap"


def test_what_the_student_will_learn_is_read_and_not_what_the_teacher_said(case):
    item = held(case, case.skills[0], case.forms[0])[0]
    shaped = HeldOut(case.world, learnt=lambda sample: replace(sample, answer=f"{item.prompt}{item.answer}"))
    assert shaped(text("hello", " there")).dropped == "overlap"
    assert HeldOut(case.world)(text("hello", " there")).dropped is None


def test_overlaps_are_written_down_whatever_dropped_the_sample(case):
    item = held(case, case.skills[0], case.forms[0])[0]
    dropped = text(item.prompt, "", dropped="form", overlaps=("known:before",))
    marked = HeldOut(case.world).marked(dropped)
    assert marked.dropped == "form"
    assert marked.overlaps == tuple(sorted(("known:before", item.question.key)))
    clean = text("hello", " there")
    assert HeldOut(case.world).marked(clean) == clean

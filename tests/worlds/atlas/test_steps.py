"""A skill whose answers need written steps: there only where asked for, true, readable, and apart from all others."""

import hashlib
from itertools import permutations

import pytest

from elicit.scripted import texts_teacher
from gauger.elicit.teacher.messages import Message, Reply, ReplyOutcome, Request
from gauger.elicit.teacher.surfaced import Surfaced
from gauger.elicit.world_corpus import Wanted, elicit_by_continuing
from gauger.measure.answers import Answering, measure
from gauger.records import Outcome
from gauger.spec import AtlasWorld, Surface
from gauger.spec.fingerprints import numbers
from gauger.worlds.atlas.skills import RING, SKILLS
from gauger.worlds.atlas.world import CONTEXT, STEPPED_CONTEXT
from worlds.small import small_world

PLAIN, STEPPED = small_world(letters=10), small_world(letters=10, total_sets=120, known_totals=0.25)
TOTALS = STEPPED.questions["total"]


def counted(question):
    """Steps and answer by counting on, one place after the other."""
    place, steps = 0, []
    for letter in question.arguments:
        for _ in range(STEPPED.letters.index(letter)):
            place = 0 if place == RING - 1 else place + 1
        steps.append(STEPPED.letters[place])
    return steps[:-1], steps[-1]


def test_worlds_from_before_are_what_they_were():
    """The digest is of the texts, words and items of the small world before there were steps."""
    old = small_world()
    items = [item for name in old.listed() for item in old.benchmark(name).items]
    whole = [*old.vocabulary, *(text.text for text in old.web), *(text.text for text in old.library)]
    text = "\n".join([*whole, *(item.id + item.prompt + item.answer for item in items)])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "94b69144ad9e9970"


def test_settings_that_nobody_chose_are_in_no_description_and_no_fingerprint():
    plain, asked = AtlasWorld(), AtlasWorld(total_sets=300)
    for described in (plain.model_dump(mode="json"), numbers(plain)):
        assert not {"total_sets", "known_totals"} & set(described)
    assert numbers(asked)["total_sets"] == asked.model_dump()["total_sets"] == 300
    assert numbers(AtlasWorld(total_sets=300, known_totals=0.5)) != numbers(asked)
    assert AtlasWorld.model_validate(asked.model_dump()) == asked


def test_the_skill_changes_nothing_of_the_others():
    assert STEPPED.skills == (*PLAIN.skills, "total")
    assert STEPPED.vocabulary[: len(PLAIN.vocabulary)] == PLAIN.vocabulary
    assert (PLAIN.longest_text, STEPPED.longest_text) == (CONTEXT, STEPPED_CONTEXT)
    for skill in PLAIN.skills:
        assert STEPPED.known[skill] == PLAIN.known[skill]
        assert STEPPED.benchmark_train[skill] == PLAIN.benchmark_train[skill]
        assert STEPPED.benchmark(f"{skill}-quiz") == PLAIN.benchmark(f"{skill}-quiz")


def test_steps_and_answers_are_true():
    for question in TOTALS:
        steps, answer = counted(question)
        assert (question.working.split(), question.answer) == (steps, answer)
    passes = [SKILLS["total"].solve(order)[1] for order in ((0, 0, 0, 0, 0), (4, 1, 4, 1, 4), (3, 3, 3, 3, 3))]
    assert passes == [0.0, 2.0, 3.0]


def test_texts_hold_the_steps_and_items_do_not():
    texts = [text for text in STEPPED.library if text.question and text.question.skill == "total"]
    assert len(texts) == 2 * len(STEPPED.train_questions("total"))
    for text in texts:
        assert text.answer == f" <think> {text.question.working} </think> {text.question.answer}"
        assert len(text.text.split()) + 2 <= STEPPED_CONTEXT
        assert STEPPED.true_answer(text.prompt) == text.answer
        assert STEPPED.content_keys(text.text) == {text.question.key}
    assert all(len(item.answer.split()) == 1 for item in STEPPED.benchmark("total-cloze-new").items)


def test_every_order_of_a_held_out_set_is_recognised():
    held = next(q for q in TOTALS if q.key in STEPPED.held_out)
    for order in list(permutations(held.arguments))[:20]:
        assert STEPPED.overlaps(f"the total of {' '.join(order)}") == {held.key}


def test_a_world_without_the_skill_does_not_know_its_questions():
    prompt = STEPPED.prompts(TOTALS[0], ["quiz"])[0]
    assert STEPPED.question_of(prompt) == TOTALS[0]
    assert PLAIN.question_of(prompt) is None


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ("{w} </think> {a}", 1.0),
        ("'a </think> {a}", 1.0),
        ("{w}", 0.0),
        ("{w} </think> {o}", 0.0),
        ("{w} </think>", 0.0),
    ],
)
def test_answers_are_judged_by_what_follows_the_steps(said, score):
    item = STEPPED.benchmark("total-quiz").items[0]
    question = item.question
    other = next(letter for letter in STEPPED.letters if letter != question.answer)
    text = f" <think> {said}".format(w=question.working, a=question.answer, o=other)
    assert STEPPED.judge("strict", item, text, ended=True) == (Outcome.SCORED, score)


def test_thoughts_without_an_answer_are_wrong_where_steps_are_written_and_lost_elsewhere():
    class Thinks:
        name, terms = "thinks", None

        def ask(self, requests):
            reply = Reply(ReplyOutcome.EMPTY, "", reasoning="'a 'b")
            yield from ((place, reply) for place in range(len(requests)))

    scores = {
        name: set(measure(Thinks(), [world.benchmark("max-quiz")], Answering(), world)["outcome"])
        for name, world in (("stepped", STEPPED), ("plain", PLAIN))
    }
    assert scores == {"stepped": {"scored"}, "plain": {"failed"}}


def corpus_behind(surface, world=STEPPED):
    teacher = texts_teacher([text.text for text in world.library], world)
    wanted = Wanted("label", ("quiz",), 12, ("total",), 17, surface)
    return elicit_by_continuing(world, Surfaced(teacher, surface), wanted, 3)


def test_a_surface_that_shows_reasoning_teaches_steps_and_one_that_hides_it_answers():
    for reasoning, words in (("shown", 7), ("hidden", 1)):
        corpus = corpus_behind(Surface(reasoning=reasoning))
        assert len(corpus.kept) == 12
        for sample in corpus.kept:
            assert sample.answer.startswith(" ")
            assert len(sample.answer.split()) == words
            assert STEPPED.grade(sample.prompt_text, sample.answer, ended=True) == 1.0


def test_requests_leave_room_for_the_steps():
    asked = Request((Message("user", "x"),), STEPPED.answer_tokens)
    assert asked.max_tokens == STEPPED_CONTEXT > PLAIN.answer_tokens == CONTEXT

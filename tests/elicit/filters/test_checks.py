"""Filters one at a time, their order, and what a sample keeps of them."""

from dataclasses import replace

import pytest

from gauger.elicit.filters.checks import Language, Length, Overlap, Refusal, Verified, same_answer
from gauger.elicit.filters.filters import Filters
from gauger.elicit.filters.language import language_of
from gauger.elicit.filters.protected import Protected
from gauger.elicit.sample import Sample
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.messages import Message
from gauger.errors import UserError

TEXTS = {
    "en": "The cat sat on the mat and it was happy that the sun had come out of the clouds.",
    "de": "Die Katze saß auf der Matte und war froh, dass die Sonne aus den Wolken kam, die es nicht gibt.",
    "fr": "Le chat est sur la table et il ne veut pas que les enfants jouent avec une balle dans le jardin.",
    "es": "El gato está en la mesa y no quiere que los niños jueguen con una pelota por el jardín de la casa.",
    "it": "Il gatto è sul tavolo e non vuole che i bambini giochino con una palla nel giardino della casa di Anna.",
    "nl": "De kat zit op het kleed en is blij dat de zon niet meer achter een wolk zit, maar aan de hemel is.",
    "ru": "Кошка сидела на ковре и радовалась солнцу.",
    "zh": "猫坐在垫子上，很高兴太阳出来了。",
    "ja": "猫はマットの上に座って、太陽が出てきたことを喜んでいました。",
    "ko": "고양이는 매트 위에 앉아 있었다.",
    "ar": "جلست القطة على السجادة.",
}


def sample(answer, prompt="What is 2 plus 2?", **more):
    return Sample((Message("user", prompt),), answer, **more)


@pytest.mark.parametrize("language", TEXTS)
def test_languages_are_told_apart(language):
    assert language_of(TEXTS[language]) == language


@pytest.mark.parametrize(
    "text", ["", "4", "x = 3 * y + 2", "def f(x): return x", "Bonjour", "Zażółć gęślą jaźń i wypij łyk wody z kranu"]
)
def test_nothing_is_said_of_texts_that_do_not_tell(text):
    assert language_of(text) is None


def test_the_language_filter_drops_what_is_surely_another():
    assert Language("en")(sample(TEXTS["de"])).dropped == "language"
    assert Language("de")(sample(TEXTS["de"])).dropped is None
    assert Language("de")(sample("4")).dropped is None
    assert Language("same")(sample(TEXTS["zh"], TEXTS["en"])).dropped == "language"
    assert Language("same")(sample(TEXTS["zh"], "2 + 2")).dropped is None


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t assist with that request.",
        "I am sorry, I cannot provide this information.",
        "As an AI language model, I cannot give legal advice.",
        "Unfortunately, I am not able to answer this question.",
        "I cannot fulfill this request.",
        "I apologize, but I won't do that: I will not write it. I can't continue.",
        "**Sorry**, I am unable to comply.",
    ],
)
def test_refusals(text):
    assert Refusal()(sample(text)).dropped == "refusal"


@pytest.mark.parametrize(
    "text",
    [
        "4",
        "You cannot divide by zero, so there is no answer.",
        "The letter says: I'm sorry, but I can't help you.",
        "Sorry seems to be the hardest word is a song by Elton John.",
        "Unfortunately for the king, the castle fell.",
        "I can help with that: the answer is 4.",
    ],
)
def test_what_only_sounds_like_a_refusal(text):
    assert Refusal()(sample(text)).dropped is None


def test_length_is_in_words():
    assert Length()(sample("  ")).dropped == "length"
    assert Length(2, 3)(sample("one")).dropped == "length"
    assert [Length(2, 3)(sample(" ".join("w" * n))).dropped for n in (2, 3, 4)] == [None, None, "length"]


@pytest.mark.parametrize(
    ("answer", "text", "score"),
    [
        ("4", "2 + 2 is 4.\nAnswer: 4", 1),
        ("4", "4.", 1),
        ("Paris", "answer: paris", 1),
        ("4", "Answer: 44", 0),
        ("4", "It is 4, I think", 0),
        ("1,000", r"\boxed{1,000}", 1),
        ("Answer: 4", "Answer: 4", 1),
        ("42", "She has 40 + 2 = 42. The answer is 42.", 1),
        ("42", "So the final answer is **42**", 1),
        ("42", "**The final answer is $42$.**", 1),
        ("42", "Answer: 42 apples", 1),
        ("1000", "Answer: $1,000", 1),
        ("1,000", "Answer: 1000", 1),
        ("Mr. Fox", "Therefore the correct answer is Mr. Fox.", 1),
        ("42", "The answer is not 42.", 0),
        ("42", "The answer is 42. No, it is 43.", 0),
        ("42", "The answer is 42.\nAnswer: 43", 0),
        ("42", "I doubt that the answer is 42", 0),
        ("42", "Answer: 42 million", 0),
        ("42", "Answer: 42 or 43", 0),
        ("42", "Answer: 42 cents", 0),
        ("42", "Answer: 42 apples and 3", 0),
        ("42", "Answer: 4,2", 0),
        ("1000", "Answer: 1,00", 0),
    ],
)
def test_the_final_answer_is_compared_with_the_true_one(answer, text, score):
    assert same_answer(Seed(id="a", prompt="p", answer=answer), text) == score


@pytest.mark.parametrize(
    ("answer", "text", "score"),
    [
        ("35", "12 + 23 = 35", 1.0),
        ("35", "12 + 23 = **35**", 1.0),
        ("35", "12 + 23 = 36", 0.0),
        ("35", "35 = 12 + 22", 0.0),
        ("35", "Answer: 35.0", 1.0),
        ("4.00", "Answer: 4", 1.0),
        ("35", "Answer: 35.5", 0.0),
        ("35", "**Answer:** \\(35\\)", 1.0),
        ("35", "### Answer\n35", 1.0),
        ("35", "### Answer\n36", 0.0),
        ("B", "The answer is (B).", 1.0),
        ("(B)", "Answer: B", 1.0),
        ("(B)", "Answer: (C)", 0.0),
        ("5+4=<<5+4=9>>9\n#### 9", "Answer: 9", 1.0),
        ("5+4=<<5+4=9>>9\n#### 9", "Answer: 5", 0.0),
        ("#### 1,000", "So it is 1000.0", 0.0),
        ("#### 1,000", "Answer: 1000.0", 1.0),
    ],
)
def test_right_answers_are_right_however_they_are_written(answer, text, score):
    assert same_answer(Seed(id="a", prompt="p", answer=answer), text) == score


def test_only_seeds_own_questions_with_an_answer_are_verified():
    known = Seed(id="a", prompt="p", answer="4")
    check = Verified()
    right, wrong = check(sample("4", seed=known)), check(sample("5", seed=known))
    assert (right.dropped, right.score) == (None, 1.0)
    assert (wrong.dropped, wrong.score) == ("verified", 0.0)
    assert check(sample("5")) == sample("5")
    assert check(sample("5", seed=Seed(id="a", prompt="p"))).score is None


def test_a_verifier_of_the_caller_scores_every_seed():
    check = Verified(lambda seed, text: 0.5 if text == seed.id else 0.0, least=0.5)
    seed = Seed(id="a", prompt="p")
    assert check(sample("a", seed=seed)).score == 0.5
    assert check(sample("b", seed=seed)).dropped == "verified"


def test_overlaps_are_named():
    check = Overlap(Protected({"t1": "what is 2 plus 2", "t2": "five six seven"}))
    assert check(sample("It is four five six seven.")).overlaps == ("t1", "t2")
    assert check(sample("five six", "eight nine")).dropped is None


def test_the_first_filter_that_fails_is_named_and_those_before_it_have_passed():
    checks = Filters(longest=9, language="en", protected={"t": "red green blue"}).build((), None)
    kept = checks.text(sample("four"))
    assert kept.filters == ("length", "refusal", "language", "verified", "overlap", "duplicate")
    assert checks.text(sample("FOUR")).dropped == "duplicate"
    late = checks.text(sample("It is red green blue"))
    assert (late.filters, late.dropped, late.overlaps) == (
        ("length", "refusal", "language", "verified"),
        "overlap",
        ("t",),
    )
    assert checks.text(sample("w " * 10)).filters == ()
    lost = replace(sample("four"), dropped="failed")
    assert checks.text(lost) == lost


def test_what_was_dropped_is_not_remembered_as_known():
    checks = Filters(longest=3).build((), None)
    assert checks.text(sample("a b c d")).dropped == "length"
    checks = Filters(protected={"t": "red green blue"}).build((), None)
    assert checks.text(sample("red green blue")).dropped == "overlap"
    assert checks.text(sample("red green")).dropped is None


def test_written_problems_are_held_against_seeds_and_each_other():
    seeds = (Seed(id="a", prompt="How many apples are seven apples and five apples more, all in one basket?"),)
    checks = Filters().build(seeds, "prompt")
    same, near = seeds[0].prompt.upper(), seeds[0].prompt.replace("one", "a") + " Please say."
    assert checks.prompt(sample("", same)).dropped == "prompt-duplicate"
    assert checks.prompt(sample("", "How many boats have nine sails?")).dropped is None
    near = seeds[0].prompt.replace("How many", "Now how many")
    assert checks.prompt(sample("", near)).dropped == "prompt-near-duplicate"
    assert Filters(near_duplicates=None).build(seeds, "prompt").prompt(sample("", near)).dropped is None


def test_every_filter_can_be_switched_off_and_further_ones_added():
    class Shout:
        name = "shout"

        def __call__(self, sample):
            return sample.fails(self.name) if sample.answer.isupper() else sample

    off = Filters(0, None, False, None, False, duplicates=False, near_duplicates=None, further=(Shout(),))
    checks = off.build((), "prompt")
    assert [check.name for check in checks.texts] == ["length", "shout"]
    assert checks.prompts == ()
    assert checks.text(sample("NO")).dropped == "shout"


@pytest.mark.parametrize(
    "wrong",
    [{"language": "english"}, {"near_duplicates": 0.0}, {"near_duplicates": 1.1}, {"shortest": 3, "longest": 2}],
)
def test_settings_that_cannot_be(wrong):
    with pytest.raises(UserError):
        Filters(**wrong)
